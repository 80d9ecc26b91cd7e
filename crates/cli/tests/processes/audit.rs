//! `portal audit verify` beside a server that runs, and after somebody edited its database.

use std::process::Command;

use serde_json::Value;

use crate::installation::{Installation, expect_success};
use crate::signing::{SIGN_EVM, SIGN_SOLANA};

/// Runs the command; gives whether it succeeded and its JSON.
fn verify(installation: &Installation, arguments: &[&str]) -> (bool, Value) {
    let mut command = installation.operator(&["audit", "verify", "--json"]);
    let output = command.args(arguments).output().unwrap();
    let document = serde_json::from_slice(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), document.expect(&told))
}

/// Edits the database behind the server's back, its triggers dropped.
fn edit(installation: &Installation, sql: &str) {
    const EDIT: &str = "
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
for (name,) in database.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():
    database.execute('DROP TRIGGER ' + name)
database.execute(sys.argv[2])
database.commit()
";
    let database = installation.path("server").join("portal.db");
    let mut python = Command::new("python3");
    python.args(["-c", EDIT]).arg(database).arg(sql);
    let done = python.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn the_audit_log_is_verified_while_the_server_runs() {
    let installation = Installation::start();
    installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    installation.wallet("phone", &SIGN_EVM);
    let whole = expect_success(installation.operator(&["audit", "verify"]));
    assert_eq!(whole["isWhole"], true);
    let chain = &whole["environments"][0];
    // Made, webhook, client, pair made and confirmed, signed.
    assert!(chain["lines"].as_u64().unwrap() >= 6, "{chain}");
    let environment = chain["environmentId"].as_str().unwrap();
    let checkpoint = chain["checkpoint"].as_str().unwrap();
    let since = ["--environment", environment, "--since", checkpoint];

    installation.wallet("phone", &SIGN_SOLANA);
    let (is_well, told) = verify(&installation, &since);
    assert!(is_well, "{told}");
    assert_eq!(
        told["environments"][0]["lines"], 2,
        "the checkpoint's line, and one"
    );
    let mut shown = installation.operator(&["audit", "verify", "--checkpoint"]);
    let shown = String::from_utf8(shown.output().unwrap().stdout).unwrap();
    let (id, kept) = shown.trim().split_once(' ').unwrap();
    assert_eq!(id, environment);
    assert!(kept.len() > 65 && kept.contains(':'), "{shown}");

    edit(
        &installation,
        "UPDATE audit_events SET created_at = created_at + 1 WHERE sequence = 4",
    );
    let (is_well, told) = verify(&installation, &[]);
    assert!(!is_well, "{told}");
    let finding = &told["environments"][0]["findings"][0];
    assert_eq!(
        (&finding["sequence"], &finding["kind"]),
        (&4.into(), &"ALTERED".into())
    );
    // From a checkpoint after it, all is as it was.
    assert!(verify(&installation, &since).0);
    edit(&installation, "DELETE FROM audit_events WHERE sequence > 5");
    let (is_well, told) = verify(&installation, &since);
    assert!(!is_well, "{told}");
    let finding = &told["environments"][0]["findings"][0];
    assert_eq!(finding["kind"], "TRUNCATED", "{finding}");
}

/// A missing first line is told by where it is missing; a chain of no line, by its beginning.
#[test]
fn a_chain_without_its_beginning_is_told() {
    let installation = Installation::start();
    installation.client("phone", &["create"]);
    let empty = "UPDATE audit_heads SET sequence = 0,
        hash = (SELECT previous_hash FROM audit_events WHERE sequence = 1)";
    for (edits, sequence, kind, told) in [
        (
            &[
                "CREATE TABLE kept AS SELECT * FROM audit_events",
                "DELETE FROM audit_events WHERE sequence = 1",
            ][..],
            2,
            "MISSING",
            "expected line 1 next, got line 2",
        ),
        (
            &[
                "INSERT INTO audit_events SELECT * FROM kept WHERE sequence = 1",
                empty,
                "DELETE FROM audit_events",
            ],
            0,
            "NO_BEGINNING",
            "expected a chain that begins with one of ENVIRONMENT_MADE",
        ),
    ] {
        edits.iter().for_each(|sql| edit(&installation, sql));
        let (is_well, seen) = verify(&installation, &[]);
        assert!(!is_well, "{seen}");
        let chain = &seen["environments"][0];
        assert_eq!(chain["findingsTotal"], 1, "{chain}");
        assert_eq!(chain["checkpoint"], Value::Null, "{chain}");
        let finding = &chain["findings"][0];
        assert_eq!(
            (&finding["sequence"], &finding["kind"]),
            (&sequence.into(), &kind.into())
        );
        let detail = finding["detail"].as_str().unwrap();
        assert!(detail.contains(told), "expected {told:?} in {detail:?}");
    }
}

/// What looks at evidence must not change it: a database of another version is left as it is.
#[test]
fn a_database_of_another_version_is_not_brought_up_to_date() {
    let mut installation = Installation::start();
    installation.stop_server(0);
    let newest = "(SELECT max(version) FROM _sqlx_migrations)";
    edit(
        &installation,
        &format!("DELETE FROM _sqlx_migrations WHERE version = {newest}"),
    );
    let database = installation.path("server").join("portal.db");
    let before = std::fs::read(&database).unwrap();
    let mut command = installation.operator(&["audit", "verify"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("with the schema of version"), "{told}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[test]
fn there_must_be_a_database_to_verify() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = crate::installation::portal(directory.path());
    let output = command
        .args(["audit", "verify", "--data", "nowhere"])
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("expected a server's database in nowhere"),
        "{told}"
    );
    assert!(!directory.path().join("nowhere").exists());
}
