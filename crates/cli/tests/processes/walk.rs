//! The walks in the documentation, each command as it stands there.
//!
//! A block marked `sh` is run by a shell in one directory. A command that serves goes on in the
//! background, as in a terminal of its own; `backend` is the example of `portal-custodian`. A block marked `text` right after it is what it prints,
//! among other lines; a line `…` stands for some that are left out. Only addresses differ: a test
//! takes the ports that are free.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::service::Service;

/// A walk under way.
struct Walk {
    directory: TempDir,
    services: Vec<Service>,
    /// Addresses as they are written, and as they are.
    addresses: BTreeMap<String, String>,
    printed: String,
}

/// Blocks of a text, each with its mark.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("\n```").skip(1).step_by(2);
    parts.filter_map(|block| block.split_once('\n')).collect()
}

/// The part of a text under a heading, up to another one.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let begins = text.find(&format!("\n{from}\n"));
    let begins = begins.unwrap_or_else(|| panic!("expected the heading {from}"));
    let rest = &text[begins..];
    let ends = rest.find(&format!("\n{to}\n"));
    &rest[..ends.unwrap_or_else(|| panic!("expected the heading {to}"))]
}

fn document(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

impl Walk {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            services: Vec::new(),
            addresses: BTreeMap::new(),
            printed: String::new(),
        }
    }

    fn follow(mut self, text: &str) {
        for (mark, block) in blocks(text) {
            match mark {
                "sh" => self.run(block),
                "text" => self.expect(block),
                _ => {}
            }
        }
        assert!(!self.services.is_empty(), "expected a walk with services");
    }

    fn run(&mut self, block: &str) {
        let lines: Vec<_> = block.lines().collect();
        match lines.split_last() {
            Some((last, before)) if last.contains(" serve ") || last.starts_with("backend ") => {
                self.shell(&before.join("\n"));
                self.serve(last);
            }
            _ => self.shell(block),
        }
    }

    fn shell(&mut self, script: &str) {
        let script = self.with_addresses(script);
        let output = self
            .command(&format!("set -euo pipefail\nexec 2>&1\n{script}"))
            .output()
            .unwrap();
        self.printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{script}\n{}", self.printed);
    }

    fn serve(&mut self, line: &str) {
        let (_, rest) = line
            .split_once("--listen ")
            .or_else(|| line.split_once("backend "))
            .unwrap();
        let written = rest.split_whitespace().next().unwrap().to_owned();
        let line = self.with_addresses(&line.replace(&written, "127.0.0.1:0"));
        let log = self.directory.path().join("service.log");
        // The service gets the test's own arguments behind those of the page.
        let command = self.command(&format!("exec {line} \"$@\""));
        let service = Service::start(command, &log).unwrap_or_else(|error| {
            panic!("{line}\n{error}\n{}", fs::read_to_string(&log).unwrap())
        });
        let (_, address) = service.url.split_once("://").unwrap();
        self.addresses.insert(written, address.to_owned());
        self.services.push(service);
    }

    /// The programs as they are on the `PATH` of somebody who followed the page, with no settings.
    fn command(&self, script: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_portal")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .env_clear()
            .env(
                "PATH",
                format!("{0}:{0}/examples:{path}", program.display()),
            )
            .env("HOME", self.directory.path())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .args(["-c", script, "bash"]);
        command
    }

    fn with_addresses(&self, script: &str) -> String {
        let addresses = self.addresses.iter();
        addresses.fold(script.to_owned(), |script, (written, real)| {
            script.replace(written, real)
        })
    }

    fn expect(&self, block: &str) {
        let mut printed = self.printed.lines();
        for expected in block.lines().filter(|line| *line != "…") {
            assert!(
                printed.any(|line| is_as(line, expected)),
                "expected the line {expected:?} in its place, seen:\n{}",
                self.printed
            );
        }
    }
}

/// Whether a line is as a page has it, whatever stands in the place of each `…`.
fn is_as(line: &str, expected: &str) -> bool {
    let Some((begins, then)) = expected.split_once('…') else {
        return line == expected;
    };
    line.strip_prefix(begins).is_some_and(|rest| {
        let mut ends = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
        ends.any(|at| is_as(&rest[at..], then))
    })
}

#[test]
fn server_and_custodian_apart_as_the_readme_says() {
    let readme = document("README.md");
    let walk = between(
        &readme,
        "## Server and custodian apart",
        "### More than one server",
    );
    Walk::new().follow(walk);
}

#[test]
fn a_first_wallet_with_a_backend_of_ones_own() {
    build_example();
    Walk::new().follow(&document("docs/first-wallet.md"));
}

#[test]
fn webhooks_and_what_else_a_receiver_answers_by_hand() {
    let page = document("docs/webhooks.md");
    Walk::new().follow(between(
        &page,
        "## By hand",
        "## A receiver without signatures",
    ));
}

/// `cargo test` of the workspace builds the examples; of one binary it does not.
fn build_example() {
    let program = Path::new(env!("CARGO_BIN_EXE_portal")).with_file_name("examples/backend");
    if program.exists() {
        return;
    }
    let built = Command::new(env!("CARGO"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .args(["build", "--workspace", "--all-features", "--locked"])
        .args(["--example", "backend"])
        .status();
    let built = built.unwrap();
    assert!(built.success() && program.exists(), "{program:?}: {built}");
}
