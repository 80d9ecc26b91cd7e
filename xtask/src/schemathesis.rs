//! `cargo xtask schemathesis`: a real server, called in far more ways than in the tests.

use crate::command::{Command, TaskError};
use crate::python;

const EXAMPLES: &str = "500";

/// Runs the test with schemathesis in release, with `--examples N` calls of each kind (500 unless
/// told).
///
/// # Errors
///
/// [`TaskError::Failed`] where the server does something else than it says; what the test prints
/// says how to call it so again.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let examples = match arguments {
        [] => EXAMPLES,
        [flag, examples] if flag == "--examples" && examples.parse::<u32>().is_ok() => examples,
        given => {
            return Err(TaskError::Expected {
                expected: "`--examples` and a whole number, or nothing",
                given: given.join(" "),
            });
        }
    };
    python::SCHEMATHESIS.install()?;
    Command::cargo(&[
        "test",
        "--release",
        "--locked",
        "--package",
        "portal-cli",
        "--all-features",
        "--test",
        "processes",
        "schemathesis::",
        "--",
        "--nocapture",
    ])
    .with("PORTAL_SCHEMATHESIS_EXAMPLES", examples)
    .run()
}
