//! `cargo xtask simulate`: the whole of Portal on a simulated network and clock, with faults.

use crate::command::{Command, TaskError};

/// Runs the simulator of `portal-sim` in release; `--seeds N` from 0 on (or `--from`), or
/// `--seed N` alone.
///
/// # Errors
///
/// [`TaskError::Expected`] for a number that is none, and [`TaskError::Failed`] where a seed
/// fails: the output names it.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let given: Vec<&str> = if arguments.is_empty() {
        vec!["--seeds", "1000"]
    } else {
        arguments.iter().map(String::as_str).collect()
    };
    let mut line = vec![
        "run",
        "--release",
        "--package",
        "portal-sim",
        "--bin",
        "simulate",
        "--locked",
        "--",
    ];
    line.extend(given);
    Command::cargo(&line).run()
}
