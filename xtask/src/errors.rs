//! `cargo xtask errors`: the error reference, made from the code that raises the errors.

use std::fmt::Write as _;
use std::fs;

use portal_lifecycle::{ErrorId, ErrorPage, Retry};

use crate::command::{TaskError, workspace_root};

const INTRODUCTION: &str = "\
# Errors

<!-- Made by `cargo xtask errors`. Do not edit: change crates/lifecycle/src/error_id.rs. -->

Every error of Portal has one of the ids below. They are a contract: an id is
never renamed, and never comes to mean something else. Branch on the id alone;
titles and details are for people.

Over HTTP an error is an `application/problem+json` document (RFC 9457):

```json
{
  \"type\": \"https://github.com/portal-mpc/portal/blob/main/docs/errors.md#BACKUP_NOT_COMPLETE\",
  \"title\": \"No backup was ever completed\",
  \"status\": 409,
  \"detail\": \"no backup of this wallet was ever completed; …\",
  \"id\": \"BACKUP_NOT_COMPLETE\",
  \"retryable\": false,
  \"traceId\": \"0192f0c1-2f5e-7c3a-9d41-5a0b8c7e6f10\"
}
```

`retryable` says whether the same call may succeed later, unchanged. `status` is
the one given below unless an occurrence says otherwise, as RFC 8470 asks for a
backup that is confirmed too early (425). Errors that never cross HTTP, because
they arise in the SDK, carry the same ids.
";

/// The groups of the reference, each with the first id that belongs to it.
const GROUPS: [(&str, ErrorId); 5] = [
    ("General", ErrorId::BadRequest),
    ("Wallet", ErrorId::WalletAlreadyExists),
    ("MPC", ErrorId::DkgFailed),
    ("Storage", ErrorId::KeychainUnavailable),
    ("Chains", ErrorId::MethodUnsupported),
];

/// Writes `docs/errors.md`, or with `--check` compares it.
///
/// # Errors
///
/// [`TaskError::File`], and [`TaskError::OutOfDate`] where the check fails.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let path = workspace_root().join("docs").join("errors.md");
    let file = |source| TaskError::File {
        path: path.clone(),
        source,
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(file)?;
            }
            fs::write(&path, reference()).map_err(file)
        }
        ["--check"] => {
            if fs::read_to_string(&path).map_err(file)? == reference() {
                Ok(())
            } else {
                Err(TaskError::OutOfDate {
                    path,
                    remedy: "cargo xtask errors",
                })
            }
        }
        ["--check", given, ..] | [given, ..] => Err(TaskError::UnknownArgument {
            given: (*given).to_owned(),
        }),
    }
}

/// The whole page.
fn reference() -> String {
    let groups = groups();
    let mut text = INTRODUCTION.to_owned();
    for (name, ids) in &groups {
        text.push_str(&contents(name, ids));
    }
    for (name, ids) in &groups {
        // Writing to a `String` cannot fail; `write!` says so only by its type.
        let _ = write!(text, "\n## {name}\n");
        for id in ids {
            text.push_str(&section(id.page()));
        }
    }
    text
}

/// Every id under its group, in the order of the reference.
fn groups() -> Vec<(&'static str, Vec<ErrorId>)> {
    let mut groups: Vec<(&str, Vec<ErrorId>)> = Vec::new();
    for &id in ErrorId::ALL {
        if let Some((name, _)) = GROUPS.iter().find(|(_, first)| *first == id) {
            groups.push((name, Vec::new()));
        }
        if let Some((_, ids)) = groups.last_mut() {
            ids.push(id);
        }
    }
    groups
}

fn contents(name: &str, ids: &[ErrorId]) -> String {
    let mut text = format!("\n**{name}**\n\n");
    for id in ids {
        let _ = writeln!(text, "- [`{id}`](#{id}) {}", id.page().title);
    }
    text
}

fn section(page: ErrorPage) -> String {
    let retry = match page.retry {
        Retry::Yes => "yes",
        Retry::No => "no",
    };
    format!(
        "\n<a id=\"{id}\"></a>\n\n### `{id}`\n\n{title}. {meaning}\n\n\
         - HTTP status: {status}\n- Retry: {retry}\n- What to do: {what_to_do}\n",
        id = page.id,
        title = page.title,
        meaning = page.meaning,
        status = page.id.http_status(),
        what_to_do = page.what_to_do,
    )
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, groups, reference};
    use portal_lifecycle::ErrorId;

    #[test]
    fn every_id_stands_in_one_group() {
        let groups = groups();
        let names: Vec<_> = groups.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, GROUPS.map(|(name, _)| name));
        let ids: Vec<_> = groups.into_iter().flat_map(|(_, ids)| ids).collect();
        assert_eq!(ids, ErrorId::ALL);
    }

    #[test]
    fn every_id_has_its_anchor_and_its_entry() {
        let text = reference();
        for id in ErrorId::ALL {
            for part in [format!("<a id=\"{id}\"></a>"), format!("](#{id})")] {
                let seen = text.matches(&part).count();
                assert_eq!(seen, 1, "{part}");
            }
        }
    }
}
