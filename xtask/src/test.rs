//! `cargo xtask test`: what the tests need, and all of them.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::command::{Command, TaskError};
use crate::debian;
use crate::tally::Tally;

/// Installs what is missing, runs every test of the workspace, and ends with one line of counts.
///
/// # Errors
///
/// [`TaskError::TestsFailed`] where a test failed or the tests did not run to
/// their end; another where they could not be begun.
pub(crate) fn run() -> Result<(), TaskError> {
    install_c_compiler()?;
    // Without `--no-fail-fast` the binaries after a failure would not be counted.
    let tests = Command::cargo(&[
        "test",
        "--workspace",
        "--all-features",
        "--locked",
        "--no-fail-fast",
    ]);
    let mut child = tests.spawn(Stdio::piped())?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut out = std::io::stdout().lock();
        for line in BufReader::new(output).split(b'\n') {
            // A test may print bytes that are no text; they must not stop the count.
            let line = line.map_err(|source| tests.not_started(source))?;
            let line = String::from_utf8_lossy(&line);
            tally.add(&line);
            writeln!(out, "{line}").map_err(|source| tests.not_started(source))?;
        }
    }
    let status = child.wait().map_err(|source| tests.not_started(source))?;
    if tally.ignored > 0 {
        println!("{} ignored", tally.ignored);
    }
    if !status.success() && tally.failed == 0 {
        // It did not compile, or a binary died before it could sum up.
        println!("`{tests}` did not run to its end ({status}); counted as one failure");
        tally.failed = 1;
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 {
        Ok(())
    } else {
        Err(TaskError::TestsFailed)
    }
}

/// SQLite, ring and libsecp256k1 are compiled from the C sources that their crates carry.
fn install_c_compiler() -> Result<(), TaskError> {
    let configured = std::env::var("CC").ok();
    let found = configured
        .as_deref()
        .into_iter()
        .chain(["cc", "gcc", "clang"])
        .any(debian::is_there);
    if found {
        return Ok(());
    }
    debian::install(
        "a C compiler",
        "install one (Debian and Ubuntu: `apt-get install build-essential`; \
         macOS: `xcode-select --install`), then run this again",
        &["build-essential"],
    )
}
