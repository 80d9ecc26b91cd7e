//! `cargo xtask peers`: the engine measured beside its peers.
//!
//! The program is `peers/`, a workspace of its own: the peers' dependencies stay out of the
//! product's lock file, and out of what the other tasks build.

use std::path::PathBuf;

use crate::command::{Command, TaskError};

/// Builds and runs the program with `arguments`, which it checks itself.
///
/// # Errors
///
/// [`TaskError::Failed`] where the program fails, and with `--check` where a target is not met.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let arguments = from_here(arguments)?;
    let mut command = vec![
        "run",
        "--release",
        "--locked",
        "--manifest-path",
        "peers/Cargo.toml",
        "--",
    ];
    command.extend(arguments.iter().map(String::as_str));
    Command::cargo(&command).run()
}

/// The file after `--json` as the caller means it: the program runs in the root of the workspace.
fn from_here(arguments: &[String]) -> Result<Vec<String>, TaskError> {
    let mut arguments = arguments.to_vec();
    let file = arguments.iter().position(|argument| argument == "--json");
    if let Some(file) = file.and_then(|at| arguments.get_mut(at + 1)) {
        let path = std::path::absolute(&*file).map_err(|source| TaskError::File {
            path: PathBuf::from(&*file),
            source,
        })?;
        *file = path.to_string_lossy().into_owned();
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::from_here;

    #[test]
    fn only_the_file_becomes_absolute() {
        let given = ["--runs", "3", "--json", "out.json", "--check"].map(str::to_owned);
        let seen = from_here(&given).unwrap();
        let here = std::env::current_dir().unwrap().join("out.json");
        let expected = ["--runs", "3", "--json", here.to_str().unwrap(), "--check"];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_missing_file_is_left_to_the_program() {
        let given = ["--json".to_owned()];
        assert_eq!(from_here(&given).unwrap(), given);
    }
}
