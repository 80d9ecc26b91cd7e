//! `cargo xtask crash`: processes killed at random moments, far more often than in the tests.

use crate::command::{Command, TaskError};
use crate::test::install_postgres;

const KILLS: &str = "1000";

/// Runs the crash tests in release, with `--kills N` on each database (1000 unless told).
///
/// # Errors
///
/// [`TaskError::Failed`] where a wallet was lost; what the tests print names the seed.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let kills = match arguments {
        [] => KILLS,
        [flag, kills] if flag == "--kills" && kills.parse::<u32>().is_ok() => kills,
        given => {
            return Err(TaskError::Expected {
                expected: "`--kills` and a whole number, or nothing",
                given: given.join(" "),
            });
        }
    };
    install_postgres()?;
    Command::cargo(&[
        "test",
        "--release",
        "--locked",
        "--package",
        "portal-cli",
        "--all-features",
        "--test",
        "processes",
        "crash::",
        "--",
        "--nocapture",
        // One engine after the other: each has the machine for itself.
        "--test-threads=1",
    ])
    .with("PORTAL_CRASH_KILLS", kills)
    .run()
}
