//! The receiver of `docs/webhook-receiver.py`: another language, and the specification's own
//! library, which judges every call that the server makes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use portal_api::rest::{Page, WebhookDelivery, WebhookSettings, WebhookTest};
use portal_api::webhook::signature::SigningSecret;
use portal_api::webhook::{WebhookKind, WebhookOutcome};
use portal_lifecycle::BackupMode;
use portal_sdk::ErrorId;
use portal_server::Limits;
use portal_server::clock::{Clock as _, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::expect::refused;
use crate::wallet::CUSTOM;
use crate::world::{WEBHOOK_SECRET, World};

/// A process of the receiver, which knows some secrets.
struct Receiver {
    process: Child,
    url: String,
}

impl Receiver {
    fn start(secrets: &[&str]) -> Self {
        Self::start_at("0", secrets)
    }

    /// At the place of one that has ended, which now knows other secrets.
    fn instead_of(former: Self, secrets: &[&str]) -> Self {
        let port = former.url.rsplit(':').next().expect("a port").to_owned();
        drop(former);
        Self::start_at(&port, secrets)
    }

    fn start_at(port: &str, secrets: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = std::env::var_os("PORTAL_TEST_WEBHOOKS_PYTHON").map_or_else(
            || root.join("target/tools/standardwebhooks/bin/python"),
            PathBuf::from,
        );
        let started = Command::new(&python)
            .arg(root.join("docs/webhook-receiver.py"))
            .arg(port)
            .args(secrets)
            .stdout(Stdio::piped())
            .spawn();
        let missing = format!(
            "the library is not there in {}; `cargo xtask test` installs it, or name a Python that \
             has it in PORTAL_TEST_WEBHOOKS_PYTHON",
            python.display()
        );
        let mut process = started.expect(&missing);
        let output = process.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("listening on ").expect(&missing);
        Self {
            url: url.to_owned(),
            process,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The customer's backend at Portal's REST API.
async fn call(world: &World, method: Method, path: &str, body: Option<Value>) -> Value {
    let path = format!("/api/v3/custodians/me/webhook{path}");
    let key = &world.customer.api_key;
    let answer = world.call(method, &path, key, body).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

async fn put(world: &World, body: Value) -> WebhookSettings {
    let answer = call(world, Method::PUT, "", Some(body)).await;
    serde_json::from_value(answer).expect("a webhook")
}

async fn test(world: &World) -> WebhookTest {
    let answer = call(world, Method::POST, "/test", Some(json!({}))).await;
    serde_json::from_value(answer).expect("a call")
}

/// A wallet's backup and recovery go through it, before, during and after a rotation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_specifications_own_library_verifies_every_call() {
    let world = World::start().await;
    let wallet = world.wallet().await;

    // By a secret from before signatures.
    let mut receiver = Receiver::start(&[WEBHOOK_SECRET]);
    world.send_webhooks_to(&receiver.url).await;
    world.back_up(&wallet.user, &wallet.portal).await;
    let mut portal = world.assert_recovers(&wallet, "by a plain secret").await;

    // While both sign, a receiver may know either.
    let rotated = put(&world, json!({"rotateSecret": true})).await;
    let first = rotated.secret.expect("a secret, shown this once");
    let first = first.expose();
    assert!(
        first.starts_with("whsec_"),
        "a secret of the standard's form"
    );
    let rotated = put(&world, json!({"rotateSecret": true})).await;
    let second = rotated.secret.expect("another secret");
    let second = second.expose();
    for known in [&[first][..], &[second], &[second, first]] {
        receiver = Receiver::instead_of(receiver, known);
        world.back_up(&wallet.user, &portal).await;
        portal = world
            .assert_recovers(&wallet, "while two secrets live")
            .await;
    }

    // Once the former one has ended, it opens nothing.
    put(&world, json!({"endFormerSecret": true})).await;
    for (known, outcome) in [
        (&first, WebhookOutcome::Refused),
        (&second, WebhookOutcome::Delivered),
    ] {
        receiver = Receiver::instead_of(receiver, &[known]);
        let tested = test(&world).await;
        assert_eq!(tested.delivery.outcome, outcome, "{tested:?}");
        assert_eq!(
            tested.detail.is_none(),
            outcome == WebhookOutcome::Delivered
        );
    }
}

/// It keeps no part of a share as if it were the share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_a_sealed_backup() {
    let world = World::start_in(BackupMode::Sealed, Limits::default()).await;
    let wallet = world.wallet().await;
    let receiver = Receiver::start(&[WEBHOOK_SECRET]);
    world.send_webhooks_to(&receiver.url).await;
    let made = wallet.portal.backup_wallet(CUSTOM).await;
    let error = refused(made, ErrorId::WebhookFailed, "a sealed backup");
    assert!(error.detail().contains("409"), "seen {error}");
}

/// The requests of `docs/webhooks.md`, by `openssl` and `curl`, say the same to it as to ours.
#[test]
fn it_is_called_by_hand_as_the_page_says() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let receiver = Receiver::start(&[secret]);
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("custodian")).expect("a directory");
    let file = directory.path().join("custodian/webhook-secret");
    std::fs::write(file, format!("{secret}\n")).expect("written");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let (_, by_hand) = page.split_once("\n## By hand\n").expect("the heading");
    let (_, script) = by_hand.split_once("\n```sh\ncall()").expect("the block");
    let (script, _) = script.split_once("\n```").expect("its end");
    let address = receiver.url.trim_start_matches("http://");
    let script = format!("call(){script}").replace("127.0.0.1:7490", address);
    let run = Command::new("bash")
        .args(["-c", &script])
        .current_dir(directory.path())
        .output();
    let run = run.expect("bash, curl and openssl");
    let printed = String::from_utf8_lossy(&run.stdout);
    let answers: Vec<Value> = printed
        .lines()
        .take(3)
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect();
    let expected = [json!({}), json!({}), json!({"backupShares": ["opaque"]})];
    assert_eq!(answers, expected, "{run:?}");
}

/// What the customer sees of it: no secret but once, no body, every attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_in_the_log_of_its_customer_alone() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let unknown = Receiver::start(&[]);
    let moved = put(&world, json!({"baseUrl": unknown.url})).await;
    assert!(moved.secret.is_some(), "another one than signed elsewhere");
    let rotated = put(
        &world,
        json!({"rotateSecret": true, "formerSecretLifetimeS": 0}),
    )
    .await;
    let secret = rotated.secret.expect("a secret");
    assert_eq!(rotated.secrets.len(), 1, "the former one ended at once");
    let receiver = Receiver::instead_of(unknown, &[secret.expose()]);
    world.back_up(&wallet.user, &wallet.portal).await;
    let tested = test(&world).await;
    drop(receiver);
    let broken = test(&world).await;
    assert_eq!(broken.delivery.outcome, WebhookOutcome::NoConnection);
    assert!(broken.detail.is_some(), "{broken:?}");

    let shown = call(&world, Method::GET, "", None).await;
    assert!(
        !shown.to_string().contains("whsec_"),
        "shown again: {shown}"
    );
    let shown: WebhookSettings = serde_json::from_value(shown).expect("a webhook");
    assert_eq!(shown.last_delivery.as_ref(), Some(&broken.delivery));

    let mut seen: Vec<WebhookDelivery> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = call(
            &world,
            Method::GET,
            &format!("/deliveries?take=2{cursor}"),
            None,
        )
        .await;
        let page: Page<WebhookDelivery> = serde_json::from_value(page).expect("a page");
        assert_eq!(page.metadata.total, 5);
        seen.extend(page.results);
        match page.metadata.cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    use WebhookKind::{Backup, BackupFetch, Test};
    let kinds: Vec<_> = seen.iter().map(|call| call.kind).collect();
    assert_eq!(kinds, [Test, Test, BackupFetch, Backup, Backup]);
    assert_eq!(seen.first(), Some(&broken.delivery));
    assert_eq!(seen.get(1), Some(&tested.delivery));
    assert!(
        seen.iter()
            .skip(2)
            .all(|call| call.client_id == Some(wallet.user.id))
    );

    let operator = world.operator();
    let other = operator
        .create_custodian("Other", "test", None, BackupMode::Plain)
        .await;
    let key = other.expect("a customer").api_key;
    for (method, path, status) in [
        (Method::GET, "", 409),
        (Method::POST, "/test", 409),
        (Method::GET, "/deliveries", 200),
    ] {
        let path = format!("/api/v3/custodians/me/webhook{path}");
        let answer = world.call(method, &path, &key, None).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        if status == 200 {
            assert_eq!(answer.body["metadata"]["total"], 0, "{answer:?}");
        }
    }
}

