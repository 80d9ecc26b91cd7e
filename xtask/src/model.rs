//! `cargo xtask model`: every state of a small system around the rules.

use crate::command::{Command, TaskError};

/// Builds the model checker and runs it with `arguments`, which it checks itself.
///
/// # Errors
///
/// [`TaskError::Failed`] where a property does not hold, or does not see a mistake that was sown.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let mut command = vec![
        "run",
        "--release",
        "--locked",
        "--package",
        "portal-sim",
        "--bin",
        "model",
        "--",
    ];
    command.extend(arguments.iter().map(String::as_str));
    Command::cargo(&command).run()
}
