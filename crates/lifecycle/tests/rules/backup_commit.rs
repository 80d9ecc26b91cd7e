//! E14: the server commits a new backup pair.

use portal_lifecycle::{
    BackupCommit, BackupMethod, BackupMode, BackupPair, BackupStatus, Curve, Effect, Event, Fence,
    Generation, PerCurve, Refusal,
};

use crate::example::{check, row};
use crate::world::{
    KEY, OTHER_KEY, active, after, at, back_up, backed_up, backup, backup_pending, commit_backup,
    commit_backup_of, commit_signing, confirm_signing, keys, operation, points, refresh, signing,
    start, strike, with,
};

#[test]
fn a_backup_is_made_from_the_active_pair() {
    let leased = after(active(), &[start(back_up(1), 2, 1)]);
    let pending = with(leased.clone(), |wallet| {
        wallet.lease = None;
        wallet.backup_pairs.push(BackupPair {
            ids: backup(1),
            generation: Generation(2),
            status: BackupStatus::Pending,
            method: BackupMethod::Password,
            mode: BackupMode::Sealed,
            points: points(KEY, 1),
            cipher_text_digest: None,
            operation_id: operation(2),
            source: Some(Generation(1)),
            created_at: at(0),
            status_since: at(0),
            proved_at: None,
        });
    });
    // Pair 2 is confirmed while the Backup of pair 1 runs.
    let refreshed_under_it = after(
        active(),
        &[
            start(refresh(1), 2, 1),
            commit_signing(refresh(1), 2, 2),
            start(back_up(1), 3, 1),
            confirm_signing(2),
        ],
    );
    let frozen_under_it = after(leased.clone(), &[strike(Curve::Secp256k1, 1)]);
    let without_pairs = with(leased.clone(), |wallet| wallet.signing_pairs.clear());
    let superseded = Refusal::SigningSuperseded {
        given: Generation(1),
        active: signing(2),
        active_generation: Generation(2),
    };
    let changed = |what, secp256k1, ed25519| {
        row(
            what,
            leased.clone(),
            commit_backup_of(2, 1, 1, BackupMethod::Password, keys(secp256k1, ed25519, 1)),
            Err(Refusal::KeyChanged),
        )
    };
    check(vec![
        row(
            "E14: PENDING, with its share in the outbox",
            leased.clone(),
            commit_backup(2, 1, 1),
            Ok((pending, Effect::EnqueueCustodianShare(backup(1)))),
        ),
        row(
            "E14: made from a pair that was superseded since",
            refreshed_under_it.clone(),
            commit_backup(3, 1, 1),
            Err(superseded),
        ),
        row(
            "E14: made from a pair that never was",
            refreshed_under_it,
            commit_backup(3, 1, 7),
            Err(Refusal::PairNotFound),
        ),
        row(
            "E12, E14: made from a pair that was frozen since",
            frozen_under_it,
            commit_backup(2, 1, 1),
            Err(Refusal::SigningFrozen),
        ),
        row(
            "E14: no signing pair at all",
            without_pairs,
            commit_backup(2, 1, 1),
            Err(Refusal::WalletNotFound),
        ),
        changed("E14: another secp256k1 key", OTHER_KEY, KEY),
        changed("E14: another Ed25519 key", KEY, OTHER_KEY),
    ]);
}

#[test]
fn a_backup_commit_shows_the_fence_it_ran_under() {
    let fenced = || {
        Err(Refusal::Fenced {
            what: "backup pair",
        })
    };
    let again = after(
        active(),
        &[start(back_up(1), 2, 1), start(back_up(1), 3, 1)],
    );
    let refreshing = after(active(), &[start(refresh(1), 2, 1)]);
    check(vec![
        row(
            "E14: an older fence is refused",
            again,
            commit_backup(2, 1, 1),
            fenced(),
        ),
        row(
            "E14: one lease, one commit",
            backup_pending(),
            commit_backup(2, 2, 1),
            fenced(),
        ),
        row(
            "E14: the lease of a Refresh commits no backup pair",
            refreshing,
            commit_backup(2, 1, 1),
            fenced(),
        ),
    ]);
}

#[test]
fn no_two_backups_have_an_id_in_common() {
    let given = after(backed_up(), &[start(back_up(1), 3, 1)]);
    let with_ids = |what, secp256k1, ed25519| {
        let ids = PerCurve::new(backup(secp256k1).secp256k1, backup(ed25519).ed25519);
        let event = Event::CommitBackup(BackupCommit {
            fence: Fence(3),
            ids,
            points: points(KEY, 2),
            source: signing(1),
            method: BackupMethod::Password,
            mode: BackupMode::Sealed,
        });
        row(what, given.clone(), event, Err(Refusal::PairIdTaken))
    };
    check(vec![
        with_ids("E14: both ids taken", 1, 1),
        with_ids("E14: the secp256k1 id taken", 1, 2),
        with_ids("E14: the Ed25519 id taken", 2, 1),
    ]);
}
