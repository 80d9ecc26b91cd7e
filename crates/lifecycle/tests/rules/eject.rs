//! Eject: the custodian's window, the release of its share, and the end.

use portal_lifecycle::{
    BackupStatus, Curve, Effect, Event, Garbage, Plan, Refusal, SigningStatus, Timestamp, Wallet,
};

use crate::example::{Example, check, row};
use crate::world::{
    UNTIL_MS, acknowledged, active, after, at, back_up, backed_up, backup, commit_backup,
    commit_signing, confirm_backup, confirm_signing, digest, eject, ejectable, ejected, key_stored,
    nothing, recover, refresh, sign, signing, start, strike, with,
};

const fn enable(until_ms: u64) -> Event {
    Event::EnableEject {
        until: Timestamp::from_ms(until_ms),
    }
}

#[test]
fn a_window_is_opened_for_what_has_a_backup_and_no_longer_than_a_week() {
    let window = Refusal::EjectWindow {
        min_ms: 60_000,
        max_ms: 604_800_000,
    };
    let opened = |until_ms| {
        let wallet = with(backed_up(), |wallet| {
            wallet.ejectable_until = Some(at(until_ms));
        });
        Ok((wallet, Effect::None))
    };
    check(vec![
        row(
            "no wallet",
            nothing(),
            enable(UNTIL_MS),
            Err(Refusal::BackupNotComplete),
        ),
        row(
            "no backup",
            active(),
            enable(UNTIL_MS),
            Err(Refusal::BackupNotComplete),
        ),
        row(
            "too short",
            backed_up(),
            enable(59_999),
            Err(window.clone()),
        ),
        row("shortest", backed_up(), enable(60_000), opened(60_000)),
        row(
            "longest",
            backed_up(),
            enable(604_800_000),
            opened(604_800_000),
        ),
        row("too long", backed_up(), enable(604_800_001), Err(window)),
        row("moved", ejectable(UNTIL_MS), enable(90_000), opened(90_000)),
    ]);
}

#[test]
fn without_an_open_window_nothing_is_released_and_nothing_ends() {
    let mut rows = Vec::new();
    for event in [Event::ReleaseBackupShare, eject(UNTIL_MS)] {
        let refused = || Err(Refusal::EjectNotEnabled);
        rows.push(row("never opened", backed_up(), event.clone(), refused()));
        for (what, at_ms, expected) in [
            ("closed", UNTIL_MS, refused()),
            ("closed for long", u64::MAX, refused()),
        ] {
            rows.push(Example {
                what,
                given: ejectable(UNTIL_MS),
                event: event.clone(),
                at_ms,
                expected,
            });
        }
        let moved = after(ejectable(UNTIL_MS), &[Event::DisableEject]);
        rows.push(row("closed early", moved, event.clone(), refused()));
        let far = with(ejectable(UNTIL_MS), |wallet| {
            wallet.ejectable_until = Some(at(604_800_001));
        });
        let event = match event {
            Event::Eject { .. } => eject(604_800_001),
            event => event,
        };
        rows.push(row("a clock was set back", far, event, refused()));
    }
    rows.push(Example {
        what: "open to its last moment",
        given: ejectable(UNTIL_MS),
        event: Event::ReleaseBackupShare,
        at_ms: UNTIL_MS - 1,
        expected: Ok((ejectable(UNTIL_MS), Effect::ReleaseBackupShare)),
    });
    check(rows);
}

#[test]
fn a_window_is_closed_before_its_end_and_stays_so() {
    for given in [ejectable(UNTIL_MS), backed_up()] {
        check(vec![row(
            "closed",
            given,
            Event::DisableEject,
            Ok((backed_up(), Effect::None)),
        )]);
    }
}

/// What was proved in one window ends nothing in another.
#[test]
fn proofs_for_another_window_end_nothing() {
    let moved = after(ejectable(UNTIL_MS), &[enable(UNTIL_MS + 1)]);
    let refused = Err(Refusal::EjectNotEnabled);
    check(vec![row("moved", moved, eject(UNTIL_MS), refused)]);
}

