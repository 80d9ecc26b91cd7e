//! Managed mode and Eject: what the server keeps for good, and what it gives up for good.

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, BackupMode, Curve, Event, OperationKind, PerCurve};

use super::Backend;
use super::fixture::{Life, fresh, kms, kms_of, now, origin, shares_of};
use crate::audit::Digest;
use crate::{CommitError, ManagedBackupStore as _, OutboxStore as _, Secrets, StoreError};

/// The share comes back for its client, curve and pair, and for no other; nothing is delivered.
pub async fn a_managed_share_is_read_for_its_client_curve_and_pair_only(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut life, other) = (Life::new(&store).await, Life::new(&store).await);
    life.sign_up(OperationKind::Generate).await;
    let ids = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    let shares = shares_of(ids.map(|id| id.0));
    for (curve, id) in ids.iter() {
        let read = store.custodian_share(life.client, curve, *id).await;
        assert_eq!(read.expect("read").as_ref(), Some(shares.of(curve)));
        let other_curve = match curve {
            Curve::Secp256k1 => Curve::Ed25519,
            Curve::Ed25519 => Curve::Secp256k1,
        };
        for (client, curve, id) in [
            (other.client, curve, *id),
            (life.client, other_curve, *id),
            (life.client, curve, BackupSharePairId(fresh())),
        ] {
            let read = store.custodian_share(client, curve, id).await;
            assert_eq!(read.expect("read"), None);
        }
    }
    let delivery = store.delivery(life.client, ids).await.expect("read");
    assert_eq!(delivery, None, "there is nobody to deliver it to");
    life.check().await;
}

/// A share is kept for a pair of this wallet only, and once.
pub async fn a_managed_share_needs_its_pair_and_is_never_replaced(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    let unknown = PerCurve::new(BackupSharePairId(fresh()), BackupSharePairId(fresh()));
    for (ids, of) in [(unknown, unknown), (ids, unknown)] {
        let shares = shares_of(of.map(|id| id.0));
        let secrets = Secrets::StoreCustodianShare { ids, shares };
        let refused = life.try_keep(&life.wallet, secrets).await;
        let said_no = matches!(
            refused,
            Err(CommitError::Store(
                StoreError::NoSuchRow { .. }
                    | StoreError::Statement { .. }
                    | StoreError::Refused { .. }
            ))
        );
        assert!(said_no, "{refused:?}");
    }
    let read = store
        .custodian_share(life.client, Curve::Ed25519, ids.ed25519)
        .await;
    let shares = shares_of(ids.map(|id| id.0));
    assert_eq!(read.expect("read"), Some(shares.ed25519));
    life.check().await;
}

/// Signing shares and custodian shares are wrapped by two KMS: neither opens the other's.
pub async fn the_backup_kms_is_another(backend: &impl Backend) {
    let (one, other) = (kms(), kms_of(*b"another sealing key, for tests \x5e"));
    let store = backend.open_with(one.clone(), other.clone()).await;
    let mut life = Life::new(&store).await;
    let signing = life.sign_up(OperationKind::Generate).await;
    let backup = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    let (client, curve) = (life.client, Curve::Secp256k1);
    for (kms, backup_kms, opens) in [
        (one.clone(), other.clone(), [true, true]),
        (one.clone(), one, [true, false]),
        (other.clone(), other, [false, true]),
    ] {
        let store = backend.open_with(kms, backup_kms).await;
        let signing = crate::WalletStore::signing_share(&store, client, curve, signing.secp256k1);
        let backup = store.custodian_share(client, curve, backup.secp256k1);
        assert_eq!([signing.await.is_ok(), backup.await.is_ok()], opens);
    }
}

/// A cipher text is stored once; again it is the same, and another is refused.
pub async fn a_cipher_text_is_stored_once(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut life, other) = (Life::new(&store).await, Life::new(&store).await);
    life.sign_up(OperationKind::Generate).await;
    let ids = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    let client = life.client;
    let lines = life.audit_log().await.len();
    assert_eq!(store.cipher_text(client, ids).await.expect("read"), None);
    for (text, taken) in [("a text", true), ("a text", true), ("another", false)] {
        let kept = store
            .keep_cipher_text(client, ids, text, origin(), now())
            .await;
        assert_eq!(kept.expect("stored"), taken, "{text}");
        let read = store.cipher_text(client, ids).await.expect("read");
        assert_eq!(read.as_deref(), Some("a text"));
    }
    let read = store.cipher_text(other.client, ids).await;
    assert_eq!(read.expect("read"), None);
    let unknown = PerCurve::new(BackupSharePairId(fresh()), BackupSharePairId(fresh()));
    let kept = store
        .keep_cipher_text(client, unknown, "x", origin(), now())
        .await;
    let no_such_row = matches!(kept, Err(StoreError::NoSuchRow { .. }));
    assert!(no_such_row, "{kept:?}");
    // One line, of the one that was stored.
    let told = life.audit_log().await.split_off(lines);
    let digest = Digest::of(b"a text").to_string();
    let seen = told
        .iter()
        .map(|line| (line.act.as_str(), line.details.get("cipherTextDigest")));
    let expected = [("BACKUP_CIPHER_TEXT_KEPT", Some(&digest))];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

/// The window and the end come back; with the end go all signing shares, and the backup stays.
pub async fn an_ejected_wallet_has_no_signing_share(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let first = life.sign_up(OperationKind::Generate).await;
    let ids = life
        .make_backup_in(BackupMode::Managed, BackupMethod::Password)
        .await;
    life.complete_backup(ids).await;
    let second = life.sign_up(OperationKind::Refresh).await;
    let pending = life.make_backup(BackupMethod::Password).await;
    let until = life.now.plus_ms(300_000);
    life.happen(Event::EnableEject { until }).await;
    life.check().await;
    for pair in [first, second] {
        let share = life.signing_share(Curve::Secp256k1, pair).await;
        assert!(share.is_some());
    }
    life.happen(Event::Eject { until }).await;
    life.check().await;
    for pair in [first, second] {
        for curve in Curve::ALL {
            assert_eq!(life.signing_share(curve, pair).await, None);
        }
    }
    let delivery = store.delivery(life.client, pending).await.expect("read");
    assert_eq!(delivery, None, "given up");
    let share = store.custodian_share(life.client, Curve::Ed25519, ids.ed25519);
    assert!(share.await.expect("read").is_some());
    // No state after it, and no later version, is without the end.
    let mut back = life.wallet.clone();
    back.ejected_at = None;
    let refused = life.try_keep(&back, Secrets::Unchanged).await;
    assert!(super::fixture::is_refused(&refused), "{refused:?}");
    life.check().await;
}
