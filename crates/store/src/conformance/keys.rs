//! Which keys a database is under.

use std::sync::Arc;

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, BackupMode, Curve, OperationKind, PerCurve};

use super::Backend;
use super::fixture::{Life, fresh, kms, kms_of, shares_of};
use crate::kms::{KeyRing, Kms};
use crate::{
    CommitError, KmsRole, Maintenance as _, ManagedBackupStore as _, Secrets, StoreError,
    WalletStore as _,
};

fn other() -> Arc<dyn Kms> {
    kms_of([0x5f; 32])
}

fn is_anothers<T>(result: &Result<T, StoreError>, of: KmsRole) -> bool {
    matches!(result, Err(StoreError::AnotherKey { role, .. }) if *role == of)
}

/// Nothing depends on a KMS before it is claimed; then no other will do.
pub async fn the_first_kms_is_the_databases(backend: &impl Backend) {
    let store = backend.open_with(kms(), other()).await;
    let swapped = backend.open_with(other(), kms()).await;
    for role in [KmsRole::Main, KmsRole::ManagedBackups] {
        let depends = store.depends_on(role).await;
        assert!(!depends.expect("looked up"), "{role}, before it is claimed");
        for _ in 0..2 {
            store.claim(role).await.expect("its own");
        }
        assert!(swapped.depends_on(role).await.expect("looked up"), "{role}");
        let claimed = swapped.claim(role).await;
        assert!(is_anothers(&claimed, role), "{role}: {claimed:?}");
        store.claim(role).await.expect("its own still");
    }
}

/// Secrets of before there were checks say whose the database is.
pub async fn a_database_of_before_keeps_its_key(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    Life::new(&store)
        .await
        .sign_up(OperationKind::Generate)
        .await;
    let another = backend.open(other()).await;
    assert!(another.depends_on(KmsRole::Main).await.expect("looked up"));
    let managed = another.depends_on(KmsRole::ManagedBackups).await;
    assert!(!managed.expect("looked up"));
    for _ in 0..2 {
        let claimed = another.claim(KmsRole::Main).await;
        assert!(is_anothers(&claimed, KmsRole::Main), "{claimed:?}");
    }
    store.claim(KmsRole::Main).await.expect("its own");
}

/// A server that has another backup KMS than the first managed backup keeps none.
pub async fn the_first_managed_backup_claims_its_kms(backend: &impl Backend) {
    let store = backend.open_with(kms(), other()).await;
    let managed = KmsRole::ManagedBackups;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.make_backup(BackupMethod::GDrive).await;
    assert!(!store.depends_on(managed).await.expect("looked up"));
    let ids = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    assert!(store.depends_on(managed).await.expect("looked up"));

    // Opened before as after: the share that it brings is refused.
    let another = backend.open(kms()).await;
    let claimed = another.claim(managed).await;
    assert!(is_anothers(&claimed, managed), "{claimed:?}");
    let unknown = PerCurve::new(BackupSharePairId(fresh()), BackupSharePairId(fresh()));
    let secrets = Secrets::StoreCustodianShare {
        ids: unknown,
        shares: shares_of(unknown.map(|id| id.0)),
    };
    let commit = life.commit_of(&life.wallet, secrets);
    let kept = another.commit_wallet(commit).await;
    let refused = matches!(kept, Err(CommitError::Store(StoreError::AnotherKey { .. })));
    assert!(refused, "{kept:?}");
    life.check().await;
    let share = store.custodian_share(life.client, Curve::Ed25519, ids.ed25519);
    assert!(share.await.expect("opens").is_some());
}

/// A rotation takes the checks along: then the new KMS is the database's, and the former is not.
pub async fn checks_move_to_another_kms(backend: &impl Backend) {
    let roles = [KmsRole::Main, KmsRole::ManagedBackups];
    let store = backend.open(kms()).await;
    for role in roles {
        store.claim(role).await.expect("its first");
    }
    let ring = || {
        let former = vec![kms()];
        let current = other();
        Arc::new(KeyRing { current, former }) as Arc<dyn Kms>
    };
    // One of the two at a time.
    for (main, backups) in [(ring(), kms()), (other(), ring())] {
        let rotating = backend.open_with(main, backups).await;
        for role in roles {
            rotating.claim(role).await.expect("under either key");
        }
        let mut from = None;
        loop {
            let step = rotating.rewrap(from, 1).await.expect("rewrapped");
            match step.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
    }
    for role in roles {
        let claimed = backend.open(kms()).await.claim(role).await;
        assert!(is_anothers(&claimed, role), "{role}: {claimed:?}");
        let rotated = backend.open(other()).await;
        rotated.claim(role).await.expect("the new one");
    }
}
