//! `cargo xtask fuzz`: every fuzz target, one after another.

use std::fs;

use crate::command::{Command, TaskError, workspace_root};

const SECONDS: &str = "600";

/// Runs each target for `--seconds N` (600 unless told), from its corpus in `fuzz/corpus`, to which
/// what it finds worth keeping is added.
///
/// # Errors
///
/// [`TaskError::Failed`] at the first finding; the input lies in `fuzz/artifacts`.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let seconds = match arguments {
        [] => SECONDS,
        [flag, seconds] if flag == "--seconds" && seconds.parse::<u32>().is_ok() => seconds,
        given => {
            return Err(TaskError::Expected {
                expected: "`--seconds` and a whole number, or nothing",
                given: given.join(" "),
            });
        }
    };
    if Command::cargo(&["fuzz", "--version"]).output().is_none() {
        return Err(TaskError::Missing {
            program: "cargo-fuzz",
            how: "`cargo install --locked cargo-fuzz` installs it",
        });
    }
    let limit = format!("-max_total_time={seconds}");
    for target in targets()? {
        // Without a sanitizer: there is no unsafe code of ours, and panics are found without one.
        Command::cargo(&[
            "fuzz",
            "run",
            "--sanitizer",
            "none",
            &target,
            "--",
            &limit,
            "-max_len=60000",
        ])
        // The coverage flags of the compiler are unstable.
        .with("RUSTC_BOOTSTRAP", "1")
        .run()?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>, TaskError> {
    let directory = workspace_root().join("fuzz/fuzz_targets");
    let file = |source| TaskError::File {
        path: directory.clone(),
        source,
    };
    let mut targets = Vec::new();
    for entry in fs::read_dir(&directory).map_err(file)? {
        let name = entry.map_err(file)?.file_name();
        if let Some(name) = name.to_string_lossy().strip_suffix(".rs") {
            targets.push(name.to_owned());
        }
    }
    targets.sort();
    Ok(targets)
}
