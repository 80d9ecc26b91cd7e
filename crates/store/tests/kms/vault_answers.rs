//! What each of Vault's answers means, and what is none.

use portal_store::kms::conformance::Backend;
use portal_store::kms::{Kms as _, VaultConfig, VaultTransitKms};
use tokio::net::TcpListener;

use super::transit::{Instead, Transit};
use super::vault::{EXPECTED, config, kms};
use super::{context, error_of, key, kind, wrap};

const KINDS: [(&str, u16); 15] = [
    ("refused", 400),
    ("malformed", 401),
    ("forbidden", 403),
    ("unknown", 404),
    ("malformed", 405),
    ("unavailable", 412),
    ("malformed", 418),
    ("unavailable", 429),
    ("unavailable", 500),
    ("unavailable", 502),
    ("unavailable", 503),
    ("unavailable", 504),
    ("malformed", 201),
    ("malformed", 204),
    ("unavailable", 304),
];

#[tokio::test]
async fn every_status_has_its_meaning() {
    let transit = Transit::start(EXPECTED).await;
    for (expected, status) in KINDS {
        // Only of a cipher text Vault says 400 rightly.
        let else_expected = if status == 400 { "malformed" } else { expected };
        // One that knows no version yet, and one that does.
        let (new, kms) = (kms(&transit), kms(&transit));
        let wrapped = wrap(&kms).await;
        let planted = Instead::Status(status, "planted in a body".to_owned());
        transit.answer_instead("decrypt", planted.clone());
        let decrypt = error_of(kms.unwrap(&wrapped, &context("w")).await);
        transit.answer_instead("encrypt", planted.clone());
        let encrypt = error_of(kms.wrap(&key(1), &context("w")).await);
        transit.answer_instead("keys", planted);
        let keys = error_of(new.key_id().await);
        transit.answer_rightly();
        for (error, expected) in [
            (decrypt, expected),
            (encrypt, else_expected),
            (keys, else_expected),
        ] {
            let text = format!("{error} {error:?}");
            assert_eq!(kind(&error), expected, "{status}: {text}");
            assert!(!text.contains("planted"), "{status}: {text}");
        }
    }
}

#[tokio::test]
async fn a_wrong_token_is_forbidden() {
    let transit = Transit::start(EXPECTED).await;
    let kms = VaultTransitKms::new(VaultConfig {
        token: "hvs.another".to_owned().into(),
        ..config(&transit.url)
    })
    .unwrap();
    let error = error_of(kms.key_id().await);
    assert_eq!(kind(&error), "forbidden", "{error:?}");
    assert!(
        error.to_string().contains("GET /v1/transit/keys/portal"),
        "{error}"
    );
}

/// The token goes to no other address.
#[tokio::test]
async fn no_redirect_is_followed() {
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/v1/transit/keys/other", transit.url);
        transit.answer_instead("keys", Instead::Redirect(status, to));
        let error = error_of(kms.key_id().await);
        assert_eq!(kind(&error), "unavailable", "{status}: {error:?}");
        assert_eq!(transit.requests(), ["keys"]);
    }
}

#[tokio::test]
async fn what_is_not_vaults_answer_is_not_taken_for_one() {
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    let wrapped = wrap(&kms).await;
    let with = |data: &str| format!(r#"{{"data": {data}}}"#);
    let long = format!(r#"{{"ciphertext": "vault:v1:{}"}}"#, "A".repeat(4_092));
    // A right answer, but for its size.
    let huge = format!(
        r#"{{"plaintext": "{}=", "more": "{}"}}"#,
        "A".repeat(43),
        "A".repeat(65_536)
    );
    for (operation, body) in [
        ("encrypt", String::new()),
        ("encrypt", "vault:v1:QUJD".to_owned()),
        ("encrypt", r#"{"ciphertext": "vault:v1:QUJD"}"#.to_owned()),
        ("encrypt", with("{}")),
        ("encrypt", with("null")),
        ("encrypt", with(r#"{"ciphertext": 1}"#)),
        ("encrypt", with(r#"{"ciphertext": ""}"#)),
        ("encrypt", with(r#"{"ciphertext": "QUJD"}"#)),
        ("encrypt", with(r#"{"ciphertext": "vault:v0:QUJD"}"#)),
        ("encrypt", with(r#"{"ciphertext": "vault:v1:QUJ"}"#)),
        ("encrypt", with(&long)),
        ("decrypt", with("{}")),
        ("decrypt", with(r#"{"plaintext": ""}"#)),
        ("decrypt", with(r#"{"plaintext": "?"}"#)),
        (
            "decrypt",
            with(&format!(r#"{{"plaintext": "{}="}}"#, "A".repeat(43 - 4))),
        ),
        (
            "decrypt",
            with(&format!(r#"{{"plaintext": "{}"}}"#, "A".repeat(44))),
        ),
        ("decrypt", with(&huge)),
    ] {
        transit.answer_instead(operation, Instead::Status(200, body.clone()));
        let error = if operation == "encrypt" {
            error_of(kms.wrap(&key(1), &context("w")).await)
        } else {
            error_of(kms.unwrap(&wrapped, &context("w")).await)
        };
        assert_eq!(kind(&error), "malformed", "{operation} {body}: {error:?}");
    }
    transit.answer_instead(
        "keys",
        Instead::Status(200, with(r#"{"latest_version": "1"}"#)),
    );
    let error = error_of(Backend::open(&transit).await.key_id().await);
    assert_eq!(kind(&error), "malformed", "{error:?}");
}

#[tokio::test]
async fn a_vault_that_is_not_there_is_unavailable() {
    // Bound and let go: nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = error_of(
        VaultTransitKms::new(config(&address))
            .unwrap()
            .key_id()
            .await,
    );
    assert_eq!(kind(&error), "unavailable", "{error:?}");
}

/// The clock jumps where nothing else can happen: this takes no five seconds.
#[tokio::test(start_paused = true)]
async fn a_vault_that_does_not_answer_is_unavailable() {
    let transit = Transit::start(EXPECTED).await;
    transit.answer_instead("keys", Instead::Nothing);
    let before = tokio::time::Instant::now();
    let error = error_of(kms(&transit).key_id().await);
    assert_eq!(kind(&error), "unavailable", "{error:?}");
    assert!(error.to_string().contains("5 seconds"), "{error}");
    let waited = before.elapsed().as_secs_f64();
    assert!((4.9..5.5).contains(&waited), "waited {waited} s");
}
