//! `cargo xtask constant-time`: the protocols under a memory checker, every secret marked.

use std::fs;

use crate::command::{Command, TaskError};
use crate::debian;

const PROGRAM: &str = "target/constant-time/release/portal-constant-time";

/// What the checker exits with if it found something; nothing else exits so.
const FOUND: i32 = 99;

/// Builds and runs `constant-time/` under valgrind.
///
/// First the checker is checked: a branch on a bit of a share that was read from storage, made on purpose, must be found.
///
/// # Errors
///
/// [`TaskError::Failed`] where something depends on a secret, or the run itself fails;
/// [`TaskError::FoundNothing`] where the leak on purpose was not found.
pub(crate) fn run() -> Result<(), TaskError> {
    if !debian::is_there("valgrind") {
        debian::install(
            "valgrind",
            "install it (Debian and Ubuntu: `apt-get install valgrind`), then run this again",
            &["valgrind"],
        )?;
    }
    // The bindings to valgrind's requests are made with it.
    if !has_libclang() {
        debian::install(
            "libclang",
            "install it (Debian and Ubuntu: `apt-get install libclang-dev`) or name its directory \
             in LIBCLANG_PATH, then run this again",
            &["libclang-dev"],
        )?;
    }
    Command::cargo(&[
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        "constant-time/Cargo.toml",
        "--target-dir",
        "target/constant-time",
    ])
    .with("RUSTFLAGS", "--cfg portal_taint")
    .run()?;
    let checker = |arguments: &[&str]| {
        let mut all = vec![
            "--quiet",
            "--error-exitcode=99",
            "--num-callers=20",
            "--suppressions=constant-time/valgrind.supp",
            PROGRAM,
        ];
        all.extend(arguments);
        Command::new("valgrind", &all)
    };
    let control = checker(&["leak"]);
    match control.run() {
        Err(TaskError::Failed { status, .. }) if status.code() == Some(FOUND) => {
            println!("a branch on a secret, made on purpose, is found");
        }
        Err(error) => return Err(error),
        Ok(()) => {
            return Err(TaskError::FoundNothing {
                command: control.to_string(),
            });
        }
    }
    checker(&[]).run()?;
    println!("no branch and no address depends on a secret");
    Ok(())
}

fn has_libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let llvm = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    llvm.filter_map(|entry| fs::read_dir(entry.path().join("lib")).ok())
        .flatten()
        .flatten()
        .any(|file| file.file_name().to_string_lossy() == "libclang.so")
}
