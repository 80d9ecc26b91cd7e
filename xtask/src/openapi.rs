//! `cargo xtask openapi`: the description of the REST API, made from the code that answers.

use std::fs;

use crate::command::{Command, TaskError, workspace_root};

/// Writes `docs/openapi.json`, or with `--check` compares it.
///
/// # Errors
///
/// [`TaskError::Missing`] where the binary does not run, [`TaskError::File`], and
/// [`TaskError::OutOfDate`] where the check fails.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let path = workspace_root().join("docs").join("openapi.json");
    let file = |source| TaskError::File {
        path: path.clone(),
        source,
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let check = match arguments.as_slice() {
        [] => false,
        ["--check"] => true,
        ["--check", given, ..] | [given, ..] => {
            return Err(TaskError::UnknownArgument {
                given: (*given).to_owned(),
            });
        }
    };
    let printed = Command::cargo(&["run", "--quiet", "--locked", "--", "openapi"]).output();
    let printed = printed.ok_or(TaskError::Missing {
        program: "`portal openapi`",
        how: "run `cargo run -- openapi` to see why",
    })?;
    if !check {
        return fs::write(&path, printed).map_err(file);
    }
    if fs::read_to_string(&path).map_err(file)? == printed {
        Ok(())
    } else {
        Err(TaskError::OutOfDate {
            path,
            remedy: "cargo xtask openapi",
        })
    }
}
