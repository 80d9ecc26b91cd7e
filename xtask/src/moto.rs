//! moto, which plays AWS in the tests of AWS KMS: a Python package, in an environment of its own.

use crate::command::{Command, TaskError, workspace_root};
use crate::debian;

const DIRECTORY: &str = "target/tools/moto";
/// A version stands once: what moto accepts and refuses is part of what the tests say.
const PACKAGE: &str = "moto[server]==5.2.5";

/// Makes the environment that the tests look for, unless it is there and works.
///
/// # Errors
///
/// [`TaskError::Missing`] where there is no Python, and none can be installed from here;
/// [`TaskError::Failed`] where the environment cannot be made.
pub(crate) fn install() -> Result<(), TaskError> {
    if works() {
        return Ok(());
    }
    // Debian ships Python without what a new environment needs.
    if !can_make_environments() {
        debian::install(
            "Python 3 with its module venv",
            "install it (Debian and Ubuntu: `apt-get install python3 python3-venv`), \
             then run this again",
            &["python3", "python3-venv"],
        )?;
    }
    // An environment that does not work is of another Python, or was not finished.
    Command::new("python3", &["-m", "venv", "--clear", DIRECTORY]).run()?;
    Command::new(
        &python(),
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ],
    )
    .run()
}

/// The environment's own Python, whatever directory this was started in.
fn python() -> String {
    let path = workspace_root().join(DIRECTORY).join("bin/python");
    path.to_string_lossy().into_owned()
}

fn works() -> bool {
    Command::new(&python(), &["-c", "import moto.server"])
        .output()
        .is_some()
}

fn can_make_environments() -> bool {
    Command::new("python3", &["-c", "import ensurepip, venv"])
        .output()
        .is_some()
}
