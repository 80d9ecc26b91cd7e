//! Inside a company's own axum app, with its own login.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use portal_api::custodian_app::StoredCipherText;
use portal_custodian::{AppAuth, AppAuthError, Receiver};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::ClientId;
use reqwest::Method;

use crate::backend::{Backend, SECRET, cipher_texts_path, client, ok, pair, problem};

/// Knows its users by a cookie.
struct CookieLogin;

#[async_trait]
impl AppAuth for CookieLogin {
    async fn client_of(&self, headers: &HeaderMap) -> Result<ClientId, AppAuthError> {
        match headers.get("cookie").map(|cookie| cookie.as_bytes()) {
            Some(b"user=1") => Ok(client(1)),
            Some(b"user=down") => Err(AppAuthError::Unavailable),
            _ => Err(AppAuthError::Refused),
        }
    }
}

async fn mounted() -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    Backend::start_with(dir, |store, _, secret| {
        Router::new()
            .route("/", get(async || "own"))
            .nest(
                "/of/{company}/portal",
                Receiver::builder(store, secret)
                    .app_auth(Arc::new(CookieLogin))
                    .build(),
            )
            .fallback(async || "own fallback")
    })
    .await
}

#[tokio::test]
async fn it_leaves_the_app_around_it_alone() {
    let backend = mounted().await;
    for (path, expected) in [("/", "own"), ("/elsewhere", "own fallback")] {
        let answer = backend.request(Method::GET, path).send().await;
        let text = answer.expect("an answer").text().await.expect("a body");
        assert_eq!(text, expected, "for {path}");
    }
    let inside = backend.request(Method::GET, "/of/a/portal/x").send().await;
    problem(inside.expect("an answer"), 404, ErrorId::NotFound).await;
    let inside = backend
        .request(Method::GET, "/of/a/portal/backup")
        .send()
        .await;
    problem(inside.expect("an answer"), 405, ErrorId::BadRequest).await;
    let fetch = backend
        .request(Method::POST, "/of/a/portal/backup/fetch")
        .header("x-webhook-secret", SECRET)
        .json(&serde_json::json!({"clientId": client(1)}));
    let fetched: serde_json::Value = ok(fetch.send().await.expect("an answer")).await;
    assert_eq!(fetched, serde_json::json!({"backupShares": []}));
}

#[tokio::test]
async fn its_own_login_takes_the_place_of_tokens() {
    let backend = mounted().await;
    let call = |method, cookie: &str| {
        let path = format!("/of/a/portal{}", cipher_texts_path(client(1)));
        backend.request(method, &path).header("cookie", cookie)
    };
    let put = call(Method::PUT, "user=1").json(&serde_json::json!({
        "backupSharePairIds": {"secp256k1": pair(1), "ed25519": pair(2)},
        "cipherText": "text",
    }));
    let stored: StoredCipherText = ok(put.send().await.expect("an answer")).await;
    assert_eq!(stored.cipher_text, "text");
    for (cookie, status, id) in [
        ("user=2", 401, ErrorId::AuthFailed),
        ("user=down", 503, ErrorId::Unavailable),
    ] {
        let answer = call(Method::GET, cookie).send().await;
        problem(answer.expect("an answer"), status, id).await;
    }
}
