//! The default login.

use portal_custodian::{AppTokens, WEBHOOK_SECRET_BYTES, WebhookSecret, WebhookSecretError};
use portal_lifecycle::ErrorId;
use reqwest::Method;
use zeroize::Zeroizing;

use crate::backend::{Backend, cipher_texts_path, client, problem};

/// Golden: another encoding would lock every app out.
#[test]
fn a_token_stays_as_it_is() {
    let token = AppTokens::new(Zeroizing::new([2; 32])).mint(client(1));
    assert_eq!(
        token.expose(),
        "ptl_app_000c11e0-0000-0000-0000-000000000001.gTj-eHl2oVb8zCxRnokAwS7qzTsDLCwYG-SsLd8uthI"
    );
}

#[tokio::test]
async fn a_token_that_was_not_minted_here_is_refused() {
    let backend = Backend::start().await;
    let genuine = backend.tokens.mint(client(1));
    let genuine = genuine.expose();
    let other_secret = AppTokens::new(Zeroizing::new([3; 32])).mint(client(1));
    let (_, mac) = genuine.split_once('.').expect("a dot");
    let forged = [
        other_secret.expose().to_owned(),
        format!("ptl_app_{}.{mac}", client(2)),
        genuine[..genuine.len() - 4].to_owned(),
        format!("{genuine}AAAA"),
        genuine.replace("ptl_app_", "ptl_cust_"),
        format!("ptl_app_{}.", client(1)),
        format!("ptl_app_{}", client(1)),
        "garbage".to_owned(),
        String::new(),
    ];
    let header = |value: String| {
        backend
            .request(Method::GET, &cipher_texts_path(client(1)))
            .header("authorization", value)
    };
    let mut calls: Vec<_> = forged
        .into_iter()
        .map(|token| header(format!("Bearer {token}")))
        .collect();
    calls.push(header(format!("Basic {genuine}")));
    calls.push(header(genuine.to_owned()));
    calls.push(backend.request(Method::GET, &cipher_texts_path(client(1))));
    for call in calls {
        let answer = call.send().await.expect("an answer");
        problem(answer, 401, ErrorId::AuthFailed).await;
    }
    // The genuine one gets past the login: there is just nothing stored.
    let answer = header(format!("bearer {genuine}")).send().await;
    problem(answer.expect("an answer"), 404, ErrorId::NotFound).await;
}

#[test]
fn secrets_do_not_show_themselves() {
    let tokens = AppTokens::new(Zeroizing::new([2; 32]));
    let secret = WebhookSecret::new("0123456789abcdef").expect("long enough");
    let shown = format!("{tokens:?} {:?} {secret:?}", tokens.mint(client(1)));
    assert_eq!(shown, "AppTokens(…) AppToken(…) WebhookSecret(…)");
}

#[test]
fn a_webhook_secret_is_not_short() {
    let short = "x".repeat(WEBHOOK_SECRET_BYTES - 1);
    assert_eq!(
        WebhookSecret::new(&short).expect_err("too short"),
        WebhookSecretError::TooShort { given: 15 }
    );
    let malformed = WebhookSecret::new("whsec_not quite base64");
    assert!(matches!(malformed, Err(WebhookSecretError::Malformed(_))));
}
