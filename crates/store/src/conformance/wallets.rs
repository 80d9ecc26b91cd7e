//! Wallets and shares come back as they were committed.

use portal_lifecycle::ids::{ClientId, SigningSharePairId};
use portal_lifecycle::{
    BackupMethod, BackupStatus, CipherTextDigest, Curve, Event, OperationKind, PerCurve,
    SigningStatus,
};

use super::Backend;
use super::fixture::{Life, fresh, kms, share_of};
use crate::{Secrets, WalletStore as _};

/// Each step of a long life, as the rules decide it, comes back equal. [`Life`] compares.
pub async fn every_state_of_a_life_comes_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    assert_eq!(life.stored().await, None, "no operation ever began");

    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::Password).await;
    life.back_up(BackupMethod::GDrive).await;
    life.sign_up(OperationKind::Recover).await;
    // Begun and ended without a commit: the lease is gone, its generation is not given again.
    let fence = life.start(OperationKind::Refresh).await;
    life.happen(Event::End { fence }).await;
    let active = life.sign_up(OperationKind::Refresh).await;
    let pair = active.secp256k1;
    let curve = Curve::Secp256k1;
    life.happen(Event::Sign { curve, pair }).await;
    life.happen(Event::Strike { curve, pair }).await;
    life.sign_up(OperationKind::Recover).await;
    life.make_signing(OperationKind::Refresh).await;
    life.make_backup(BackupMethod::Passkey).await;
    life.start(OperationKind::Backup).await;

    let again = backend.open(kms()).await;
    let stored = again.wallet(life.client).await.expect("read");
    assert_eq!(stored.map(|stored| stored.wallet), Some(life.wallet));
}

/// Each status comes back, those too that no event leads to yet.
pub async fn every_status_comes_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    for status in SigningStatus::ALL {
        life.make_signing(OperationKind::Generate).await;
        let mut next = life.wallet.clone();
        let newest = next.signing_pairs.last_mut().expect("was just made");
        newest.status = *status;
        life.keep(next.clone(), Secrets::Unchanged).await;
        // Out of force again, because the next Generate is refused beside a pair in force.
        for pair in &mut next.signing_pairs {
            if matches!(
                pair.status,
                SigningStatus::StoredClient | SigningStatus::Frozen
            ) {
                pair.status = SigningStatus::Superseded;
            }
        }
        life.keep(next, Secrets::Unchanged).await;
    }

    life.sign_up(OperationKind::Generate).await;
    for status in BackupStatus::ALL {
        life.make_backup(BackupMethod::Custom).await;
        let mut next = life.wallet.clone();
        for pair in &mut next.backup_pairs {
            if pair.status == BackupStatus::StoredClientBackupShare {
                pair.status = BackupStatus::Superseded;
            }
        }
        let newest = next.backup_pairs.last_mut().expect("was just made");
        // None is purged before another is in force and has proved itself.
        let is_purge = *status == BackupStatus::Purged;
        let in_force = BackupStatus::StoredClientBackupShare;
        newest.status = if is_purge { in_force } else { *status };
        newest.proved_at = is_purge.then_some(life.now);
        newest.cipher_text_digest =
            (newest.status == in_force).then_some(CipherTextDigest([0xd2; 32]));
        life.keep(next.clone(), Secrets::Unchanged).await;
        if is_purge {
            for pair in &mut next.backup_pairs {
                if matches!(
                    pair.status,
                    BackupStatus::Superseded | BackupStatus::Abandoned
                ) {
                    pair.status = BackupStatus::Purged;
                }
            }
            life.keep(next, Secrets::Unchanged).await;
        }
    }
}

/// Each backup method comes back.
pub async fn every_method_comes_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    for method in BackupMethod::ALL {
        life.make_backup(*method).await;
    }
}

/// What one client does leaves the wallet of another alone.
pub async fn two_clients_have_two_wallets(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut one, mut other) = (Life::new(&store).await, Life::new(&store).await);
    one.sign_up(OperationKind::Generate).await;
    other.check().await;
    other.sign_up(OperationKind::Generate).await;
    one.back_up(BackupMethod::ICloud).await;
    other.check().await;
    other.sign_up(OperationKind::Refresh).await;
    one.check().await;
}

/// A share comes back under exactly the names it was stored under.
pub async fn a_share_is_read_for_its_client_curve_and_pair_only(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut life, mut other) = (Life::new(&store).await, Life::new(&store).await);
    let former = life.sign_up(OperationKind::Generate).await;
    other.sign_up(OperationKind::Generate).await;
    let active = life.sign_up(OperationKind::Refresh).await;
    for ids in [former, active] {
        for curve in Curve::ALL {
            let expected = share_of(ids.of(curve).0);
            assert_eq!(life.signing_share(curve, ids).await, Some(expected));
            let stranger = other.signing_share(curve, ids).await;
            assert_eq!(stranger, None, "read by another client");
        }
        let swapped = PerCurve::new(ids.ed25519, ids.secp256k1);
        assert_eq!(life.signing_share(Curve::Ed25519, swapped).await, None);
    }
    let unknown = SigningSharePairId(fresh());
    for client in [life.client, ClientId(fresh())] {
        let share = store.signing_share(client, Curve::Ed25519, unknown).await;
        assert_eq!(share.expect("read"), None);
    }
}

/// `PURGED` takes the pair's share with it, and only that pair's.
pub async fn a_purged_pair_has_no_share(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let former = life.sign_up(OperationKind::Generate).await;
    let active = life.sign_up(OperationKind::Refresh).await;
    let mut next = life.wallet.clone();
    for pair in next
        .signing_pairs
        .iter_mut()
        .filter(|pair| pair.ids == former)
    {
        pair.status = SigningStatus::Purged;
    }
    life.keep(next, Secrets::Unchanged).await;
    for curve in Curve::ALL {
        assert_eq!(life.signing_share(curve, former).await, None);
        let share = life.signing_share(curve, active).await;
        assert_eq!(share, Some(share_of(active.of(curve).0)));
    }
}
