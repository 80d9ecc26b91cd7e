//! The test of a webhook: a receiver that passes it is one that a backup finds in order.

use std::sync::{Arc, Mutex};

use axum::routing::post;
use axum::{Json, Router};
use portal_sdk::ErrorId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::wallet::CUSTOM;
use crate::world::World;

/// A receiver that takes every share and gives none back; notes what it was asked with.
async fn forgetful() -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::<Mutex<Vec<Value>>>::default();
    let noted = Arc::clone(&asked);
    let fetch = async move |Json(body): Json<Value>| {
        noted.lock().expect("no panic").push(body);
        Json(json!({ "backupShares": [] }))
    };
    let router = Router::new()
        .route("/backup", post(async || Json(json!({}))))
        .route("/backup/fetch", post(fetch));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, asked)
}

/// The names of a body's fields, and of those below them.
fn form(body: &Value) -> Vec<String> {
    let fields = body.as_object().into_iter().flatten();
    let below = |(name, value): (&String, &Value)| {
        let nested = form(value).into_iter();
        let nested = nested.map(|below| format!("{name}.{below}"));
        [name.clone()].into_iter().chain(nested).collect::<Vec<_>>()
    };
    fields.flat_map(below).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_asks_with_what_a_backup_asks_with() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let (url, asked) = forgetful().await;
    world.send_webhooks_to(&url).await;
    let path = "/api/v3/custodians/me/webhook/test";
    let tested = world.call(Method::POST, path, &world.customer.api_key, None);
    let tested = tested.await;
    assert_eq!(tested.body["detail"], Value::Null, "{tested:?}");
    let failed = wallet.portal.backup_wallet(CUSTOM).await;
    let failed = failed.err().map(|error| error.id());
    assert_eq!(failed, Some(ErrorId::WebhookFailed), "it gave nothing back");

    let asked = asked.lock().expect("no panic").clone();
    let expected = [
        "backupSharePairIds",
        "backupSharePairIds.ed25519",
        "backupSharePairIds.secp256k1",
        "clientId",
    ];
    assert!(asked.len() >= 2, "{asked:?}");
    for body in &asked {
        assert_eq!(form(body), expected, "{body}");
    }
    assert_ne!(asked[0], asked[1], "a test is of nobody");
}
