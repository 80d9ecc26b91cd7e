//! What a backend refuses by itself, should the rules that decide ever be mistaken.

use portal_lifecycle::ids::{BackupSharePairId, SigningSharePairId, WalletId};
use portal_lifecycle::{
    BackupMethod, BackupStatus, Fence, Generation, OperationKind, PerCurve, SigningStatus, Wallet,
};

use super::Backend;
use super::fixture::{Life, fresh, is_refused, kms, points, shares_of, with_new_pair};
use crate::{CommitError, Secrets, StoreError};

/// Invariant I2, also where the rules had a mistake.
pub async fn a_pair_in_force_stands_alone(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.sign_up(OperationKind::Refresh).await;
    for (former, latter) in [
        (SigningStatus::StoredClient, SigningStatus::StoredClient),
        (SigningStatus::Frozen, SigningStatus::StoredClient),
        (SigningStatus::StoredClient, SigningStatus::Frozen),
    ] {
        let mut next = life.wallet.clone();
        let statuses = [former, latter];
        for (pair, status) in next.signing_pairs.iter_mut().zip(statuses) {
            pair.status = status;
        }
        let result = life.try_keep(&next, Secrets::Unchanged).await;
        assert!(is_refused(&result), "{result:?} for {statuses:?}");
        life.check().await;
    }
}

/// The same for backups.
pub async fn a_backup_in_force_stands_alone(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::GDrive).await;
    life.back_up(BackupMethod::ICloud).await;
    let mut next = life.wallet.clone();
    for pair in &mut next.backup_pairs {
        pair.status = BackupStatus::StoredClientBackupShare;
    }
    let result = life.try_keep(&next, Secrets::Unchanged).await;
    assert!(is_refused(&result), "{result:?}");
    life.check().await;
    // Nor is a backup in force without the digest of its cipher text (E17).
    let mut next = life.wallet.clone();
    for pair in &mut next.backup_pairs {
        pair.cipher_text_digest = None;
    }
    let result = life.try_keep(&next, Secrets::Unchanged).await;
    assert!(is_refused(&result), "{result:?}");
    life.check().await;
}

/// In whichever order they stand, one pair leaves force and another comes in the same commit.
pub async fn pairs_in_force_change_places(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.sign_up(OperationKind::Refresh).await;
    life.back_up(BackupMethod::GDrive).await;
    life.back_up(BackupMethod::ICloud).await;
    for _ in 0..2 {
        let mut next = life.wallet.clone();
        for pair in &mut next.signing_pairs {
            pair.status = match pair.status {
                SigningStatus::StoredClient => SigningStatus::Superseded,
                _ => SigningStatus::StoredClient,
            };
        }
        for pair in &mut next.backup_pairs {
            pair.status = match pair.status {
                BackupStatus::StoredClientBackupShare => BackupStatus::Superseded,
                _ => BackupStatus::StoredClientBackupShare,
            };
        }
        life.keep(next, Secrets::Unchanged).await;
    }
}

/// A pair that was committed once is neither dropped nor altered.
pub async fn history_is_not_rewritten(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::GDrive).await;
    let rewrites: [fn(&mut Wallet); 8] = [
        |wallet| wallet.signing_pairs.clear(),
        |wallet| wallet.backup_pairs.clear(),
        |wallet| {
            wallet
                .signing_pairs
                .iter_mut()
                .for_each(|pair| pair.points = points(9, 9))
        },
        |wallet| {
            wallet
                .backup_pairs
                .iter_mut()
                .for_each(|pair| pair.points = points(9, 9))
        },
        |wallet| {
            wallet
                .signing_pairs
                .iter_mut()
                .for_each(|pair| pair.generation.0 = 0)
        },
        |wallet| {
            wallet
                .backup_pairs
                .iter_mut()
                .for_each(|pair| pair.method = BackupMethod::Custom)
        },
        |wallet| {
            wallet
                .signing_pairs
                .iter_mut()
                .for_each(|pair| pair.ids.ed25519 = SigningSharePairId(fresh()))
        },
        |wallet| {
            wallet
                .backup_pairs
                .iter_mut()
                .for_each(|pair| pair.ids.ed25519 = BackupSharePairId(fresh()))
        },
    ];
    for (number, rewrite) in rewrites.into_iter().enumerate() {
        let mut next = life.wallet.clone();
        rewrite(&mut next);
        let result = life.try_keep(&next, Secrets::Unchanged).await;
        let rewritten = matches!(
            result,
            Err(CommitError::Store(StoreError::HistoryRewritten { .. }))
        );
        assert!(rewritten, "{result:?} for rewrite {number}");
        life.check().await;
    }
}

/// Invariant I3, and the same of fences.
pub async fn counters_never_fall(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let (generation, fence) = (life.wallet.generation.0, life.wallet.fence.0);
    for (generation, fence) in [(generation - 1, fence), (generation, fence - 1)] {
        let mut next = life.wallet.clone();
        (next.generation, next.fence) = (Generation(generation), Fence(fence));
        let result = life.try_keep(&next, Secrets::Unchanged).await;
        assert!(is_refused(&result), "{result:?}");
        life.check().await;
    }
    // Too large is refused too, rather than wrapped around.
    let mut next = life.wallet.clone();
    next.generation = Generation(u64::MAX);
    let result = life.try_keep(&next, Secrets::Unchanged).await;
    let out_of_range = matches!(
        result,
        Err(CommitError::Store(StoreError::OutOfRange { .. }))
    );
    assert!(out_of_range, "{result:?}");
    life.check().await;
}

/// A wallet's ids, which its shares are sealed for, stay.
pub async fn a_wallet_keeps_its_ids(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let mut next = life.wallet.clone();
    next.ids.ed25519 = WalletId(fresh());
    let result = life.try_keep(&next, Secrets::Unchanged).await;
    assert!(is_refused(&result), "{result:?}");
    life.check().await;
}

/// No pair that the client may confirm is without the server's share.
pub async fn a_new_signing_pair_needs_its_share(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let (next, _) = with_new_pair(&life);
    let result = life.try_keep(&next, Secrets::Unchanged).await;
    assert!(is_refused(&result), "{result:?}");
    life.check().await;
}

/// A share is stored once, with its pair; never for another, never again.
pub async fn a_share_needs_its_new_pair(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let stored = life.sign_up(OperationKind::Generate).await;
    let unknown = PerCurve::new(SigningSharePairId(fresh()), SigningSharePairId(fresh()));
    for ids in [stored, unknown] {
        let shares = shares_of(PerCurve::new(fresh(), fresh()));
        let secrets = Secrets::StoreSigningShare { ids, shares };
        let result = life.try_keep(&life.wallet, secrets).await;
        let no_such_row = matches!(
            result,
            Err(CommitError::Store(StoreError::NoSuchRow { .. }))
        );
        assert!(no_such_row, "{result:?}");
        life.check().await;
    }
}
