//! `cargo xtask siege`: hostile load before the real server, with what it costs.

use crate::command::{Command, TaskError};

/// Runs the siege of the tests in release, one scene after the other, and shows its figures.
///
/// # Errors
///
/// [`TaskError::Failed`] where others were not answered, or the server's memory grew too much.
pub(crate) fn run() -> Result<(), TaskError> {
    Command::cargo(&[
        "test",
        "--release",
        "--locked",
        "--package",
        "portal-cli",
        "--all-features",
        "--test",
        "processes",
        "siege::",
        "--",
        "--nocapture",
        // One after the other: each has the machine for itself.
        "--test-threads=1",
    ])
    .run()
}
