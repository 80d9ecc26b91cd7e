//! E14–E17: a backup pair is committed, acknowledged, stored and confirmed.

use portal_lifecycle::OperationKind::{Backup, Refresh};
use portal_lifecycle::{
    BackupMethod, BackupPair, BackupStatus, Effect, Event, Generation, Refusal, Wallet,
};

use crate::world::{
    Answer, Example, KEY, OTHER_KEY, acknowledged, active, after, at, backed_up, backup,
    backup_acknowledged, backup_pending, check, commit_backup, commit_backup_of, commit_signing,
    confirm_backup, confirm_backup_with, confirm_signing, digest, key_stored, keys, operation,
    points, signing, start, strike, with,
};

const GONE: [BackupStatus; 3] = [
    BackupStatus::Superseded,
    BackupStatus::Abandoned,
    BackupStatus::Purged,
];

/// `given` with backup pair `n` in `status` and the rest as it was.
fn in_status(given: Wallet, n: u8, status: BackupStatus) -> Wallet {
    with(given, |wallet| {
        for pair in &mut wallet.backup_pairs {
            if pair.ids == backup(n) {
                pair.status = status;
            }
        }
    })
}

fn completed(given: Wallet, n: u8) -> Wallet {
    let given = in_status(given, n, BackupStatus::StoredClientBackupShare);
    with(given, |wallet| {
        for pair in &mut wallet.backup_pairs {
            if pair.ids == backup(n) {
                pair.cipher_text_digest = Some(digest(n));
            }
        }
    })
}

fn gone(status: BackupStatus) -> Answer {
    Err(Refusal::BackupSuperseded { status })
}

/// Backup pair 1 is active, and the custodian has acknowledged pair 2.
fn second_acknowledged() -> Wallet {
    after(
        backed_up(),
        &[start(Backup, 3, 1), commit_backup(3, 2, 1), acknowledged(2)],
    )
}

/// The custodian has acknowledged pairs 1 and 2; neither is complete.
fn both_acknowledged() -> Wallet {
    after(
        backup_acknowledged(),
        &[start(Backup, 3, 1), commit_backup(3, 2, 1), acknowledged(2)],
    )
}

/// As [`both_acknowledged`], and pair 2 was completed first.
fn overtaken() -> Wallet {
    after(both_acknowledged(), &[confirm_backup(2)])
}

fn row(what: &'static str, given: Wallet, event: Event, expected: Answer) -> Example {
    Example {
        what,
        given,
        event,
        at_ms: 0,
        expected,
    }
}

