//! The app's two calls.

use portal_api::custodian_app::{StoreCipherText, StoredCipherText};
use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMethod, ErrorId, PerCurve};
use reqwest::{Method, Response};
use sha2::{Digest as _, Sha256};

use crate::backend::{Backend, cipher_texts_path, client, ok, pair, problem};

fn cipher_text(n: u128, text: &str) -> StoreCipherText {
    StoreCipherText {
        backup_share_pair_ids: PerCurve::new(pair(n), pair(n + 1000)),
        cipher_text: text.to_owned(),
    }
}

async fn put(backend: &Backend, client_id: ClientId, body: &StoreCipherText) -> Response {
    backend
        .app(client_id, Method::PUT, client_id)
        .json(body)
        .send()
        .await
        .expect("an answer")
}

async fn read(backend: &Backend, client_id: ClientId, query: &str) -> Response {
    backend
        .request(
            Method::GET,
            &format!("{}{query}", cipher_texts_path(client_id)),
        )
        .bearer_auth(backend.tokens.mint(client_id).expose())
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_cipher_text_is_stored_and_read() {
    let backend = Backend::start().await;
    let stored: StoredCipherText = ok(put(&backend, client(1), &cipher_text(1, "one")).await).await;
    assert_eq!(stored.cipher_text, "one");
    assert_eq!(stored.backup_method, BackupMethod::Password);
    assert_eq!(stored.digest.0, Sha256::digest("one").to_vec());
    assert_eq!(
        stored.backup_share_pair_ids,
        PerCurve::new(pair(1), pair(1001))
    );
    assert!(stored.created_at.0.as_ms() > 1_700_000_000_000);
    let read: StoredCipherText = ok(read(&backend, client(1), "").await).await;
    assert_eq!(read, stored);
}

#[tokio::test]
async fn a_repeat_gets_what_was_stored_first() {
    let backend = Backend::start().await;
    let body = cipher_text(1, "one");
    let first: StoredCipherText = ok(put(&backend, client(1), &body).await).await;
    let second: StoredCipherText = ok(put(&backend, client(1), &body).await).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn another_cipher_text_under_the_same_ids_is_refused_and_the_first_stays() {
    let backend = Backend::start().await;
    let first: StoredCipherText = ok(put(&backend, client(1), &cipher_text(1, "one")).await).await;
    let other_text = put(&backend, client(1), &cipher_text(1, "two")).await;
    problem(other_text, 409, ErrorId::BackupShareMismatch).await;
    let other_method = backend
        .request(
            Method::PUT,
            &cipher_texts_path(client(1)).replace("PASSWORD", "GDRIVE"),
        )
        .bearer_auth(backend.tokens.mint(client(1)).expose())
        .json(&cipher_text(1, "one"))
        .send()
        .await
        .expect("an answer");
    problem(other_method, 409, ErrorId::BackupShareMismatch).await;
    let read: StoredCipherText = ok(read(&backend, client(1), "").await).await;
    assert_eq!(read, first);
}

#[tokio::test]
async fn the_newest_of_the_method_is_read_unless_a_pair_is_named() {
    let backend = Backend::start().await;
    // Descending ids: the order is that of insertion, not of ids.
    for (n, text) in [(3, "first"), (2, "second"), (1, "third")] {
        let _: StoredCipherText = ok(put(&backend, client(1), &cipher_text(n, text)).await).await;
    }
    let query = |pair| format!("?backupSharePairId={pair}");
    let cases = [
        (String::new(), "third"),
        (query(pair(3)), "first"),
        (query(pair(1002)), "second"),
    ];
    for (query, expected) in cases {
        let got: StoredCipherText = ok(read(&backend, client(1), &query).await).await;
        assert_eq!(got.cipher_text, expected, "for {query:?}");
    }
    problem(
        read(&backend, client(1), &query(pair(4))).await,
        404,
        ErrorId::NotFound,
    )
    .await;
    for malformed in ["?backupSharePairId=x", "?pair=1"] {
        let answer = read(&backend, client(1), malformed).await;
        problem(answer, 400, ErrorId::BadRequest).await;
    }
}

#[tokio::test]
async fn methods_are_kept_apart() {
    let backend = Backend::start().await;
    let _: StoredCipherText = ok(put(&backend, client(1), &cipher_text(1, "one")).await).await;
    let path = cipher_texts_path(client(1));
    for (method, status, id) in [
        ("GDRIVE", 404, ErrorId::NotFound),
        ("FLOPPY", 400, ErrorId::BadRequest),
    ] {
        let answer = backend
            .request(Method::GET, &path.replace("PASSWORD", method))
            .bearer_auth(backend.tokens.mint(client(1)).expose())
            .send()
            .await
            .expect("an answer");
        problem(answer, status, id).await;
    }
}

#[tokio::test]
async fn a_token_of_another_client_meets_nothing() {
    let backend = Backend::start().await;
    let _: StoredCipherText = ok(put(&backend, client(1), &cipher_text(1, "one")).await).await;
    let nothing = problem(read(&backend, client(2), "").await, 404, ErrorId::NotFound).await;

    let send = async |call: reqwest::RequestBuilder| call.send().await.expect("an answer");
    let foreign = send(backend.app(client(2), Method::GET, client(1))).await;
    let foreign = problem(foreign, 404, ErrorId::NotFound).await;
    assert_eq!(
        foreign.detail, nothing.detail,
        "the two must sound the same"
    );

    let body = cipher_text(2, "forged");
    let foreign = send(backend.app(client(2), Method::PUT, client(1)).json(&body)).await;
    problem(foreign, 404, ErrorId::NotFound).await;
    let read: StoredCipherText = ok(read(&backend, client(1), "").await).await;
    assert_eq!(read.cipher_text, "one");

    let no_id = backend
        .request(Method::GET, "/app/clients/x/cipher-texts/PASSWORD")
        .bearer_auth(backend.tokens.mint(client(1)).expose());
    problem(send(no_id).await, 404, ErrorId::NotFound).await;
}

#[tokio::test]
async fn a_cipher_text_has_1_to_16384_visible_characters() {
    let backend = Backend::start().await;
    let limit = "x".repeat(CIPHER_TEXT_BYTES);
    let _: StoredCipherText = ok(put(&backend, client(1), &cipher_text(1, &limit)).await).await;
    let over = put(&backend, client(1), &cipher_text(2, &format!("{limit}x"))).await;
    problem(over, 413, ErrorId::PayloadTooLarge).await;
    // Postgres takes no NUL, and no version of the format has any of these.
    for text in ["", "a b", "a\n", "a\0b", "portal-backup-v1.é"] {
        let refused = put(&backend, client(1), &cipher_text(3, text)).await;
        let told = problem(refused, 400, ErrorId::BadRequest).await.detail;
        let expected = "the field cipherText: expected 1 to 16384 visible ASCII characters";
        assert!(told.starts_with(expected), "{text:?}: {told}");
    }
}

/// Whoever holds an app token can store texts under ids of half a pair. They must not hide the
/// owner's text; and where they came first, its owner has to hear of it before it counts.
#[tokio::test]
async fn a_text_under_half_a_pair_neither_follows_nor_hides_the_whole_pairs() {
    let backend = Backend::start().await;
    for (n, is_junk_first) in [(1, false), (2, true)] {
        let whole = cipher_text(n, "whole");
        let mut junk = [cipher_text(10 + n, "junk"), cipher_text(20 + n, "junk")];
        junk[0].backup_share_pair_ids.secp256k1 = whole.backup_share_pair_ids.secp256k1;
        junk[1].backup_share_pair_ids.secp256k1 = whole.backup_share_pair_ids.ed25519;
        let [first, then] = if is_junk_first {
            [&junk[..], std::slice::from_ref(&whole)]
        } else {
            [std::slice::from_ref(&whole), &junk[..]]
        };
        for text in first {
            let _: StoredCipherText = ok(put(&backend, client(1), text).await).await;
        }
        for text in then {
            let refused = put(&backend, client(1), text).await;
            problem(refused, 409, ErrorId::BackupShareMismatch).await;
        }
    }
}
