//! `cargo xtask lint`: what a reviewer need not look for.

use crate::command::{Command, TaskError};

/// Runs every lint to its end and fails if one of them did.
///
/// # Errors
///
/// The first failure, after the others have been shown as well.
pub(crate) fn run() -> Result<(), TaskError> {
    let lints = [
        Command::cargo(&["fmt", "--all", "--check"]).run(),
        Command::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])
        .run(),
        Command::cargo(&["doc", "--workspace", "--no-deps", "--locked"])
            .with("RUSTDOCFLAGS", "-D warnings")
            .run(),
        dependencies(),
    ];
    lints.into_iter().collect()
}

fn dependencies() -> Result<(), TaskError> {
    if Command::cargo(&["deny", "--version"]).output().is_none() {
        return Err(TaskError::Missing {
            program: "cargo-deny",
            how: "`cargo install --locked cargo-deny` installs it",
        });
    }
    Command::cargo(&["deny", "check"]).run()
}
