//! Installing what a task needs, where the machine is Debian's and ours to change.

use crate::command::{Command, TaskError};

/// Installs `packages`, which have `what` in them.
///
/// # Errors
///
/// [`TaskError::Missing`] where they cannot be installed from here.
pub(crate) fn install(what: &'static str, packages: &[&str]) -> Result<(), TaskError> {
    let is_root = Command::new("id", &["-u"])
        .output()
        .is_some_and(|user| user.trim() == "0");
    if !is_root || !is_there("apt-get") {
        return Err(TaskError::Missing {
            program: what,
            how: "install it, then run this again (as root on Debian and Ubuntu this task installs it; \
                  LIBCLANG_PATH names the directory of a libclang elsewhere)",
        });
    }
    Command::new("apt-get", &["update"]).run()?;
    let mut arguments = vec!["install", "--yes"];
    arguments.extend(packages);
    Command::new("apt-get", &arguments)
        .with("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

/// Whether `program` can be run.
pub(crate) fn is_there(program: &str) -> bool {
    Command::new(program, &["--version"]).output().is_some()
}
