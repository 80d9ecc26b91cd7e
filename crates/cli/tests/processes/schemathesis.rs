//! schemathesis against a real server: whatever the OpenAPI document says or allows is tried, and
//! what the server does is what it says.
//!
//! One seed decides everything but time: `PORTAL_SCHEMATHESIS_SEED` repeats a run's choices,
//! `PORTAL_SCHEMATHESIS_EXAMPLES` says how many calls of each kind an operation gets.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::installation::{Installation, Setup, expect_success};

/// Calls of each kind, where nothing else is asked for.
const EXAMPLES: u32 = 40;
const SEED: u64 = 1;

/// With the custodian's key and a client's, each where it belongs; and without, or with another.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_what_its_description_says() {
    let examples = setting("PORTAL_SCHEMATHESIS_EXAMPLES").unwrap_or(EXAMPLES.into());
    let seed = setting("PORTAL_SCHEMATHESIS_SEED").unwrap_or(SEED);
    println!("PORTAL_SCHEMATHESIS_SEED={seed} PORTAL_SCHEMATHESIS_EXAMPLES={examples}");
    let installation = Installation::start_with(Setup {
        log: "warn",
        ..Setup::default()
    });
    let server = installation.server(0).url.clone();
    let api_key = std::fs::read_to_string(installation.path("api-key")).unwrap();
    let client = client(&server, api_key.trim()).await;
    wallet(&installation, &client);
    // The key of another customer: one that could end the client's credentials would.
    let api_key = other_customer(&installation);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes");

    let mut command = Command::new(program());
    command
        .current_dir(installation.root())
        .arg("--config-file")
        .arg(files.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{server}/openapi.json"))
        .args(["--checks", "all", "--continue-on-failure"])
        .args(["--max-examples", &examples.to_string()])
        .args(["--seed", &seed.to_string()])
        .env("SCHEMATHESIS_HOOKS", files.join("schemathesis_hooks.py"))
        .env("PORTAL_CUSTODIAN_API_KEY", api_key.trim())
        .env("PORTAL_CLIENT_API_KEY", credential(&client, "clientApiKey"))
        .env(
            "PORTAL_CLIENT_SESSION_TOKEN",
            credential(&client, "clientSessionToken"),
        );
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{}: {error}; `cargo xtask test` installs it, or name it in PORTAL_TEST_SCHEMATHESIS",
            program().display()
        )
    });
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(
        output.status.success(),
        "{}\n{}",
        told,
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn client(server: &str, api_key: &str) -> Value {
    let made = crate::end_user::http()
        .post(format!("{server}/api/v3/custodians/me/clients"))
        .bearer_auth(api_key)
        .json(&serde_json::json!({}))
        .send()
        .await
        .unwrap();
    made.json().await.unwrap()
}

/// A wallet of the client, with a backup.
fn wallet(installation: &Installation, client: &Value) {
    let id = client["id"].as_str().unwrap();
    installation.client("phone", &["login", "--client", id]);
    installation.wallet("phone", &["create"]);
    std::fs::write(installation.path("password"), "a password of these tests").unwrap();
    installation.wallet("phone", &["backup", "--password-file", "password"]);
}

/// The API key of another customer with the same backend.
fn other_customer(installation: &Installation) -> String {
    let mut create = installation.operator(&["custodian", "create", "--name", "Other"]);
    create.arg("--allow-http-webhooks");
    create.args(["--webhook-url", installation.custodian_url()]);
    create.arg("--webhook-secret-file");
    create.arg(installation.path("custodian/webhook-secret"));
    expect_success(create)["apiKey"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn credential(client: &Value, name: &str) -> String {
    client[name].as_str().unwrap().to_owned()
}

fn program() -> PathBuf {
    let given = std::env::var_os("PORTAL_TEST_SCHEMATHESIS").map(PathBuf::from);
    given.unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/tools/schemathesis/bin/schemathesis")
    })
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| panic!("expected a whole number in {name}, got {text:?}")))
}
