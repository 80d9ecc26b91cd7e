//! `cargo xtask errors`: the error reference, made from the code that raises the errors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use portal_lifecycle::{ErrorId, ErrorPage, Retry};

use crate::command::{TaskError, workspace_root};

const INTRODUCTION: &str = "\
# Errors

<!-- Made by `cargo xtask errors`. Do not edit: change crates/lifecycle/src/error_id.rs. -->

Every error of Portal has one of the ids below, and each id has a page: what it
means, when it is raised, whether a retry helps, what to do. They are a contract:
an id is never renamed, and never comes to mean something else. Branch on the id
alone; titles and details are for people.

Over HTTP an error is an `application/problem+json` document (RFC 9457):

```json
{
  \"type\": \"https://github.com/portal-mpc/portal/blob/main/docs/errors/BACKUP_NOT_COMPLETE.md\",
  \"title\": \"No backup was ever completed\",
  \"status\": 409,
  \"detail\": \"no backup of this wallet was ever completed; …\",
  \"id\": \"BACKUP_NOT_COMPLETE\",
  \"retryable\": false,
  \"traceId\": \"0192f0c1-2f5e-7c3a-9d41-5a0b8c7e6f10\"
}
```

`type` is a fixed URL: the page of the id in the repository. It names no
installation, so that an error is the same wherever it is raised, and it cannot
be set (RFC 9457 section 3.1.1 makes it what an error is known by). Each server
gives its own version of the page at `GET /errors/BACKUP_NOT_COMPLETE`, without a
credential; use that where the repository cannot be reached.

`retryable` says whether the same call may succeed later, unchanged. `status` is
the one given below unless an occurrence says otherwise, as RFC 8470 asks for a
backup that is confirmed too early (425). Errors that never cross HTTP, because
they arise in the SDK, carry the same ids.
";

/// At the end of each page.
const MADE: &str = "\
<!-- Made by `cargo xtask errors`. Do not edit: change crates/lifecycle/src/error_id.rs. -->";

/// The groups of the reference, each with the first id that belongs to it.
const GROUPS: [(&str, ErrorId); 5] = [
    ("General", ErrorId::BadRequest),
    ("Wallet", ErrorId::WalletAlreadyExists),
    ("MPC", ErrorId::DkgFailed),
    ("Storage", ErrorId::KeychainUnavailable),
    ("Chains", ErrorId::MethodUnsupported),
];

/// Writes `docs/errors.md` and a page for each id beside it, or with `--check` compares them.
///
/// # Errors
///
/// [`TaskError::File`], and [`TaskError::OutOfDate`] where the check fails.
pub(crate) fn run(arguments: &[String]) -> Result<(), TaskError> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => write(&documents()),
        ["--check"] => check(&documents()),
        ["--check", given, ..] | [given, ..] => Err(TaskError::UnknownArgument {
            given: (*given).to_owned(),
        }),
    }
}

/// Where the index lies, and beside it the pages.
fn index_path() -> PathBuf {
    workspace_root().join("docs").join("errors.md")
}

/// Every file of the reference, with what stands in it.
fn documents() -> BTreeMap<PathBuf, String> {
    let index = index_path();
    let pages = index.with_extension("");
    let page = |id: &ErrorId| (pages.join(format!("{id}.md")), page(id.page()));
    let mut documents: BTreeMap<_, _> = ErrorId::ALL.iter().map(page).collect();
    documents.insert(index, reference());
    documents
}

fn write(documents: &BTreeMap<PathBuf, String>) -> Result<(), TaskError> {
    for path in superfluous(documents)? {
        fs::remove_file(&path).map_err(failed(&path))?;
    }
    for (path, text) in documents {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed(path))?;
        }
        fs::write(path, text).map_err(failed(path))?;
    }
    Ok(())
}

fn check(documents: &BTreeMap<PathBuf, String>) -> Result<(), TaskError> {
    let out_of_date = |path: &Path| TaskError::OutOfDate {
        path: path.to_owned(),
        remedy: "cargo xtask errors",
    };
    if let Some(path) = superfluous(documents)?.first() {
        return Err(out_of_date(path));
    }
    for (path, text) in documents {
        let is_there = path.try_exists().map_err(failed(path))?;
        if !is_there || fs::read_to_string(path).map_err(failed(path))? != *text {
            return Err(out_of_date(path));
        }
    }
    Ok(())
}

/// Pages of what is no id.
fn superfluous(documents: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, TaskError> {
    let pages = index_path().with_extension("");
    if !pages.try_exists().map_err(failed(&pages))? {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&pages).map_err(failed(&pages))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed(&pages))?;
    paths.retain(|path| !documents.contains_key(path));
    Ok(paths)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> TaskError {
    let path = path.to_owned();
    move |source| TaskError::File {
        path: path.clone(),
        source,
    }
}

/// The index.
fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (name, ids) in groups() {
        // Writing to a `String` cannot fail; `write!` says so only by its type.
        let _ = write!(
            text,
            "\n## {name}\n\n| id | | status | retry |\n|---|---|---|---|\n"
        );
        for id in ids {
            text.push_str(&row(id.page()));
        }
    }
    text
}

/// The page of one id.
fn page(page: ErrorPage) -> String {
    let text = page.markdown();
    format!("{text}\n[All errors](../errors.md)\n\n{MADE}\n")
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

fn row(page: ErrorPage) -> String {
    let id = page.id;
    let retry = match page.retry {
        Retry::Yes => "yes",
        Retry::No => "no",
    };
    let title = match page.when {
        Some(_) => page.title.to_owned(),
        None => format!("{} (not raised yet)", page.title),
    };
    let status = id.http_status();
    format!("| [`{id}`](errors/{id}.md) | {title} | {status} | {retry} |\n")
}

#[cfg(test)]
mod raised;

#[cfg(test)]
mod tests {
    use super::{GROUPS, documents, groups, index_path};
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
    fn every_id_has_its_row_and_its_page() {
        let documents = documents();
        let index = &documents[&index_path()];
        for id in ErrorId::ALL {
            let link = format!("](errors/{id}.md)");
            assert_eq!(index.matches(&link).count(), 1, "{link}");
            let page = index_path().with_file_name(format!("errors/{id}.md"));
            let page = &documents[&page];
            assert!(page.starts_with(&format!("# {id}\n")), "{id}: {page}");
            for part in ["What it means", "When", "Retry", "What to do"] {
                let part = format!("\n- **{part}:** ");
                assert_eq!(page.matches(&part).count(), 1, "{id}: {part}");
            }
        }
        assert_eq!(documents.len(), ErrorId::ALL.len() + 1);
    }

    /// `--check` says the same; nobody runs it before they commit.
    #[test]
    fn what_is_committed_is_made_from_this_code() {
        super::check(&documents()).expect("up to date");
    }
}
