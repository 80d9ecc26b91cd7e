//! Customer's backends that share a Postgres database.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use portal_api::SecretText;
use portal_api::webhook::signature::SigningSecret;
use portal_api::webhook::{BackupShares, StoreBackupShare, WebhookRoute};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Curve};
use portal_store::conformance::postgres_cluster::Cluster;
use tempfile::TempDir;
use uuid::Uuid;

use crate::installation::{error_in, expect_success, portal};
use crate::service::Service;

/// Pairs that are delivered, each to both backends at once.
const PAIRS: u128 = 20;

fn serve(directory: &Path, data: &str, database: &str) -> Command {
    let mut serve = portal(directory);
    serve.args(["custodian", "serve", "--listen", "127.0.0.1:0"]);
    serve.args(["--data", data, "--database", database]);
    serve
}

fn start(directory: &TempDir, data: &str, database: &str) -> Service {
    let log = directory.path().join("custodian.log");
    Service::start(serve(directory.path(), data, database), &log).unwrap()
}

/// One more process: with the secrets of the first.
fn copy_secrets(directory: &TempDir, from: &str, to: &str) {
    let (from, to) = (directory.path().join(from), directory.path().join(to));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn client() -> ClientId {
    ClientId(Uuid::from_u128(1))
}

fn share(n: u128) -> StoreBackupShare {
    StoreBackupShare {
        client_id: client(),
        backup_method: BackupMethod::Password,
        share: format!("share {n:02}").into(),
        backup_share_pair_id: BackupSharePairId(Uuid::from_u128(n)),
        wallet_id: WalletId(Uuid::from_u128(7)),
        curve: Curve::Secp256k1,
        generation: 1,
        sealed: None,
    }
}

/// A call as Portal's server makes it.
async fn call(
    backend: &str,
    secret: &SigningSecret,
    route: WebhookRoute,
    subject: &str,
    body: Vec<u8>,
) -> reqwest::Response {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (id, now_s) = (route.id(subject), now_s.as_secs());
    let signature = secret.sign(&id, now_s, &body);
    let sent = reqwest::Client::new()
        .post(format!("{backend}/{}", route.path()))
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now_s)
        .header("webhook-signature", signature)
        .body(body)
        .send();
    sent.await.unwrap()
}

/// Every share is delivered to both at once, one backend is killed in the middle, and the other
/// gives back all that was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_took_the_other_gives_back() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let database = Cluster::shared().database();
    let mut first = start(&directory, "first", &database);
    copy_secrets(&directory, "first", "second");
    let second = start(&directory, "second", &database);
    let secret = fs::read_to_string(directory.path().join("first/webhook-secret")).unwrap();
    let secret = SigningSecret::parse(secret.trim()).unwrap();
    for n in 1..=PAIRS {
        let share = share(n);
        let body = serde_json::to_vec(&share).unwrap();
        let pair = share.backup_share_pair_id.to_string();
        let to = |backend| call(backend, &secret, WebhookRoute::Store, &pair, body.clone());
        let (one, other) = tokio::join!(to(&first.url), to(&second.url));
        assert_eq!((one.status().as_u16(), other.status().as_u16()), (200, 200));
    }
    first.kill();
    let asked = format!(r#"{{"clientId":"{}"}}"#, client()).into_bytes();
    let fetched = call(&second.url, &secret, WebhookRoute::Fetch, "1", asked).await;
    let mut fetched: BackupShares = fetched.json().await.unwrap();
    let by_text = |share: &SecretText| share.expose().to_owned();
    fetched.backup_shares.sort_by_key(by_text);
    let expected: Vec<_> = (1..=PAIRS).map(|n| share(n).share).collect();
    assert_eq!(fetched.backup_shares, expected);

    let mut export = portal(directory.path());
    export.args(["custodian", "export-shares", "--all", "-o", "shares.json"]);
    export.args(["--data", "second", "--database", &database]);
    let exported = expect_success(export);
    assert_eq!(exported["clients"], 1);
}

/// One without the secrets of the others would take in shares that they cannot give back, or refuse
/// whom they let in.
#[test]
fn a_backend_without_the_secrets_of_the_others_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let database = Cluster::shared().database();
    let first = start(&directory, "first", &database);
    let refused = |what: &str, expected: &str| {
        let mut command = serve(directory.path(), "second", &database);
        let output = command.arg("--json").output().unwrap();
        assert!(!output.status.success(), "{what}");
        let told = error_in(&String::from_utf8(output.stderr).unwrap()).to_string();
        assert!(told.contains(expected), "{what}: {told}");
    };
    let all = "custodian.key, webhook-secret, app-secret, sealing-key, backend-secret";
    refused("without any", all);
    let key = directory.path().join("second/custodian.key");
    assert!(!key.exists(), "a key was drawn");
    copy_secrets(&directory, "first", "second");
    fs::write(&key, "09".repeat(32)).unwrap();
    refused("with another key", "sealed under another key");
    copy_secrets(&directory, "first", "second");
    fs::write(directory.path().join("second/app-secret"), "09".repeat(32)).unwrap();
    refused("with another secret", "another app-secret");
    copy_secrets(&directory, "first", "second");
    let second = start(&directory, "second", &database);
    drop((first, second));
}
