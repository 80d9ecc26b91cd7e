//! Files speak of this repository alone, not of the machine on which they were written.

use std::fs;
use std::process::Command;

use crate::root;

/// Directories of somebody's machine; in two pieces, so that this file does not hold them.
const ELSEWHERE: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// The lines of `text` that name a directory of somebody's machine, numbered from 1.
fn foreign_lines(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| ELSEWHERE.iter().any(|path| line.contains(path)))
        .map(|(index, line)| (index + 1, line))
        .collect()
}

/// What git tracks, and what it would track if it were added.
fn files() -> Vec<String> {
    let output = Command::new("git")
        // The tests may run as another user than the one who cloned.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .map(str::to_owned)
            .collect(),
        other => panic!("expected the list of files from git, got {other:?}"),
    }
}

#[test]
fn no_file_names_a_directory_of_another_machine() {
    let files = files();
    assert!(
        files.iter().any(|file| file == "Cargo.toml"),
        "expected Cargo.toml among the files, got {files:?}"
    );
    let mut found = Vec::new();
    for file in files {
        // What is no text, or was deleted since, has nothing to read.
        let Ok(text) = fs::read_to_string(root().join(&file)) else {
            continue;
        };
        for (number, line) in foreign_lines(&text) {
            found.push(format!("{file}:{number}: {}", line.trim()));
        }
    }
    assert!(
        found.is_empty(),
        "expected no absolute paths, got\n{}",
        found.join("\n")
    );
}

#[test]
fn a_foreign_line_is_seen() {
    let text = format!(
        "fine\nsee {}notes.md\nwork/ and root/ are fine",
        ELSEWHERE[0]
    );
    let seen = foreign_lines(&text);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].0, 2);
}
