//! E4–E6 and E11: a signing pair is confirmed, superseded, and signs.

use portal_lifecycle::{
    BackupStatus, Curve, Effect, Event, Generation, Plan, Refusal, SigningStatus, Wallet,
};

use crate::example::{Example, check, in_signing_status, row, superseded};
use crate::world::{
    OTHER_KEY, acknowledged, active, after, at, back_up, backed_up, commit_backup, commit_signing,
    commit_signing_of, confirm_backup, confirm_signing, frozen, generated, key_stored, nothing,
    points, recover, refresh, refreshed, refreshing, sign, signing, start, with,
};

/// As [`refreshing`], and pair 3 waits as well.
fn refreshing_twice() -> Wallet {
    after(
        refreshing(),
        &[start(refresh(1), 10, 1), commit_signing(refresh(1), 3, 3)],
    )
}

/// Two Generates raced: pairs 1 and 2 hold different keys, and neither is confirmed.
fn generated_twice() -> Wallet {
    after(
        generated(),
        &[
            start(Plan::Generate, 9, 1),
            commit_signing_of(Plan::Generate, 2, 2, points(OTHER_KEY, 2)),
        ],
    )
}

#[test]
fn a_confirmed_pair_supersedes_the_former_one() {
    let in_statuses = |given: Wallet, statuses: &[(u8, SigningStatus)]| {
        statuses.iter().fold(given, |wallet, (n, status)| {
            in_signing_status(wallet, *n, *status)
        })
    };
    let allowed = |what, given: Wallet, n, statuses: &[_]| {
        let expected = in_statuses(given.clone(), statuses);
        row(
            what,
            given,
            confirm_signing(n),
            Ok((expected, Effect::None)),
        )
    };
    let active_now = [
        (1, SigningStatus::Superseded),
        (2, SigningStatus::StoredClient),
    ];
    let struck = after(
        frozen(),
        &[start(refresh(1), 9, 1), commit_signing(refresh(1), 2, 2)],
    );
    let given_up = in_signing_status(refreshing_twice(), 2, SigningStatus::Abandoned);
    let third_now = [
        (1, SigningStatus::Superseded),
        (3, SigningStatus::StoredClient),
    ];
    check(vec![
        allowed(
            "E4: the first pair becomes active",
            generated(),
            1,
            &[(1, SigningStatus::StoredClient)],
        ),
        allowed(
            "E4: new active, old SUPERSEDED, at once",
            refreshing(),
            2,
            &active_now,
        ),
        allowed(
            "E4, E13: a frozen pair is superseded as well",
            struck,
            2,
            &active_now,
        ),
        allowed(
            "E4: a pair refreshed from the former one is given up",
            refreshing_twice(),
            3,
            &[
                (1, SigningStatus::Superseded),
                (2, SigningStatus::Abandoned),
                (3, SigningStatus::StoredClient),
            ],
        ),
        allowed(
            "E4: a pair that was given up stays so",
            given_up,
            3,
            &third_now,
        ),
        allowed("E5: said again, the same answer", refreshed(), 2, &[]),
        row(
            "E5, E12: a frozen pair is not active",
            frozen(),
            confirm_signing(1),
            Err(Refusal::SigningFrozen),
        ),
    ]);
}

#[test]
fn a_late_confirm_changes_nothing() {
    // Pair 3 is confirmed while pair 2, of an older generation, still waits.
    let overtaken = after(refreshing_twice(), &[confirm_signing(3)]);
    let late = |what, given: Wallet, n, expected| row(what, given, confirm_signing(n), expected);
    let mut examples = vec![
        late(
            "E6: the wallet's former pair",
            refreshed(),
            1,
            superseded(1, 2, 2),
        ),
        late(
            "E6: a pair that waited too long",
            overtaken,
            2,
            superseded(2, 3, 3),
        ),
        late(
            "E6: a newer pair, refreshed from one that is of the past by now",
            after(refreshing_twice(), &[confirm_signing(2)]),
            3,
            superseded(3, 2, 2),
        ),
        late(
            "E6: a pair of the active one's own generation",
            with(refreshing(), |wallet| {
                wallet.signing_pairs[1].generation = Generation(1);
            }),
            2,
            superseded(1, 1, 1),
        ),
        late(
            "E4: a newer pair of a second Generate would replace the key",
            after(generated_twice(), &[confirm_signing(1)]),
            2,
            superseded(2, 1, 1),
        ),
        late(
            "E6: a pair that never was",
            active(),
            7,
            Err(Refusal::PairNotFound),
        ),
    ];
    for status in [SigningStatus::Abandoned, SigningStatus::Purged] {
        examples.push(late(
            "E6: a pair that is gone names the active one",
            in_signing_status(refreshing(), 2, status),
            2,
            superseded(2, 1, 1),
        ));
        examples.push(late(
            "E6: a pair that is gone where there is none active",
            in_signing_status(generated(), 1, status),
            1,
            Err(Refusal::SigningNotActive { status }),
        ));
    }
    check(examples);
}

