//! A receiver with sealing keys takes no plain share, unless it is told to.

use std::sync::Arc;

use portal_api::webhook::{BackupShares, StoredBackupShare};
use portal_custodian::{BackendSecret, Receiver, Sealing, SealingKeys};
use portal_lifecycle::ErrorId;
use portal_seal::recipient::OpeningKey;
use zeroize::Zeroizing;

use crate::backend::{Backend, client, ok, problem, share_of};

pub(crate) const BACKEND_SECRET: &str = "the secret of a backend";

pub(crate) async fn sealed(plain_backups: bool) -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    Backend::start_with(dir, |store, tokens, secret| {
        let key = OpeningKey::from_bytes(Zeroizing::new([4; 32]));
        let keys = SealingKeys::new(vec![key]).expect("a key");
        let backend = BackendSecret::new(BACKEND_SECRET).expect("a long secret");
        Receiver::builder(Arc::clone(&store) as _, secret)
            .app_auth(tokens)
            .sealing(Sealing::new(keys, store, backend))
            .plain_backups(plain_backups)
            .build()
    })
    .await
}

/// Who said neither that plain backups are taken nor that sealed ones are.
async fn neither() -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    Backend::start_with(dir, |store, _, secret| {
        Receiver::builder(store, secret).build()
    })
    .await
}

#[tokio::test]
async fn a_plain_share_is_refused_where_nobody_asked_for_it() {
    let backend = neither().await;
    let refused = backend.deliver(&share_of(client(1), 1, "plain")).await;
    problem(refused, 409, ErrorId::BackupModeMismatch).await;
    let fetched: BackupShares = ok(backend.fetch(client(1)).await).await;
    assert!(fetched.backup_shares.is_empty());
}

#[tokio::test]
async fn a_plain_share_is_refused_and_not_stored() {
    let backend = sealed(false).await;
    let refused = backend.deliver(&share_of(client(1), 1, "plain")).await;
    let told = problem(refused, 409, ErrorId::BackupModeMismatch).await;
    assert!(
        told.detail
            .starts_with("expected a sealed backup share, got a plain one"),
        "{}",
        told.detail
    );
    let fetched: BackupShares = ok(backend.fetch(client(1)).await).await;
    assert!(fetched.backup_shares.is_empty());
}

#[tokio::test]
async fn a_receiver_of_both_kinds_takes_it() {
    let backend = sealed(true).await;
    let taken = backend.deliver(&share_of(client(1), 1, "plain")).await;
    ok::<StoredBackupShare>(taken).await;
    let fetched: BackupShares = ok(backend.fetch(client(1)).await).await;
    assert_eq!(fetched.backup_shares, ["plain"]);
}
