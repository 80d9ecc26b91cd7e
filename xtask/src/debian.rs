//! Installing what a task needs, where the machine is Debian's and ours to change.

use crate::command::{Command, TaskError};

/// Installs `packages`, which have `what` in them; `how` tells whoever must do it by hand.
///
/// # Errors
///
/// [`TaskError::Missing`] where they cannot be installed from here.
pub(crate) fn install(
    what: &'static str,
    how: &'static str,
    packages: &[&str],
) -> Result<(), TaskError> {
    let is_root = Command::new("id", &["-u"])
        .output()
        .is_some_and(|user| user.trim() == "0");
    if !is_root || !is_there("apt-get") {
        return Err(TaskError::Missing { program: what, how });
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
