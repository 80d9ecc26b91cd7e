//! schemathesis against a real server: whatever the OpenAPI document says or allows is tried, and
//! what the server does is what it says.
//!
//! One seed decides everything but time: `PORTAL_SCHEMATHESIS_SEED` repeats a run's choices,
//! `PORTAL_SCHEMATHESIS_EXAMPLES` says how many calls of each kind an operation gets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::installation::{Installation, Setup, expect_success};

/// Calls of each kind, where nothing else is asked for.
const EXAMPLES: u32 = 30;
const SEED: u64 = 1;

/// What a run must have seen, besides the refusals: an operation without ids of its own is answered
/// well by itself.
const ANSWERED_WELL: [(&str, u16); 19] = [
    ("readClientOfCustodian", 200),
    ("putSigningPolicyOfClient", 200),
    ("readSigningPolicyOfClient", 200),
    ("removeSigningPolicyOfClient", 204),
    ("enableEject", 200),
    ("readEjectableBackupShares", 200),
    ("readCipherText", 200),
    ("prepareEject", 200),
    ("disableEject", 204),
    ("eject", 204),
    ("createSession", 201),
    ("createSessionByOlderPath", 201),
    ("revokeSessions", 204),
    ("replaceClientApiKey", 201),
    ("revokeClientApiKey", 204),
    ("createWebOtp", 200),
    ("listSigningSharePairs", 200),
    ("listBackupSharePairs", 200),
    ("readClient", 200),
];

/// With an environment's key and a client's, each where it belongs; and without, or with another.
/// The environment is in managed mode, where every route has something to answer.
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
    let api_key = managed_environment(&installation);
    let client = client(&server, &api_key).await;
    let wallet = wallet(&installation, &api_key, "phone", &client).await;
    let ejected = self::client(&server, &api_key).await;
    self::wallet(&installation, &api_key, "tablet", &ejected).await;
    let eject = ["eject", "--password-file", "password", "--out", "keys.json"];
    installation.wallet("tablet", &eject);
    let throw_away = self::client(&server, &api_key).await;
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes");
    let base = std::fs::read_to_string(files.join("schemathesis.toml")).unwrap();
    let dictionaries = [
        ("client", &client["id"]),
        ("throwAwayClient", &throw_away["id"]),
        ("ejectedClient", &ejected["id"]),
        ("wallet", &wallet["id"]),
        ("backupSharePair", &wallet["backupSharePairs"][0]["id"]),
    ]
    .map(|(name, id)| format!("[dictionaries.{name}]\nvalues = [{id}]\n"))
    .concat();
    let config = installation.path("schemathesis.toml");
    std::fs::write(&config, format!("{base}\n{dictionaries}")).unwrap();
    let answers = installation.path("answers");

    let mut command = Command::new(program());
    command
        .current_dir(installation.root())
        .arg("--config-file")
        .arg(&config)
        .arg("run")
        .arg(format!("{server}/openapi.json"))
        .args(["--checks", "all", "--continue-on-failure"])
        .args(["--max-examples", &examples.to_string()])
        .args(["--seed", &seed.to_string()])
        .env("SCHEMATHESIS_HOOKS", files.join("schemathesis_hooks.py"))
        .env("PORTAL_SCHEMATHESIS_ANSWERS", &answers)
        .env("PORTAL_CUSTODIAN_API_KEY", &api_key)
        .env("PORTAL_CLIENT_API_KEY", credential(&client, "clientApiKey"))
        .env(
            "PORTAL_EJECTED_CLIENT_API_KEY",
            credential(&ejected, "clientApiKey"),
        )
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
    let answers = std::fs::read_to_string(&answers).unwrap();
    let seen: BTreeSet<&str> = answers.lines().collect();
    for (operation, status) in ANSWERED_WELL {
        let expected = format!("{operation} {status}");
        assert!(
            seen.contains(expected.as_str()),
            "expected {expected} among the answers, seen {seen:?}"
        );
    }
}

/// The API key of an environment of the customer's whose backups the server keeps.
fn managed_environment(installation: &Installation) -> String {
    let listed = expect_success(installation.operator(&["custodian", "list"]));
    let custodian = listed["environments"][0]["custodianId"].as_str().unwrap();
    let mut create = installation.operator(&["custodian", "environment", "create"]);
    create.args(["--custodian", custodian, "--name", "managed"]);
    create.args(["--backup-mode", "managed"]);
    let made = expect_success(create);
    let api_key = made["apiKey"].as_str().unwrap().to_owned();
    // Of the environment that is called as the customer's from now on.
    std::fs::write(installation.path("api-key"), &api_key).unwrap();
    api_key
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

/// A wallet of the client, with a backup, that may be ejected for a day; gives its key on one curve.
async fn wallet(installation: &Installation, api_key: &str, device: &str, client: &Value) -> Value {
    let id = client["id"].as_str().unwrap();
    let as_customer =
        |arguments: &[&str]| expect_success(installation.session_command(device, arguments));
    as_customer(&["login", "--client", id]);
    installation.wallet(device, &["create"]);
    std::fs::write(installation.path("password"), "a password of these tests").unwrap();
    installation.wallet(device, &["backup", "--password-file", "password"]);
    let shown = as_customer(&["show", "--client", id]);
    let wallet = shown["wallets"][0].clone();
    let until = std::time::SystemTime::now() + std::time::Duration::from_secs(24 * 3600);
    let until = until.duration_since(std::time::UNIX_EPOCH).unwrap();
    let until = portal_api::Time(portal_lifecycle::Timestamp::from_ms(
        u64::try_from(until.as_millis()).unwrap(),
    ));
    let server = &installation.server(0).url;
    let enabled = crate::end_user::http()
        .patch(format!(
            "{server}/api/v3/custodians/me/clients/{id}/enable-eject"
        ))
        .bearer_auth(api_key)
        .json(&serde_json::json!({ "walletId": wallet["id"], "ejectableUntil": until }))
        .send()
        .await
        .unwrap();
    assert_eq!(enabled.status(), 200, "{enabled:?}");
    wallet
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
