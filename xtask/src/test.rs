//! `cargo xtask test`: what the tests need, and all of them.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;

use crate::command::{Command, TaskError};
use crate::tally::Tally;
use crate::{debian, python};

/// Installs what is missing, runs every test of the workspace, and ends with one line of counts.
///
/// # Errors
///
/// [`TaskError::TestsFailed`] where a test failed or the tests did not run to
/// their end; another where they could not be begun.
pub(crate) fn run() -> Result<(), TaskError> {
    install_c_compiler()?;
    install_postgres()?;
    install_request_tools()?;
    python::MOTO.install()?;
    python::RECIPE.install()?;
    python::STANDARD_WEBHOOKS.install()?;
    python::SCHEMATHESIS.install()?;
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

/// Storage is tested on a throw-away Postgres cluster, which the tests make and stop themselves.
pub(crate) fn install_postgres() -> Result<(), TaskError> {
    let configured = std::env::var_os("PORTAL_TEST_POSTGRES_BIN").map(PathBuf::from);
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let found = configured
        .into_iter()
        .chain(std::env::split_paths(&on_path))
        .chain(debian.filter_map(|version| Some(version.ok()?.path().join("bin"))))
        .any(|directory| directory.join("initdb").exists());
    if found {
        return Ok(());
    }
    debian::install(
        "a Postgres server",
        "install one (Debian and Ubuntu: `apt-get install postgresql`; macOS: `brew install \
         postgresql`), or name the directory of its programs in PORTAL_TEST_POSTGRES_BIN; then \
         run this again",
        &["postgresql"],
    )
}

/// The documentation's requests are made with these, as they stand there.
fn install_request_tools() -> Result<(), TaskError> {
    if ["curl", "openssl"].into_iter().all(debian::is_there) {
        return Ok(());
    }
    debian::install(
        "curl and openssl",
        "install both (Debian and Ubuntu: `apt-get install curl openssl`), then run this again",
        &["curl", "openssl"],
    )
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
