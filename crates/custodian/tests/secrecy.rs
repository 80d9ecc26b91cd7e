//! What must not lie anywhere in clear.

use portal_lifecycle::ErrorId;
use reqwest::Method;

use crate::backend::{Backend, SECRET, client, log, pair, problem, share_of};

const SHARE: &str = "share-that-nobody-may-see-51d0e7";
const TRACE: &str = "0190b2a4-0000-7000-8000-0000000000aa";

/// Every way a secret goes through the backend, the failing ones included.
async fn exercise(backend: &Backend) {
    let share = share_of(client(77), 1, SHARE);
    assert_eq!(backend.deliver(&share).await.status().as_u16(), 200);
    assert_eq!(backend.deliver(&share).await.status().as_u16(), 200);
    let mut other = share.clone();
    other.share = format!("{}2", other.share.expose()).into();
    problem(
        backend.deliver(&other).await,
        409,
        ErrorId::BackupShareMismatch,
    )
    .await;
    let answer = backend
        .fetch(client(77))
        .await
        .text()
        .await
        .expect("a body");
    assert!(answer.contains(SHARE), "{answer}");

    let misplaced = serde_json::json!({"clientId": SHARE, SHARE: 1}).to_string();
    let answer = backend.post("/backup", misplaced).await;
    problem(answer, 400, ErrorId::BadRequest).await;

    let body = serde_json::json!({
        "backupSharePairIds": {"secp256k1": pair(1), "ed25519": pair(2)},
        "cipherText": "cipher-text-for-the-log-9b",
    });
    let put = backend
        .app(client(77), Method::PUT, client(77))
        .header("x-portal-trace-id", TRACE)
        .json(&body);
    assert_eq!(put.send().await.expect("an answer").status().as_u16(), 200);
}

#[tokio::test]
async fn nothing_secret_lies_in_the_files() {
    let backend = Backend::start().await;
    exercise(&backend).await;
    let in_files = |dir: &std::path::Path, needle: &str| -> Vec<String> {
        let files = std::fs::read_dir(dir).expect("a directory");
        files
            .map(|file| file.expect("a file").path())
            .filter(|path| {
                let bytes = std::fs::read(path).expect("a file");
                bytes
                    .windows(needle.len())
                    .any(|window| window == needle.as_bytes())
            })
            .map(|path| path.display().to_string())
            .collect()
    };
    let check = |dir: &std::path::Path| {
        for secret in [SHARE, SECRET] {
            let found = in_files(dir, secret);
            assert!(found.is_empty(), "{secret} lies in {found:?}");
        }
        // So that the search is known to find things.
        let found = in_files(dir, "cipher-text-for-the-log-9b");
        assert!(!found.is_empty(), "the cipher text lies in no file");
    };
    // With the WAL, and after it was folded in.
    check(backend.dir.path());
    let dir = backend.stop().await;
    check(dir.path());
}

#[tokio::test]
async fn nothing_secret_lies_in_the_log() {
    let backend = Backend::start().await;
    exercise(&backend).await;
    let token = backend.tokens.mint(client(77));
    backend.stop().await;
    let log = log();
    let (_, mac) = token.expose().split_once('.').expect("a dot");
    let client_id = client(77).to_string();
    for secret in [SHARE, SECRET, mac, "cipher-text-for-the-log-9b", &client_id] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} lies in the log: {line:?}");
    }
    // So that the log is known to hold what it should: sqlx's trace, and this crate's line.
    assert!(
        log.contains("INSERT INTO backup_share"),
        "the log is not at trace level"
    );
    let line = log
        .lines()
        .find(|line| line.contains(TRACE) && line.contains("latency_us="))
        .expect("a line for the request");
    for expected in [
        "method=PUT",
        "path=\"/app/clients/{clientId}/cipher-texts/{backupMethod}\"",
        "status=200",
    ] {
        assert!(line.contains(expected), "expected {expected} in {line}");
    }
}
