//! The checks of a database's keys, in a database of before there were any, or behind the server's
//! back.

use std::sync::Arc;

use portal_lifecycle::{BackupMethod, BackupMode, OperationKind};
use portal_seal::SealingKey;
use portal_store::conformance::{Backend as _, Life, kms};
use portal_store::kms::{KeyFileKms, Kms};
use portal_store::{KmsRole, Maintenance as _, StoreError};

use crate::audit::Tampered;
use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

const ROLES: [KmsRole; 2] = [KmsRole::Main, KmsRole::ManagedBackups];

fn another() -> Arc<dyn Kms> {
    Arc::new(KeyFileKms::from_key(SealingKey::from_bytes(
        [0x5f; 32].into(),
    )))
}

/// A wallet with a managed backup.
async fn backed_up<B: Tampered>(backend: &B) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let made = life.make_backup_in(BackupMode::Managed, BackupMethod::Password);
    made.await;
}

/// Without a check, shares say whose the database is; one that is damaged says nothing.
async fn shares_of_before_say_whose_it_is<B: Tampered>(backend: &B) {
    backed_up(backend).await;
    let before = ["DELETE FROM key_checks".to_owned()];
    backend.tamper(&before).await;
    for role in ROLES {
        let store = backend.open(another()).await;
        assert!(store.depends_on(role).await.unwrap(), "{role}");
        let claimed = store.claim(role).await;
        let refused = matches!(claimed, Err(StoreError::AnotherKey { .. }));
        assert!(refused, "{role}: {claimed:?}");
        backend.open(kms()).await.claim(role).await.unwrap();
    }
    let damaged = ["signing_share_pairs", "managed_backup_shares"].map(|table| {
        format!(
            "UPDATE {table} SET sealed_share = (SELECT sealed FROM key_checks WHERE kms = 'MAIN')"
        )
    });
    backend.tamper(&[&damaged[..], &before].concat()).await;
    for role in ROLES {
        let store = backend.open(kms()).await;
        assert!(store.depends_on(role).await.unwrap(), "{role}");
        store.claim(role).await.unwrap();
    }
}

#[tokio::test]
async fn shares_of_before_say_whose_it_is_on_sqlite() {
    shares_of_before_say_whose_it_is(&SqliteBackend::new()).await;
}

#[tokio::test]
async fn shares_of_before_say_whose_it_is_on_postgres() {
    shares_of_before_say_whose_it_is(&PostgresBackend::new()).await;
}

/// A check that is damaged, or another KMS's, lets nobody in.
#[tokio::test]
async fn a_damaged_check_is_no_check() {
    for (role, other) in [
        (KmsRole::Main, "MANAGED_BACKUPS"),
        (KmsRole::ManagedBackups, "MAIN"),
    ] {
        let backend = SqliteBackend::new();
        let store = backend.open(kms()).await;
        for role in ROLES {
            store.claim(role).await.unwrap();
        }
        let spoiled = format!(
            "UPDATE key_checks SET sealed = (SELECT sealed FROM key_checks WHERE kms = '{other}')"
        );
        backend.run(&[spoiled]).await;
        let claimed = store.claim(role).await;
        let damaged = matches!(claimed, Err(StoreError::Unsealing { .. }));
        assert!(damaged, "{role}: {claimed:?}");
    }
}
