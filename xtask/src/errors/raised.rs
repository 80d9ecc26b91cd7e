//! Whether each id is raised by some code, or its page says that it is not.
//!
//! The sources are read as text. An id counts as raised where its variant, or its name on the
//! wire, stands as a value: not in a pattern, not in a comparison, not in a description of the API,
//! and not in a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portal_lifecycle::ErrorId;

use crate::command::workspace_root;

/// Where ids are told of, and not raised.
const ELSEWHERE: [&str; 4] = ["error_id.rs", "openapi", "conformance", "demo"];

#[test]
fn each_id_is_raised_or_its_page_says_that_it_is_not() {
    let sources: Vec<_> = sources().iter().map(|path| code_of(path)).collect();
    assert!(sources.len() > 100, "expected the workspace's sources");
    let raised: BTreeSet<_> = ErrorId::ALL
        .iter()
        .filter(|id| sources.iter().any(|source| raises(source, **id)))
        .collect();
    let said: BTreeSet<_> = ErrorId::ALL
        .iter()
        .filter(|id| id.page().when.is_some())
        .collect();
    let unsaid: Vec<_> = raised.difference(&said).collect();
    let unraised: Vec<_> = said.difference(&raised).collect();
    assert!(
        unsaid.is_empty() && unraised.is_empty(),
        "in crates/lifecycle/src/error_id.rs, say when these are raised: {unsaid:?}; and that \
         these are `not_yet`: {unraised:?}"
    );
}

#[test]
fn a_value_is_told_from_a_pattern() {
    let id = ErrorId::NotFound;
    for raised in [
        "Error::new(ErrorId::NotFound, what)",
        "Self::PairNotFound => ErrorId::NotFound,",
        "Self::Blocked { .. } => \"NOT_FOUND\",",
    ] {
        assert!(raises(raised, id), "{raised}");
    }
    for mentioned in [
        "ErrorId::NotFound => retry(),",
        "Some(ErrorId::NotFound) => retry(),",
        "Some(ErrorId::NotFound | ErrorId::Forbidden) => retry(),",
        "Some(ErrorId::Forbidden | ErrorId::NotFound) => retry(),",
        "matches!(error.id(), ErrorId::Forbidden | ErrorId::NotFound)",
        "if error.id() == ErrorId::NotFound {",
        "Error::new(ErrorId::NotFoundAtAll, what)",
        "format!(\"NOT_FOUND\")",
    ] {
        assert!(!raises(mentioned, id), "{mentioned}");
    }
}

fn raises(source: &str, id: ErrorId) -> bool {
    let variant = format!("ErrorId::{id:?}");
    let name = format!("=> \"{id}\"");
    source.contains(&name)
        || source.match_indices(&variant).any(|(at, _)| {
            let before = source[..at].trim_end();
            let after = &source[at + variant.len()..];
            let next = after.trim_start_matches(|next: char| next.is_whitespace() || next == ')');
            let is_longer = after.starts_with(|next: char| next.is_alphanumeric());
            let is_other = ["=>", "|", "==", "!="];
            !is_longer
                && !is_other.iter().any(|sign| next.starts_with(sign))
                && !is_other
                    .iter()
                    .any(|sign| *sign != "=>" && before.ends_with(sign))
        })
}

/// The file without comments and without its tests.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source");
    let code = text.split("#[cfg(test)]\nmod tests").next();
    let lines = code.unwrap_or_default().lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn sources() -> Vec<PathBuf> {
    let crates = workspace_root().join("crates");
    let mut found = Vec::new();
    for entry in fs::read_dir(crates).expect("the crates") {
        let path = entry.expect("a crate").path();
        if !path.ends_with("sim") {
            add(&path.join("src"), &mut found);
        }
    }
    found
}

fn add(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let stem = name.trim_end_matches(".rs");
        if ELSEWHERE.contains(&&*name) || ELSEWHERE.contains(&stem) {
            continue;
        }
        if path.is_dir() {
            add(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}
