//! What the seal of a share binds, and rows that do not open.

use std::sync::Arc;

use portal_api::Base64Bytes;
use portal_api::sealed::SealedBlind;
use portal_api::webhook::{BackupShares, SealedPart};
use portal_custodian::{
    BackendSecret, CustodianStore, Digest, NewShare, Receiver, Sealing, SealingKeys, ShareText,
    StoreError,
};
use portal_lifecycle::{ErrorId, Generation, PerCurve, Timestamp};
use portal_seal::recipient::OpeningKey;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::AssertSqlSafe;
use zeroize::Zeroizing;

use crate::backend::{Backend, client, ok, pair, problem, share_of};

const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// Takes sealed backups, and plain ones.
async fn sealed() -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    Backend::start_with(dir, |store, tokens, secret| {
        let key = OpeningKey::from_bytes(Zeroizing::new([4; 32]));
        let keys = SealingKeys::new(vec![key]).expect("a key");
        let backend = BackendSecret::new("the secret of a backend").expect("a long secret");
        Receiver::builder(Arc::clone(&store) as _, secret)
            .app_auth(tokens)
            .sealing(Sealing::new(keys, store, backend))
            .plain_backups(true)
            .build()
    })
    .await
}

/// A share that was formed here and never leaves.
async fn store_formed(backend: &Backend, n: u128, generation: u64) {
    let body = share_of(client(1), n, "formed");
    let new = NewShare {
        client_id: body.client_id,
        backup_share_pair_id: body.backup_share_pair_id,
        wallet_id: body.wallet_id,
        curve: body.curve,
        generation: Generation(generation),
        backup_method: body.backup_method,
        share: ShareText::new(format!("formed {n}")).expect("a text"),
        delivery: Some(Digest::of(&n.to_be_bytes())),
    };
    let mut rng = StdRng::from_seed([7; 32]);
    let stored = CustodianStore::insert_share(&*backend.store, new, NOW, &mut rng).await;
    stored.expect("stored");
}

/// What somebody does who may write to the database.
async fn tamper(backend: &Backend, changes: &[&str]) {
    let mut raw = backend.raw().await;
    let free = ["DROP TRIGGER backup_share_never_updated"];
    for statement in free.iter().chain(changes) {
        sqlx::query(AssertSqlSafe((*statement).to_owned()))
            .execute(&mut raw)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// Each column that decides whether a share leaves, or for what, set to another value.
#[tokio::test]
async fn a_row_of_which_something_else_is_said_does_not_open() {
    for change in [
        "generation = 7",
        "digest = zeroblob(32)",
        // It would leave then.
        "delivery_digest = NULL",
        "delivery_digest = zeroblob(32)",
        // Passed off as one from before these were bound, of which none is read.
        "seal_version = 1",
        "seal_version = 1, delivery_digest = NULL",
    ] {
        let backend = sealed().await;
        store_formed(&backend, 1, 1).await;
        let before: BackupShares = ok(backend.fetch(client(1)).await).await;
        assert!(before.backup_shares.is_empty(), "it never leaves");
        tamper(&backend, &[&format!("UPDATE backup_share SET {change}")]).await;
        let told = backend.fetch(client(1)).await;
        let told = problem(told, 500, ErrorId::InternalError).await;
        assert_eq!(told.detail, "the log has the rest under this traceId");
    }
}

/// A plain share cannot be made one that never leaves, either.
#[tokio::test]
async fn a_plain_share_stays_one() {
    let backend = sealed().await;
    let stored = backend.deliver(&share_of(client(1), 1, "plain")).await;
    assert_eq!(stored.status().as_u16(), 200);
    let change = "UPDATE backup_share SET delivery_digest = zeroblob(32)";
    tamper(&backend, &[change]).await;
    let told = backend.fetch(client(1)).await;
    problem(told, 500, ErrorId::InternalError).await;
}

/// Two generations change places: neither is taken for the other.
#[tokio::test]
async fn rows_that_change_places_do_not_open() {
    for column in ["sealed_share", "generation", "delivery_digest"] {
        let backend = sealed().await;
        store_formed(&backend, 1, 1).await;
        store_formed(&backend, 2, 2).await;
        let before =
            format!("CREATE TABLE before AS SELECT rowid AS n, {column} AS v FROM backup_share");
        let swap = format!(
            "UPDATE backup_share SET {column} = (SELECT v FROM before WHERE n <> backup_share.rowid)"
        );
        tamper(&backend, &[&before, &swap]).await;
        let found = CustodianStore::shares_of(&*backend.store, client(1)).await;
        assert!(
            matches!(found, Err(StoreError::Unsealing { .. })),
            "{column}: {found:?}"
        );
    }
}

/// A row of version 1, which bound less.
async fn store_former(backend: &Backend, n: u128) {
    let body = share_of(client(1), n, "former");
    sqlx::query(
        "INSERT INTO backup_share (client_id, backup_share_pair_id, wallet_id, curve, generation,
             backup_method, digest, seal_version, sealed_share, created_at_ms)
         VALUES ($1, $2, $3, 'SECP256K1', 1, 'PASSWORD', $4, 1, zeroblob(100), 0)",
    )
    .bind(body.client_id.to_string())
    .bind(body.backup_share_pair_id.to_string())
    .bind(body.wallet_id.to_string())
    .bind(Digest::of(b"former").0.to_vec())
    .execute(&mut backend.raw().await)
    .await
    .expect("inserted");
}

#[tokio::test]
async fn a_row_of_version_1_does_not_open() {
    let backend = sealed().await;
    store_former(&backend, 1).await;
    let found = CustodianStore::shares_of(&*backend.store, client(1)).await;
    let is_refused =
        matches!(found, Err(StoreError::Corrupt { column, .. }) if column == "seal_version");
    assert!(is_refused, "{found:?}");
}

/// It stands in nobody's way: the client makes new backups.
#[tokio::test]
async fn a_row_that_does_not_open_blocks_no_new_backup() {
    let backend = sealed().await;
    store_former(&backend, 1).await;
    let all = CustodianStore::shares_of(&*backend.store, client(1)).await;
    assert!(all.is_err(), "nothing of this client opens");
    let other = CustodianStore::share_of_pair(&*backend.store, client(1), pair(2)).await;
    assert!(other.expect("read").is_none());
    // A sealed one is looked at for itself: it fails for its own key, which nobody here has.
    let mut body = share_of(client(1), 2, "AAAA");
    body.sealed = Some(SealedPart {
        backup_share_pair_ids: PerCurve::new(pair(2), pair(3)),
        blind: SealedBlind {
            key_id: Base64Bytes(vec![0; 8]),
            point: Base64Bytes(vec![0; 33]),
            encapsulated: Base64Bytes(vec![0; 32]),
            cipher_text: Base64Bytes(vec![0; 48]),
        },
        point: Base64Bytes(vec![0; 33]),
    });
    let told = problem(backend.deliver(&body).await, 400, ErrorId::BadRequest).await;
    assert!(told.detail.contains("sealed backup"), "{}", told.detail);
    // The row itself is no success: its share cannot be given back.
    body.backup_share_pair_id = pair(1);
    problem(backend.deliver(&body).await, 500, ErrorId::InternalError).await;
    // A plain one is stored and comes back.
    let stored = backend.deliver(&share_of(client(1), 3, "new")).await;
    assert_eq!(stored.status().as_u16(), 200);
    let fetched: BackupShares = ok(backend.fetch(client(1)).await).await;
    assert_eq!(fetched.backup_shares, ["new"]);
}
