//! The operator's commands for a webhook, and a rotation as `docs/webhooks.md` tells it.

use std::fs;

use serde_json::Value;

use crate::installation::{Installation, expect_success};

fn webhook(installation: &Installation, arguments: &[&str]) -> Value {
    expect_success(command(installation, arguments))
}

fn command(installation: &Installation, arguments: &[&str]) -> std::process::Command {
    let environment = fs::read_to_string(installation.path("environment")).unwrap();
    let named = [&["custodian", "webhook"][..], arguments].concat();
    let mut command = installation.operator(&named);
    command.args(["--allow-http-webhooks", "--environment", &environment]);
    command
}

fn outcome(tested: &Value) -> &str {
    tested["delivery"]["outcome"].as_str().unwrap()
}

#[test]
fn a_secret_is_rotated_while_backups_go_on() {
    let mut installation = Installation::start();
    let file = installation.path("custodian/webhook-secret");
    let first = fs::read_to_string(&file).unwrap();
    assert!(first.starts_with("whsec_"), "a new directory's secret");
    let shown = webhook(&installation, &["show"]);
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(outcome(&webhook(&installation, &["test"])), "DELIVERED");

    let rotated = webhook(&installation, &["rotate"]);
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2, "{rotated}");
    // The backend does not know it yet, and goes on by the one it knows.
    assert_eq!(outcome(&webhook(&installation, &["test"])), "DELIVERED");
    fs::write(&file, format!("{second}\n{first}\n")).unwrap();
    installation.kill_custodian();
    installation.start_custodian();
    assert_eq!(outcome(&webhook(&installation, &["test"])), "DELIVERED");

    webhook(&installation, &["end-former"]);
    let tested = webhook(&installation, &["test"]);
    assert_eq!(outcome(&tested), "DELIVERED", "by the new one alone");
    let shown = webhook(&installation, &["show"]);
    assert_eq!(shown["lastDelivery"], tested["delivery"]);
    assert!(!shown.to_string().contains("whsec_"), "{shown}");

    // A backend that knows only what has ended refuses, and the command fails.
    webhook(&installation, &["rotate"]);
    webhook(&installation, &["end-former"]);
    let failed = command(&installation, &["test"])
        .arg("--json")
        .output()
        .unwrap();
    assert!(!failed.status.success(), "{failed:?}");
    let tested: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(
        (outcome(&tested), &tested["delivery"]["statusCode"]),
        ("REFUSED", &401.into())
    );
}