#[test]
fn only_the_active_pair_signs() {
    let not_active = |status| Err(Refusal::SigningNotActive { status });
    let mut examples = vec![Example {
        what: "E11: a pair of another curve is none of this curve's",
        given: active(),
        event: Event::Sign {
            curve: Curve::Ed25519,
            pair: signing(1).secp256k1,
        },
        at_ms: 0,
        expected: Err(Refusal::PairNotFound),
    }];
    for curve in Curve::ALL {
        let mut row = |what, given: Wallet, n, expected| {
            examples.push(Example {
                what,
                given,
                event: sign(curve, n),
                at_ms: 0,
                expected,
            });
        };
        let noted = with(active(), |wallet| {
            wallet.signing_pairs[0].proved_at = Some(at(0));
        });
        let audited = Ok((noted, Effect::AuditSignature));
        row("E11: audited, and noted for E10", active(), 1, audited);
        row("E11: no wallet", nothing(), 1, Err(Refusal::WalletNotFound));
        row("E11: no such pair", active(), 2, Err(Refusal::PairNotFound));
        row(
            "E11: the first pair, not confirmed",
            generated(),
            1,
            not_active(SigningStatus::StoredDatabase),
        );
        row(
            "E11: a newer pair, not confirmed",
            refreshing(),
            2,
            not_active(SigningStatus::StoredDatabase),
        );
        row("E11: the former pair", refreshed(), 1, superseded(1, 2, 2));
        row(
            "E11: an older pair that was never confirmed",
            in_signing_status(refreshed(), 1, SigningStatus::StoredDatabase),
            1,
            superseded(1, 2, 2),
        );
        row(
            "E11: a newer pair that was given up",
            in_signing_status(refreshing(), 2, SigningStatus::Abandoned),
            2,
            superseded(2, 1, 1),
        );
        row(
            "E12: the frozen pair",
            frozen(),
            1,
            Err(Refusal::SigningFrozen),
        );
    }
    check(examples);
}

/// A thief with the former device has begun a backup of which it alone could open the cipher
/// text, and completes it after the owner has recovered: recovery would be the thief's.
#[test]
fn a_recovery_gives_up_every_backup_that_is_not_complete() {
    let begun = after(
        backed_up(),
        &[start(back_up(1), 8, 1), commit_backup(3, 2, 1)],
    );
    for (what, wallet) in [
        ("PENDING", begun.clone()),
        ("acknowledged", after(begun.clone(), &[acknowledged(2)])),
        (
            "key stored",
            after(begun, &[acknowledged(2), key_stored(2)]),
        ),
    ] {
        let committed = after(
            wallet,
            &[start(recover(1), 9, 2), commit_signing(recover(1), 4, 2)],
        );
        let recovered = after(committed, &[confirm_signing(2)]);
        let statuses: Vec<_> = recovered
            .backup_pairs
            .iter()
            .map(|pair| pair.status)
            .collect();
        let expected = [
            BackupStatus::StoredClientBackupShare,
            BackupStatus::Abandoned,
        ];
        assert_eq!(statuses, expected, "{what}");
        let late = recovered.apply(confirm_backup(2), at(0));
        let refused = Refusal::BackupSuperseded {
            status: BackupStatus::Abandoned,
        };
        assert_eq!(late, Err(refused), "{what}");
    }
    // A Refresh is made by whoever holds the device in force: its backups go on.
    let begun = after(
        backed_up(),
        &[start(back_up(1), 8, 1), commit_backup(3, 2, 1)],
    );
    let refreshed = after(
        begun,
        &[
            start(refresh(1), 9, 1),
            commit_signing(refresh(1), 4, 2),
            confirm_signing(2),
        ],
    );
    assert_eq!(refreshed.backup_pairs[1].status, BackupStatus::Pending);
}
