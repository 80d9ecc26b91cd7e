//! README's first command.

use crate::installation::{expect_success, portal};

#[test]
fn the_demo_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = portal(directory.path());
        command.args(["demo", "--data", "kept"]);
        let told = expect_success(command);
        let rows = told["operations"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["operation"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = run();
    assert_eq!(first.first().map(String::as_str), Some("create wallet"));
    assert!(
        first.iter().any(|operation| operation == "recover"),
        "{first:?}"
    );
    let second = run();
    assert_eq!(first[1..], second, "the second run makes no wallet");
}

#[test]
fn the_demo_leaves_nothing_unless_it_is_told_to() {
    let (directory, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = portal(directory.path());
    command.arg("demo").env("TMPDIR", temporary.path());
    expect_success(command);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn help_and_mistakes_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let output = portal(directory.path()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for word in [
        "demo",
        "serve",
        "custodian",
        "client",
        "wallet",
        "--json",
        "--config",
    ] {
        assert!(help.contains(word), "expected {word} in the help:\n{help}");
    }
    let output = portal(directory.path())
        .args(["wallet", "status"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        told.contains("`portal client create` makes a device"),
        "{told}"
    );
}
