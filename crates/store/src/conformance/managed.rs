//! Managed mode and Eject: what the server keeps, and what it gives up for good.

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupStatus, Curve, Effect, Event, OperationKind, PerCurve,
};

use super::Backend;
use super::fixture::{Life, fresh, is_refused, kms, kms_of, now, origin, shares_of};
use super::garbage::DAY_MS;
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

/// E18: a pair of whichever mode has overtaken it, both halves go with the pair's line, in one
/// commit; those of the pair in force stay, of an abandoned one until its turn comes, and of others.
pub async fn with_a_purged_pair_go_both_halves_and_no_others(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut other = Life::new(&store).await;
    other.sign_up(OperationKind::Generate).await;
    let theirs = [
        other.back_up_managed("their first").await,
        other.back_up_managed("their second").await,
    ];
    for mode in BackupMode::ALL {
        let mut life = Life::new(&store).await;
        life.sign_up(OperationKind::Generate).await;
        let former = life.back_up_managed("the former").await;
        let stopped = life.begin_managed("the stopped").await;
        let active = match mode {
            BackupMode::Managed => life.back_up_managed("the active").await,
            BackupMode::Plain | BackupMode::Sealed => {
                let active = life.make_backup_in(*mode, BackupMethod::Password).await;
                life.complete_backup(active).await;
                active
            }
        };
        life.prove_backup_and_wait(31 * DAY_MS).await;
        // Whoever collects on a state of before changes nothing.
        let mut stale = life.version.expect("a version");
        stale.0 -= 1;
        let current = life.version.replace(stale);
        let collected = life.wallet.apply(Event::Collect, life.now);
        let collected = collected.expect("the rules allow it");
        let Effect::Collect(garbage) = collected.effect else {
            panic!("expected a collection, got {:?}", collected.effect);
        };
        let due_at = life.now;
        let secrets = Secrets::Collect { garbage, due_at };
        let refused = life.try_keep(&collected.wallet, secrets).await;
        assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
        life.version = current;
        assert!(life.has_both_halves(former).await, "{mode}");

        let lines = life.audit_log().await.len();
        life.happen(Event::Collect).await;
        let told = life.audit_log().await.split_off(lines);
        let acts: Vec<_> = told.iter().map(|line| line.act.as_str()).collect();
        assert_eq!(acts, ["BACKUP_PAIR_PURGED", "BACKUP_PAIR_ABANDONED"]);
        // The second run finds nothing more to do.
        for _ in 0..2 {
            assert!(!life.has_both_halves(former).await, "{mode}");
            assert!(life.has_both_halves(stopped).await, "{mode}");
            let is_here = life.has_both_halves(active).await;
            assert_eq!(is_here, *mode == BackupMode::Managed);
            life.happen(Event::Collect).await;
        }
        let notices = store.claim_notices(life.environment, life.now, life.now, 10);
        assert_eq!(notices.await.expect("read"), [], "there is nobody to tell");

        life.prove_backup_and_wait(31 * DAY_MS).await;
        life.happen(Event::Collect).await;
        assert!(!life.has_both_halves(stopped).await, "{mode}");
        let is_here = life.has_both_halves(active).await;
        assert_eq!(is_here, *mode == BackupMode::Managed);
    }
    for ids in theirs {
        assert!(other.has_both_halves(ids).await);
    }
}

/// Neither half is stored again, nor is the pair anything else than purged.
pub async fn what_is_purged_does_not_come_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    life.back_up_managed("the active").await;
    life.prove_backup_and_wait(31 * DAY_MS).await;
    life.happen(Event::Collect).await;
    let kept = store
        .keep_cipher_text(life.client, former, "the former", origin(), life.now)
        .await;
    let said_no = matches!(
        kept,
        Err(StoreError::Statement { .. } | StoreError::Refused { .. })
    );
    assert!(said_no, "{kept:?}");
    let shares = shares_of(former.map(|id| id.0));
    let again = Secrets::StoreCustodianShare {
        ids: former,
        shares,
    };
    let refused = life.try_keep(&life.wallet, again).await;
    assert!(is_refused(&refused), "{refused:?}");
    for status in BackupStatus::ALL {
        let mut back = life.wallet.clone();
        back.backup_pairs[0].status = *status;
        let tried = life.try_keep(&back, Secrets::Unchanged).await;
        if *status == BackupStatus::Purged {
            life.version = Some(tried.expect("the same"));
        } else {
            assert!(is_refused(&tried), "{status}: {tried:?}");
        }
    }
    life.check().await;
    assert!(!life.has_both_halves(former).await);
}

/// Whatever decided it: a backup in force keeps its halves, and so does one that may come into it.
pub async fn a_backup_that_was_not_overtaken_is_not_purged(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let active = life.back_up_managed("the active").await;
    let open = life.begin_managed("the open").await;
    for at in 0..2 {
        let mut next = life.wallet.clone();
        next.backup_pairs[at].status = BackupStatus::Purged;
        let refused = life.try_keep(&next, Secrets::Unchanged).await;
        assert!(is_refused(&refused), "{refused:?}");
    }
    life.check().await;
    for ids in [active, open] {
        assert!(life.has_both_halves(ids).await);
    }
}

/// The window and the end come back; with the end go all signing shares, and the backups stay for
/// good: they are the user's way out.
pub async fn an_ejected_wallet_has_no_signing_share(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let first = life.sign_up(OperationKind::Generate).await;
    let backups = [
        life.back_up_managed("the former").await,
        life.back_up_managed("the last").await,
    ];
    let second = life.sign_up(OperationKind::Refresh).await;
    let pending = life.make_backup(BackupMethod::Password).await;
    life.prove_backup_and_wait(0).await;
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
    life.now = life.now.plus_ms(1_000 * DAY_MS);
    life.happen(Event::Collect).await;
    for ids in backups {
        assert!(life.has_both_halves(ids).await);
    }
    // No state after it, and no later version, is without the end.
    let mut back = life.wallet.clone();
    back.ejected_at = None;
    let refused = life.try_keep(&back, Secrets::Unchanged).await;
    assert!(is_refused(&refused), "{refused:?}");
    life.check().await;
}
