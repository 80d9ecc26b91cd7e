//! What stays when the process ends.

use portal_api::custodian_app::StoredCipherText;
use portal_api::webhook::BackupShares;
use portal_custodian::{OpenStoreError, SqlCustodianStore};
use portal_lifecycle::ErrorId;
use reqwest::Method;
use sqlx::Row as _;

use crate::backend::{Backend, client, ok, pair, problem, sealing_key, share_of};

#[tokio::test]
async fn everything_is_there_after_it_was_closed_and_opened() {
    let backend = Backend::start().await;
    let share = share_of(client(1), 1, "kept");
    assert_eq!(backend.deliver(&share).await.status().as_u16(), 200);
    let body = serde_json::json!({
        "backupSharePairIds": {"secp256k1": pair(1), "ed25519": pair(2)},
        "cipherText": "kept-too",
    });
    let put = backend.app(client(1), Method::PUT, client(1)).json(&body);
    let stored: StoredCipherText = ok(put.send().await.expect("an answer")).await;

    let backend = Backend::start_in(backend.stop().await).await;
    let shares: BackupShares = ok(backend.fetch(client(1)).await).await;
    assert_eq!(shares.backup_shares, ["kept"]);
    let get = backend.app(client(1), Method::GET, client(1)).send().await;
    let read: StoredCipherText = ok(get.expect("an answer")).await;
    assert_eq!(read, stored);
    let other = backend.deliver(&share_of(client(1), 1, "other")).await;
    problem(other, 409, ErrorId::BackupShareMismatch).await;
}

#[tokio::test]
async fn a_store_does_not_open_under_another_key() {
    let backend = Backend::start().await;
    let share = share_of(client(1), 1, "kept");
    assert_eq!(backend.deliver(&share).await.status().as_u16(), 200);
    let dir = backend.stop().await;
    let path = dir.path().join("custodian.db");
    let opened = SqlCustodianStore::sqlite(&path, sealing_key(9)).await;
    assert!(
        matches!(opened, Err(OpenStoreError::WrongKey)),
        "{opened:?}"
    );
    SqlCustodianStore::sqlite(&path, sealing_key(1))
        .await
        .expect("opens under its own");
}

#[tokio::test]
async fn a_store_in_no_directory_does_not_open() {
    let dir = tempfile::tempdir().expect("a directory");
    let opened = SqlCustodianStore::sqlite(dir.path().join("no/db"), sealing_key(1)).await;
    assert!(
        matches!(opened, Err(OpenStoreError::File { .. })),
        "{opened:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let backend = Backend::start().await;
    let share = share_of(client(1), 1, "kept");
    assert_eq!(backend.deliver(&share).await.status().as_u16(), 200);
    for name in ["custodian.db", "custodian.db-wal", "custodian.db-shm"] {
        let metadata = std::fs::metadata(backend.dir.path().join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "of {name}");
    }
}

#[tokio::test]
async fn the_file_is_in_wal_mode() {
    let backend = Backend::start().await;
    let mode = sqlx::query("PRAGMA journal_mode")
        .fetch_one(&mut backend.raw().await)
        .await
        .expect("a mode");
    assert_eq!(mode.get::<String, _>(0), "wal");
}
