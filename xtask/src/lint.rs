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
        // Workspaces of their own.
        apart("peers", &["fmt", "--check"]),
        apart("constant-time", &["fmt", "--check"]),
        apart("fuzz", &["fmt", "--check"]),
        apart("peers", &["clippy", "--locked", "--", "-D", "warnings"]),
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

/// Runs cargo on the workspace in `directory`.
fn apart(directory: &str, arguments: &[&str]) -> Result<(), TaskError> {
    let manifest = format!("{directory}/Cargo.toml");
    let (command, rest) = arguments.split_at(1);
    let path = ["--manifest-path", manifest.as_str()];
    Command::cargo(&[command, &path, rest].concat()).run()
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