/// An API key must not make the server call what its operator did not allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_may_not_be_called_is_not_configured() {
    let world = World::start().await;
    let key = &world.customer.api_key;
    let path = "/api/v3/custodians/me/webhook";
    let before = call(&world, Method::GET, "", None).await;
    for (body, told) in [
        (json!({"baseUrl": "https://10.0.0.1/"}), "public address"),
        (
            json!({"baseUrl": "https://169.254.169.254/"}),
            "public address",
        ),
        (json!({"baseUrl": "http://example.com/"}), "expected https"),
        (
            json!({"baseUrl": "https://a:b@example.com/"}),
            "expected none",
        ),
        (json!({"baseUrl": "example"}), "absolute"),
        (
            json!({"rotateSecret": true, "formerSecretLifetimeS": 604_801}),
            "604800",
        ),
        (json!({"secret": "whsec_"}), ""),
    ] {
        let answer = world.call(Method::PUT, path, key, Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        let detail = answer.body["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            detail.contains(told),
            "{body}: expected {told:?}, seen {detail}"
        );
        assert!(!detail.contains("whsec_"), "{detail}");
    }
    assert_eq!(call(&world, Method::GET, "", None).await, before);
}

/// What it promises of calls, it holds by itself: a length that is none, a call from before it
/// began, and one that it has answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_what_is_no_call_of_now() {
    let receiver = Receiver::start(&[WEBHOOK_SECRET]);
    let address = receiver.url.trim_start_matches("http://").to_owned();
    for length in ["-1", "+2", "two", "65537", ""] {
        let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
        let head = format!("POST /backup/fetch HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{{}}");
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        BufReader::new(stream)
            .read_line(&mut answer)
            .expect("a line");
        let status = answer.split(' ').nth(1);
        let expected = if length == "65537" { "413" } else { "411" };
        assert_eq!(status, Some(expected), "{length:?}");
    }
    let secret = SigningSecret::parse(WEBHOOK_SECRET).expect("a secret");
    let body = r#"{"clientId":"nobody"}"#;
    let now_s = SystemClock.now().as_ms() / 1_000;
    for (id, timestamp_s, expected) in [
        ("fetch_1", now_s - 60, 401),
        ("fetch_2", now_s + 1, 200),
        ("fetch_2", now_s + 1, 401),
    ] {
        let call = reqwest::Client::new()
            .post(format!("{}/backup/fetch", receiver.url))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp_s)
            .header(
                "webhook-signature",
                secret.sign(id, timestamp_s, body.as_bytes()),
            )
            .body(body);
        let status = call.send().await.expect("an answer").status();
        assert_eq!(status, expected, "{id} of {timestamp_s}");
    }
}
