//! E15–E17: a backup pair is acknowledged, stored and confirmed.

use portal_lifecycle::{BackupMethod, BackupStatus, Effect, Refusal, Wallet};

use crate::example::{Answer, check, in_backup_status, row};
use crate::world::{
    KEY, acknowledged, active, after, back_up, back_up_by, backed_up, backup, backup_acknowledged,
    backup_pending, commit_backup, commit_backup_of, confirm_backup, confirm_backup_with, digest,
    key_stored, points, start, with,
};

const GONE: [BackupStatus; 3] = [
    BackupStatus::Superseded,
    BackupStatus::Abandoned,
    BackupStatus::Purged,
];

fn completed(given: Wallet, n: u8) -> Wallet {
    let given = in_backup_status(given, n, BackupStatus::StoredClientBackupShare);
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
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
        ],
    )
}

/// The custodian has acknowledged pairs 1 and 2; neither is complete.
fn both_acknowledged() -> Wallet {
    after(
        backup_acknowledged(),
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
        ],
    )
}

/// As [`both_acknowledged`], and pair 2 was completed first.
fn overtaken() -> Wallet {
    after(both_acknowledged(), &[confirm_backup(2)])
}

#[test]
fn an_acknowledgement_only_ever_moves_a_pending_pair() {
    let erase = |wallet: Wallet| Ok((wallet, Effect::EraseOutbox(backup(1))));
    let mut examples = vec![
        row(
            "E15: the custodian holds its share",
            backup_pending(),
            acknowledged(1),
            erase(in_backup_status(
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
            let given = in_backup_status(backed_up(), 1, status);
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
        let given = in_backup_status(backed_up(), 1, status);
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
                in_backup_status(
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
            in_backup_status(backed_up(), 1, status),
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
                in_backup_status(
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

/// A key in a storage can be missing there; a password is in the user's mind.
#[test]
fn a_key_in_a_storage_is_stored_before_the_confirmation() {
    for &method in BackupMethod::ALL {
        let given = after(
            active(),
            &[
                start(back_up_by(method, 1), 2, 1),
                commit_backup_of(2, 1, 1, method, points(KEY, 1)),
                acknowledged(1),
            ],
        );
        let with_key = after(given.clone(), &[key_stored(1)]);
        let expected = match method {
            BackupMethod::Password | BackupMethod::Unknown => {
                Ok((completed(given.clone(), 1), Effect::None))
            }
            BackupMethod::Passkey
            | BackupMethod::GDrive
            | BackupMethod::ICloud
            | BackupMethod::Custom => Err(Refusal::BackupKeyNotStored),
        };
        check(vec![
            row(
                "E17: the key is not known to be stored",
                given,
                confirm_backup(1),
                expected,
            ),
            row(
                "E17: the key is stored",
                with_key.clone(),
                confirm_backup(1),
                Ok((completed(with_key, 1), Effect::None)),
            ),
        ]);
    }
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
            "E17: of the active backup's own generation",
            with(second_acknowledged(), |wallet| {
                wallet.backup_pairs[1].generation = wallet.backup_pairs[0].generation;
            }),
            confirm_backup(2),
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
            in_backup_status(backed_up(), 1, status),
            confirm_backup(1),
            gone(status),
        ));
    }
    check(examples);
}