#[test]
fn a_backup_is_made_from_the_active_pair() {
    let leased = after(active(), &[start(Backup, 2, 1)]);
    let pending = with(leased.clone(), |wallet| {
        wallet.lease = None;
        wallet.backup_pairs.push(BackupPair {
            ids: backup(1),
            generation: Generation(2),
            status: BackupStatus::Pending,
            method: BackupMethod::Password,
            points: points(KEY, 1),
            cipher_text_digest: None,
            operation_id: operation(2),
            created_at: at(0),
        });
    });
    // Pair 2 is confirmed while the Backup of pair 1 runs.
    let refreshed_under_it = after(
        active(),
        &[
            start(Refresh, 2, 1),
            commit_signing(2, 2),
            start(Backup, 3, 1),
            confirm_signing(2),
        ],
    );
    let frozen_under_it = after(
        leased.clone(),
        &[strike(portal_lifecycle::Curve::Secp256k1, 1)],
    );
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
            commit_backup_of(2, 1, 1, keys(secp256k1, ed25519, 1)),
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
    let again = after(active(), &[start(Backup, 2, 1), start(Backup, 3, 1)]);
    let refreshing = after(active(), &[start(Refresh, 2, 1)]);
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
fn an_acknowledgement_only_ever_moves_a_pending_pair() {
    let erase = |wallet: Wallet| Ok((wallet, Effect::EraseOutbox(backup(1))));
    let mut examples = vec![
        row(
            "E15: the custodian holds its share",
            backup_pending(),
            acknowledged(1),
            erase(in_status(
                backup_pending(),
                1,
                BackupStatus::StoredCustodianBackupShare,
            )),
        ),
        row(
            "E15: no such pair",
            backup_pending(),
            acknowledged(2),
            Err(Refusal::PairNotFound),
        ),
    ];
    for &status in BackupStatus::ALL {
        if status != BackupStatus::Pending {
            let given = in_status(backed_up(), 1, status);
            examples.push(row(
                "E15: said again or late, the status stays",
                given.clone(),
                acknowledged(1),
                erase(given),
            ));
        }
    }
    check(examples);
}

#[test]
fn the_key_is_stored_after_the_acknowledgement() {
    let unchanged = |status| {
        let given = in_status(backed_up(), 1, status);
        row(
            "E16: said again or late, the status stays",
            given.clone(),
            key_stored(1),
            Ok((given, Effect::None)),
        )
    };
    let mut examples = vec![
        row(
            "E16: the key is in the user's storage",
            backup_acknowledged(),
            key_stored(1),
            Ok((
                in_status(
                    backup_acknowledged(),
                    1,
                    BackupStatus::StoredClientBackupShareKey,
                ),
                Effect::None,
            )),
        ),
        row(
            "E16: the custodian comes first",
            backup_pending(),
            key_stored(1),
            Err(Refusal::BackupAwaitsCustodian),
        ),
        row(
            "E16: no such pair",
            backup_pending(),
            key_stored(2),
            Err(Refusal::PairNotFound),
        ),
        unchanged(BackupStatus::StoredClientBackupShareKey),
        unchanged(BackupStatus::StoredClientBackupShare),
    ];
    for status in GONE {
        examples.push(row(
            "E16: a pair that is gone",
            in_status(backed_up(), 1, status),
            key_stored(1),
            gone(status),
        ));
    }
    check(examples);
}

#[test]
fn a_confirmed_backup_supersedes_the_former_one() {
    let with_key = after(backup_acknowledged(), &[key_stored(1)]);
    check(vec![
        row(
            "E17: active, with the digest of its cipher text",
            backup_acknowledged(),
            confirm_backup(1),
            Ok((completed(backup_acknowledged(), 1), Effect::None)),
        ),
        row(
            "E17: after the key, as well",
            with_key.clone(),
            confirm_backup(1),
            Ok((completed(with_key, 1), Effect::None)),
        ),
        row(
            "E17: new active, old SUPERSEDED, in one step",
            second_acknowledged(),
            confirm_backup(2),
            Ok((
                in_status(
                    completed(second_acknowledged(), 2),
                    1,
                    BackupStatus::Superseded,
                ),
                Effect::None,
            )),
        ),
        row(
            "E17: an older pair that still waits goes on waiting",
            both_acknowledged(),
            confirm_backup(2),
            Ok((completed(both_acknowledged(), 2), Effect::None)),
        ),
        row(
            "E17: said again, the same answer",
            backed_up(),
            confirm_backup(1),
            Ok((backed_up(), Effect::None)),
        ),
    ]);
}

#[test]
fn a_backup_that_cannot_be_restored_is_not_confirmed() {
    let mut examples = vec![
        row(
            "E17: the digest is required",
            backup_acknowledged(),
            confirm_backup_with(1, None),
            Err(Refusal::CipherTextDigestMissing),
        ),
        row(
            "E17: also to say it again",
            backed_up(),
            confirm_backup_with(1, None),
            Err(Refusal::CipherTextDigestMissing),
        ),
        row(
            "E17: completed with another cipher text",
            backed_up(),
            confirm_backup_with(1, Some(digest(2))),
            Err(Refusal::CipherTextDigestDiffers),
        ),
        row(
            "E17: the custodian comes first",
            backup_pending(),
            confirm_backup(1),
            Err(Refusal::BackupAwaitsCustodian),
        ),
        row(
            "E17: older than the active backup",
            overtaken(),
            confirm_backup(1),
            gone(BackupStatus::StoredCustodianBackupShare),
        ),
        row(
            "E17: no such pair",
            backed_up(),
            confirm_backup(2),
            Err(Refusal::PairNotFound),
        ),
    ];
    for status in GONE {
        examples.push(row(
            "E17: a pair that is gone",
            in_status(backed_up(), 1, status),
            confirm_backup(1),
            gone(status),
        ));
    }
    check(examples);
}
