//! A customer with two environments.

use std::process::Command;

use serde_json::Value;

use crate::installation::{Installation, expect_success, portal};

fn listed(installation: &Installation) -> Vec<Value> {
    let listed = expect_success(installation.operator(&["custodian", "list"]));
    listed["environments"].as_array().unwrap().clone()
}

fn ids(installation: &Installation) -> Vec<String> {
    let listed = installation.client("nobodys", &["list"]);
    let clients = listed["clients"].as_array().unwrap();
    let ids = clients.iter().map(|client| client["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[test]
fn a_second_environment_is_made_listed_and_apart() {
    let installation = Installation::start();
    let first = listed(&installation);
    assert_eq!(first.len(), 1, "{first:?}");
    let custodian = first[0]["custodianId"].as_str().unwrap();
    let made = installation.client("phone", &["create"]);
    let of_first = made["clientId"].as_str().unwrap();
    assert_eq!(ids(&installation), [of_first]);

    let mut create = installation.operator(&["custodian", "environment", "create"]);
    create.args(["--custodian", custodian, "--name", "staging"]);
    create.args(["--backup-mode", "managed"]);
    let made = expect_success(create);
    assert_eq!(made["custodianId"], custodian);
    let both = listed(&installation);
    let seen: Vec<_> = both
        .iter()
        .map(|listed| {
            let text = |name: &str| listed[name].as_str().unwrap();
            (
                text("custodianName"),
                text("environmentName"),
                text("environmentId"),
                text("backupMode"),
            )
        })
        .collect();
    let environment = std::fs::read_to_string(installation.path("environment")).unwrap();
    let second = made["environmentId"].as_str().unwrap();
    assert_eq!(
        seen,
        [
            ("Acme", "production", environment.as_str(), "PLAIN"),
            ("Acme", "staging", second, "MANAGED"),
        ]
    );

    let api_key = made["apiKey"].as_str().unwrap();
    std::fs::write(installation.path("api-key"), api_key).unwrap();
    assert!(ids(&installation).is_empty(), "nobody yet");
    let mut show = installation.client_command("nobodys", &["show", "--client", of_first]);
    let shown = show.output().unwrap();
    assert!(!shown.status.success());
    let told = String::from_utf8_lossy(&shown.stderr);
    assert!(told.contains("NOT_FOUND"), "{told}");

    let mut nobodys = installation.operator(&["custodian", "environment", "create"]);
    nobodys.args(["--custodian", of_first, "--name", "lost"]);
    nobodys.args(["--backup-mode", "managed"]);
    let refused = nobodys.output().unwrap();
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("there is no custodian"), "{told}");
    assert_eq!(listed(&installation).len(), 2);
}

/// A cipher text that a device may make must be one that a service takes.
#[test]
fn a_service_does_not_start_with_a_limit_below_a_cipher_text() {
    let directory = tempfile::tempdir().unwrap();
    for command in [&["serve"][..], &["custodian", "serve"]] {
        let mut serve: Command = portal(directory.path());
        serve.args(command).args(["--listen", "127.0.0.1:0"]);
        let refused = serve.args(["--max-body-bytes", "33791"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{command:?}");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(told.contains("expected 33792"), "{told}");
    }
}