/// A second backup is under way, and a refreshed pair waits: all of it ends.
#[test]
fn the_end_takes_every_share_with_it() {
    let given = after(
        ejectable(UNTIL_MS),
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            start(refresh(1), 4, 1),
            commit_signing(refresh(1), 4, 2),
            start(refresh(1), 5, 1),
        ],
    );
    let expected = with(given.clone(), |wallet| {
        wallet.ejected_at = Some(at(0));
        wallet.ejectable_until = None;
        wallet.lease = None;
        for pair in &mut wallet.signing_pairs {
            pair.status = SigningStatus::Purged;
        }
        wallet.backup_pairs[1].status = BackupStatus::Abandoned;
    });
    let gone = vec![
        Garbage::PurgedSigning(signing(1)),
        Garbage::PurgedSigning(signing(2)),
        Garbage::AbandonedBackup(backup(2)),
    ];
    assert_eq!(expected.keys(), given.keys(), "its keys are still told");
    check(vec![row(
        "eject",
        given,
        eject(UNTIL_MS),
        Ok((expected, Effect::Collect(gone))),
    )]);
}

#[test]
fn after_the_end_nothing_changes_but_the_window() {
    let same = |effect| Ok((ejected(), effect));
    let refused = [
        ("generate", start(Plan::Generate, 9, 1)),
        ("the same generate", start(Plan::Generate, 1, 1)),
        ("backup", start(back_up(1), 9, 1)),
        ("recover", start(recover(1), 9, 1)),
        ("refresh", start(refresh(1), 9, 1)),
        ("commit", commit_signing(refresh(1), 2, 2)),
        ("commit a backup", commit_backup(2, 2, 1)),
        ("confirm", confirm_signing(1)),
        ("sign", sign(Curve::Secp256k1, 1)),
        ("store a key", key_stored(1)),
        ("confirm a backup", confirm_backup(1)),
        ("the end again", eject(UNTIL_MS)),
        ("the end again, in no window", eject(0)),
        (
            "prove a backup",
            Event::ProveBackup {
                ids: backup(1),
                cipher_text_digest: digest(1),
            },
        ),
        ("the custodian's word on another pair", acknowledged(7)),
    ];
    let mut rows: Vec<_> = refused
        .into_iter()
        .map(|(what, event)| row(what, ejected(), event, Err(Refusal::Ejected)))
        .collect();
    let end = Event::End {
        fence: ejected().fence,
    };
    rows.extend([
        row("a lease ends", ejected(), end, same(Effect::None)),
        row(
            "nothing is collected",
            ejected(),
            Event::Collect,
            same(Effect::Collect(Vec::new())),
        ),
        row(
            "the outbox is emptied",
            ejected(),
            acknowledged(1),
            same(Effect::EraseOutbox(backup(1))),
        ),
        row(
            "a strike is heard",
            ejected(),
            strike(Curve::Ed25519, 1),
            same(Effect::Freeze),
        ),
        row(
            "a strike on nothing",
            ejected(),
            strike(Curve::Ed25519, 7),
            Err(Refusal::PairNotFound),
        ),
    ]);
    // Who lost the keys is given the share again, while the custodian lets them.
    let window = |until_ms: Option<u64>| {
        with(ejected(), |wallet| {
            wallet.ejectable_until = until_ms.map(at);
        })
    };
    let open = || window(Some(90_000));
    let share = Event::ReleaseBackupShare;
    rows.extend([
        row(
            "a share in no window",
            ejected(),
            share.clone(),
            Err(Refusal::EjectNotEnabled),
        ),
        row(
            "a window again",
            ejected(),
            enable(90_000),
            Ok((open(), Effect::None)),
        ),
        row(
            "a share again",
            open(),
            share,
            Ok((open(), Effect::ReleaseBackupShare)),
        ),
        row(
            "closed",
            open(),
            Event::DisableEject,
            Ok((window(None), Effect::None)),
        ),
    ]);
    check(rows);
    let wallet: Wallet = ejected();
    assert!(wallet.current_signing().is_none());
}
