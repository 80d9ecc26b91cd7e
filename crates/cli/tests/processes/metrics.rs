//! What Prometheus would fetch after a wallet's life, and what it would not.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::end_user::http;
use crate::installation::{Installation, Setup};
use crate::signing::{SIGN_EVM, SIGN_SOLANA};

pub(crate) async fn scrape(installation: &Installation) -> String {
    let url = installation.server(0).metrics.as_deref().unwrap();
    let answer = http().get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.text().await.unwrap()
}

/// The number of a series, or none where there is no such.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|rest| rest.strip_prefix(' '))
        .map(|number| number.parse().unwrap())
}

/// Every text in a document of JSON.
fn texts(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(inner) => inner.iter().for_each(|inner| texts(inner, found)),
        Value::Object(inner) => inner.values().for_each(|inner| texts(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_is_counted_and_nobody_is_named() {
    let serve = ["--metrics-listen", "127.0.0.1:0"];
    let mut installation = Installation::start_with(Setup {
        serve: serve.map(str::to_owned).to_vec(),
        ..Setup::default()
    });
    std::fs::write(installation.path("password"), "a password of these tests").unwrap();
    let with_password = ["--password-file", "password"];
    let mut named = BTreeSet::new();
    let created = installation.client("phone", &["create"]);
    let client = created["clientId"].as_str().unwrap().to_owned();
    named.insert(client.clone());
    installation.wallet("phone", &["create"]);
    installation.wallet("phone", &[&["backup"][..], &with_password].concat());
    installation.wallet("phone", &SIGN_EVM);
    installation.wallet("phone", &SIGN_SOLANA);
    installation.client("laptop", &["login", "--client", &client]);
    installation.wallet("laptop", &[&["recover"][..], &with_password].concat());
    installation.wallet_refusal("phone", &SIGN_EVM);
    installation.wallet("laptop", &["refresh"]);
    texts(&installation.wallet("laptop", &["status"]), &mut named);
    // A backup that waits for its custodian.
    installation.kill_custodian();
    let failed = installation.wallet_refusal("laptop", &[&["backup"][..], &with_password].concat());
    assert_eq!(failed, "WEBHOOK_FAILED");

    let text = scrape(&installation).await;
    let operation = |kind: &str, outcome: &str| {
        let labels = format!("operation=\"{kind}\",outcome=\"{outcome}\"");
        value(&text, &format!("portal_mpc_operations_total{{{labels}}}"))
    };
    for kind in [
        "generate",
        "backup",
        "recover",
        "refresh",
        "sign_secp256k1",
        "sign_ed25519",
    ] {
        assert_eq!(operation(kind, "ok"), Some(1.0), "{kind} in {text}");
        let count = format!("portal_mpc_operation_duration_seconds_count{{operation=\"{kind}\"}}");
        assert!(value(&text, &count) >= Some(1.0), "{count} in {text}");
    }
    assert_eq!(operation("backup", "WEBHOOK_FAILED"), Some(1.0), "{text}");
    for (series, at_least) in [
        ("portal_mpc_sessions_open", 0.0),
        ("portal_connections_open", 0.0),
        ("portal_outbox_deliveries", 1.0),
        ("portal_outbox_notices", 0.0),
        ("portal_outbox_oldest_delivery_age_seconds", 0.0),
        ("portal_database_connections_open", 1.0),
        (
            "portal_webhook_call_duration_seconds_count{call=\"store\",outcome=\"ok\"}",
            2.0,
        ),
        (
            "portal_webhook_call_duration_seconds_count{call=\"store\",outcome=\"unreachable\"}",
            1.0,
        ),
        (
            "portal_webhook_call_duration_seconds_count{call=\"fetch\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "portal_kms_call_duration_seconds_count{call=\"wrap\",outcome=\"ok\"}",
            2.0,
        ),
        (
            "portal_kms_call_duration_seconds_count{call=\"unwrap\",outcome=\"ok\"}",
            2.0,
        ),
        (
            "portal_http_request_duration_seconds_count{method=\"PATCH\",\
             path=\"/api/v3/clients/me/signing-share-pairs\",status=\"204\"}",
            1.0,
        ),
    ] {
        let seen = value(&text, series);
        assert!(
            seen >= Some(at_least),
            "expected {series}, seen {seen:?} in {text}"
        );
    }
    assert_nobody_is_named(&text, &named);
    // It is not where strangers are.
    let public = format!("{}/metrics", installation.server(0).url);
    assert_eq!(http().get(public).send().await.unwrap().status(), 404);
}

/// No id, address or key that anybody was told stands in what is scraped, nor any other UUID.
fn assert_nobody_is_named(text: &str, named: &BTreeSet<String>) {
    // Words such as a status are as short as words are.
    let long: Vec<_> = named.iter().filter(|name| name.len() > 30).collect();
    assert!(
        long.len() > 10,
        "expected ids, addresses and keys, seen {named:?}"
    );
    for name in long {
        assert!(!text.contains(name.as_str()), "{name} in {text}");
    }
    let is_id = |word: &str| word.parse::<uuid::Uuid>().is_ok();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let ids: Vec<_> = words.filter(|word| is_id(word)).collect();
    assert!(ids.is_empty(), "expected no id, seen {ids:?} in {text}");
}
