//! Portal's two calls.

use portal_api::webhook::{BackupShares, StoredBackupShare};
use portal_lifecycle::{Curve, ErrorId, Generation};
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use crate::backend::{Backend, SECRET, client, ok, problem, share_of};

async fn receipt(response: reqwest::Response) -> Vec<u8> {
    let stored: StoredBackupShare = ok(response).await;
    stored.digest.expect("a digest").0
}

async fn fetched(backend: &Backend, n: u128) -> Vec<String> {
    let answer: BackupShares = ok(backend.fetch(client(n)).await).await;
    let shares = answer.backup_shares.iter();
    shares.map(|share| share.expose().to_owned()).collect()
}

#[tokio::test]
async fn a_share_is_stored_and_fetched_back() {
    let backend = Backend::start().await;
    let text = "a \"share\"\nof é and \u{0}";
    let digest = receipt(backend.deliver(&share_of(client(1), 1, text)).await).await;
    assert_eq!(digest, Sha256::digest(text).to_vec());
    assert_eq!(fetched(&backend, 1).await, [text]);
}

#[tokio::test]
async fn all_shares_come_back_newest_generation_first() {
    let backend = Backend::start().await;
    for (n, generation) in [(1, 9), (2, 10), (3, 2)] {
        for (half, curve) in [(0, Curve::Ed25519), (100, Curve::Secp256k1)] {
            let mut share = share_of(client(1), n + half, &format!("{generation} {curve}"));
            share.generation = generation;
            share.curve = curve;
            receipt(backend.deliver(&share).await).await;
        }
    }
    let expected = [
        "10 SECP256K1",
        "10 ED25519",
        "9 SECP256K1",
        "9 ED25519",
        "2 SECP256K1",
        "2 ED25519",
    ];
    assert_eq!(fetched(&backend, 1).await, expected);
}

#[tokio::test]
async fn a_repeat_gets_the_same_receipt() {
    let backend = Backend::start().await;
    let share = share_of(client(1), 1, "once");
    let first = receipt(backend.deliver(&share).await).await;
    let second = receipt(backend.deliver(&share).await).await;
    assert_eq!(first, second);
    assert_eq!(fetched(&backend, 1).await, ["once"]);
}

#[tokio::test]
async fn another_share_under_the_same_id_is_refused_and_the_first_stays() {
    let backend = Backend::start().await;
    receipt(backend.deliver(&share_of(client(1), 1, "first")).await).await;
    let second = backend.deliver(&share_of(client(1), 1, "second")).await;
    problem(second, 409, ErrorId::BackupShareMismatch).await;
    assert_eq!(fetched(&backend, 1).await, ["first"]);
}

#[tokio::test]
async fn the_same_share_for_another_place_is_refused() {
    let backend = Backend::start().await;
    let share = share_of(client(1), 1, "text");
    receipt(backend.deliver(&share).await).await;
    let mut elsewhere = [share.clone(), share.clone(), share];
    elsewhere[0].generation = 2;
    elsewhere[1].curve = Curve::Ed25519;
    elsewhere[2].wallet_id = portal_lifecycle::ids::WalletId(uuid::Uuid::from_u128(8));
    for share in elsewhere {
        let answer = backend.deliver(&share).await;
        problem(answer, 409, ErrorId::BackupShareMismatch).await;
    }
}

#[tokio::test]
async fn another_clients_shares_are_never_given_out() {
    let backend = Backend::start().await;
    // The same pair id on purpose: the client is part of the key.
    receipt(backend.deliver(&share_of(client(1), 1, "of one")).await).await;
    receipt(backend.deliver(&share_of(client(2), 1, "of two")).await).await;
    assert_eq!(fetched(&backend, 1).await, ["of one"]);
    assert_eq!(fetched(&backend, 2).await, ["of two"]);
}

#[tokio::test]
async fn a_client_without_shares_has_an_empty_list() {
    let backend = Backend::start().await;
    assert_eq!(fetched(&backend, 1).await, Vec::<String>::new());
}

#[tokio::test]
async fn only_the_webhook_secret_opens_both_calls() {
    let backend = Backend::start().await;
    let share = serde_json::to_string(&share_of(client(1), 1, "text")).expect("JSON");
    let longer = format!("{SECRET}x");
    let upper = SECRET.to_uppercase();
    let cases = [
        None,
        Some(""),
        Some("x"),
        Some(&SECRET[1..]),
        Some(&longer),
        Some(&upper),
    ];
    let fetch = format!(r#"{{"clientId":"{}"}}"#, client(1));
    for (path, body) in [("/backup", &share), ("/backup/fetch", &fetch)] {
        for given in cases {
            let mut call = backend
                .request(Method::POST, path)
                .header("content-type", "application/json")
                .body(body.clone());
            if let Some(given) = given {
                call = call.header("x-webhook-secret", given);
            }
            let answer = call.send().await.expect("an answer");
            problem(answer, 401, ErrorId::AuthFailed).await;
        }
    }
    assert_eq!(fetched(&backend, 1).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_share_has_1_to_8192_bytes_and_a_generation_that_sql_can_hold() {
    let backend = Backend::start().await;
    let limit = "x".repeat(portal_custodian::SHARE_BYTES);
    receipt(backend.deliver(&share_of(client(1), 1, &limit)).await).await;
    for text in [String::new(), format!("{limit}x")] {
        let answer = backend.deliver(&share_of(client(1), 2, &text)).await;
        let told = problem(answer, 400, ErrorId::BadRequest).await.detail;
        assert!(
            told.contains("the field share: expected 1 to 8192"),
            "{told}"
        );
    }
    let mut share = share_of(client(1), 3, "text");
    share.generation = Generation(u64::MAX).0;
    let answer = backend.deliver(&share).await;
    let told = problem(answer, 400, ErrorId::BadRequest).await.detail;
    assert!(told.contains("generation"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_parallel_posts_of_one_share_make_one_row() {
    let backend = std::sync::Arc::new(Backend::start().await);
    let posts: Vec<_> = (0..20)
        .map(|_| {
            let backend = backend.clone();
            tokio::spawn(async move {
                receipt(backend.deliver(&share_of(client(1), 1, "race")).await).await
            })
        })
        .collect();
    let expected = Sha256::digest("race").to_vec();
    for post in posts {
        assert_eq!(post.await.expect("no panic"), expected);
    }
    let rows = sqlx::query("SELECT count(*) FROM backup_share")
        .fetch_one(&mut backend.raw().await)
        .await
        .expect("a count");
    assert_eq!(rows.get::<i64, _>(0), 1);
}

#[tokio::test]
async fn the_trace_id_is_taken_or_made() {
    let backend = Backend::start().await;
    let sent = "0190b2a4-0000-7000-8000-00000000cafe";
    for (given, kept) in [(sent, true), ("forged\tline", false), ("", false)] {
        let answer = backend
            .request(Method::GET, "/live")
            .header("x-portal-trace-id", given)
            .send()
            .await
            .expect("an answer");
        let got = answer.headers()["x-portal-trace-id"]
            .to_str()
            .expect("ASCII");
        assert_eq!(got == given, kept, "sent {given:?}, got {got:?}");
        assert_eq!(
            uuid::Uuid::parse_str(got)
                .expect("a UUID")
                .get_version_num(),
            7
        );
    }
}
