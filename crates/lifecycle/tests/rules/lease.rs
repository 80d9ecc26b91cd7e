//! E1, E13 and E19: who may begin what; and the lease given back.

use portal_lifecycle::OperationKind::{Backup, Generate, Recover, Refresh};
use portal_lifecycle::{
    AlreadyMade, BackupMethod, BackupMode, Curve, Effect, Event, Fence, Generation, Lease,
    LeaseTaken, Plan, Refusal, Wallet,
};

use crate::example::{Answer, Example, check};
use crate::world::{
    LEASE_MS, acknowledged, active, after, at, back_up, back_up_by, back_up_in, backed_up, backup,
    backup_acknowledged, backup_pending, commit_backup, commit_signing, confirm_backup,
    confirm_signing, device, frozen, generated, nothing, operation, recover, refresh, refreshed,
    signing, start, start_for, strike, with,
};

/// Fifteen minutes: no lease is given out for longer.
const LONGEST_LEASE_MS: u64 = 900_000;

/// The answer that takes the lease on `given` at `at_ms`; no pair is touched.
fn taken(given: &Wallet, plan: Plan, operation_id: u8, by: u8, at_ms: u64) -> Answer {
    let (fence, generation) = (Fence(given.fence.0 + 1), Generation(given.generation.0 + 1));
    let wallet = with(given.clone(), |wallet| {
        wallet.fence = fence;
        wallet.generation = generation;
        wallet.lease = Some(Lease {
            operation_id: operation(operation_id),
            kind: plan.kind(),
            device_id: device(by),
            fence,
            generation,
            expires_at: at(at_ms + LEASE_MS),
        });
    });
    Ok((wallet, Effect::LeaseTaken(LeaseTaken { fence, generation })))
}

/// Pair 1 is active, and device 1 refreshes it as operation 9.
fn leased() -> Wallet {
    after(active(), &[start(refresh(1), 9, 1)])
}

#[test]
fn one_operation_at_a_time() {
    let held = || {
        Err(Refusal::LeaseHeld {
            device_id: device(1),
            operation_id: operation(9),
            kind: Refresh,
            expires_at: at(LEASE_MS),
        })
    };
    let row = |what, given: Wallet, event, at_ms, expected| Example {
        what,
        given,
        event,
        at_ms,
        expected,
    };
    let other_device = || start(back_up(1), 3, 2);
    // As a clock that was an hour fast would have given it out.
    let far_ahead = with(leased(), |wallet| {
        if let Some(lease) = &mut wallet.lease {
            lease.expires_at = at(LONGEST_LEASE_MS + 1);
        }
    });
    check(vec![
        row(
            "E1: the lease of a new wallet is free",
            nothing(),
            start(Plan::Generate, 1, 1),
            7,
            taken(&nothing(), Plan::Generate, 1, 1, 7),
        ),
        row(
            "E1: another device waits",
            leased(),
            other_device(),
            0,
            held(),
        ),
        row(
            "E1: another device waits under the holder's operation id, too",
            leased(),
            start(refresh(1), 9, 2),
            0,
            held(),
        ),
        row(
            "E1: another device waits to the last millisecond",
            leased(),
            other_device(),
            LEASE_MS - 1,
            held(),
        ),
        row(
            "E1: an expired lease is taken over",
            leased(),
            other_device(),
            LEASE_MS,
            taken(&leased(), back_up(1), 3, 2, LEASE_MS),
        ),
        row(
            "E1: a longer wait is no shorter lease",
            leased(),
            start_for(LEASE_MS + 1, back_up(1), 3, 2),
            0,
            held(),
        ),
        row(
            "E1: a lease as long as the longest is held",
            with(leased(), |wallet| {
                if let Some(lease) = &mut wallet.lease {
                    lease.expires_at = at(LONGEST_LEASE_MS);
                }
            }),
            start_for(1, back_up(1), 3, 2),
            0,
            Err(Refusal::LeaseHeld {
                device_id: device(1),
                operation_id: operation(9),
                kind: Refresh,
                expires_at: at(LONGEST_LEASE_MS),
            }),
        ),
        row(
            "E1: nobody gets a longer one",
            active(),
            start_for(u64::MAX, back_up(1), 3, 2),
            0,
            match taken(&active(), back_up(1), 3, 2, 0) {
                Ok((mut wallet, effect)) => {
                    if let Some(lease) = &mut wallet.lease {
                        lease.expires_at = at(LONGEST_LEASE_MS);
                    }
                    Ok((wallet, effect))
                }
                refused => refused,
            },
        ),
        row(
            "E1: a lease that ends later than any could is taken over",
            far_ahead.clone(),
            other_device(),
            0,
            taken(&far_ahead, back_up(1), 3, 2, 0),
        ),
        row(
            "E1: a device that lost its session begins anew, under a new fence",
            leased(),
            start(refresh(1), 9, 1),
            1,
            taken(&leased(), refresh(1), 9, 1, 1),
        ),
    ]);
}

/// Pair 1 was backed up as operation 2, and refreshed to pair 2 as operation 3.
fn refreshed_since() -> Wallet {
    after(
        backup_pending(),
        &[
            start(refresh(1), 3, 1),
            commit_signing(refresh(1), 3, 2),
            confirm_signing(2),
        ],
    )
}

#[test]
fn an_operation_id_finds_what_it_made() {
    let signing_made = Effect::AlreadyMade(AlreadyMade::Signing(signing(1)));
    let backup_made = Effect::AlreadyMade(AlreadyMade::Backup(backup(1)));
    let row = |what, given: Wallet, event, expected| Example {
        what,
        given,
        event,
        at_ms: 0,
        expected,
    };
    let again = |what, given: Wallet, device, effect| {
        let expected = Ok((given.clone(), effect));
        row(what, given, start(Plan::Generate, 1, device), expected)
    };
    let reused = |operation_id, ran| {
        Err(Refusal::OperationIdReused {
            operation_id: operation(operation_id),
            ran,
        })
    };
    check(vec![
        again(
            "E1: a Generate said again makes no second key",
            generated(),
            1,
            signing_made.clone(),
        ),
        again(
            "E1: nor once the wallet exists",
            active(),
            1,
            signing_made.clone(),
        ),
        again(
            "E1: nor while another operation runs",
            leased(),
            2,
            signing_made,
        ),
        row(
            "E1: a Backup said again makes no second backup",
            backup_pending(),
            start(back_up(1), 2, 1),
            Ok((backup_pending(), backup_made)),
        ),
        row(
            "E1: the id of a Backup by password is not one for another method",
            backup_pending(),
            start(back_up_by(BackupMethod::Custom, 1), 2, 1),
            reused(2, Backup),
        ),
        row(
            "E1: nor for another mode",
            backup_pending(),
            start(
                back_up_in(BackupMode::Managed, BackupMethod::Password, 1),
                2,
                1,
            ),
            reused(2, Backup),
        ),
        row(
            "E1: nor, once there is another pair, for a Backup of that one",
            refreshed_since(),
            start(back_up(2), 2, 1),
            reused(2, Backup),
        ),
        row(
            "E1: a Backup of the pair that was in force finds what it made, whatever is now",
            refreshed_since(),
            start(back_up(1), 2, 1),
            Ok((
                refreshed_since(),
                Effect::AlreadyMade(AlreadyMade::Backup(backup(1))),
            )),
        ),
        row(
            "E1: the id of a Refresh of one pair is not one for that of another",
            refreshed_since(),
            start(refresh(2), 3, 1),
            reused(3, Refresh),
        ),
        row(
            "E1: nor for one of a pair that there is not",
            refreshed_since(),
            start(refresh(9), 3, 1),
            reused(3, Refresh),
        ),
        row(
            "E1: the id of a Recover from one backup is not one for that from another",
            after(
                backed_up(),
                &[
                    start(recover(1), 3, 1),
                    commit_signing(recover(1), 3, 2),
                    confirm_signing(2),
                ],
            ),
            start(recover(9), 3, 1),
            reused(3, Recover),
        ),
        row(
            "E1: where the source was not noted, the rest is compared",
            with(refreshed_since(), |wallet| {
                for pair in &mut wallet.signing_pairs {
                    pair.source = None;
                }
            }),
            start(refresh(2), 3, 1),
            Ok((
                with(refreshed_since(), |wallet| {
                    for pair in &mut wallet.signing_pairs {
                        pair.source = None;
                    }
                }),
                Effect::AlreadyMade(AlreadyMade::Signing(signing(2))),
            )),
        ),
        row(
            "E1: the id of a Generate is not one for a Refresh",
            active(),
            start(refresh(1), 1, 1),
            reused(1, Generate),
        ),
        row(
            "E1: the id of a Backup is not one for a Recover",
            backed_up(),
            start(recover(1), 2, 1),
            reused(2, Backup),
        ),
        row(
            "E1: the id of a Refresh that still runs is not one for a Backup",
            leased(),
            start(back_up(1), 9, 1),
            reused(9, Refresh),
        ),
        row(
            "E1: nor once its lease has run out",
            with(leased(), |wallet| {
                if let Some(lease) = &mut wallet.lease {
                    lease.expires_at = at(0);
                }
            }),
            start(back_up(1), 9, 2),
            reused(9, Refresh),
        ),
    ]);
}

#[test]
fn an_operation_needs_what_it_reads() {
    let row = |what, given: Wallet, plan: Plan, refusal| Example {
        what,
        given,
        event: start(plan, 8, 1),
        at_ms: 0,
        expected: Err(refusal),
    };
    let allowed = |what, given: Wallet, plan: Plan| Example {
        what,
        expected: taken(&given, plan, 8, 1, 0),
        given,
        event: start(plan, 8, 1),
        at_ms: 0,
    };
    let superseded = || Refusal::SigningSuperseded {
        given: Generation(1),
        active: signing(2),
        active_generation: Generation(2),
    };
    let frozen_with_backup = after(backed_up(), &[strike(Curve::Ed25519, 1)]);
    let second_backup = after(
        backed_up(),
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
            confirm_backup(2),
        ],
    );
    check(vec![
        row(
            "Generate: one wallet a client",
            active(),
            Plan::Generate,
            Refusal::WalletAlreadyExists,
        ),
        row(
            "E13: Generate does not unfreeze",
            frozen(),
            Plan::Generate,
            Refusal::WalletAlreadyExists,
        ),
        allowed(
            "Generate: a pair that was never confirmed is no wallet",
            generated(),
            Plan::Generate,
        ),
        row(
            "Backup: reads a pair",
            nothing(),
            back_up(1),
            Refusal::WalletNotFound,
        ),
        row(
            "Backup: a confirmed one",
            generated(),
            back_up(1),
            Refusal::WalletNotFound,
        ),
        row(
            "Backup: one that exists",
            active(),
            back_up(7),
            Refusal::PairNotFound,
        ),
        row("E14: the active one", refreshed(), back_up(1), superseded()),
        row(
            "E13: no frozen one",
            frozen(),
            back_up(1),
            Refusal::SigningFrozen,
        ),
        allowed("Backup: reads the active pair", active(), back_up(1)),
        row(
            "Refresh: reads a pair",
            nothing(),
            refresh(1),
            Refusal::WalletNotFound,
        ),
        row(
            "Refresh: a confirmed one",
            generated(),
            refresh(1),
            Refusal::WalletNotFound,
        ),
        row(
            "Refresh: one that exists",
            active(),
            refresh(7),
            Refusal::PairNotFound,
        ),
        row(
            "Refresh: the one in force",
            refreshed(),
            refresh(1),
            superseded(),
        ),
        allowed("E13: Refresh replaces a frozen pair", frozen(), refresh(1)),
        row(
            "E19: Recover reads a backup",
            active(),
            recover(1),
            Refusal::BackupNotComplete,
        ),
        row(
            "E19: a complete one",
            backup_acknowledged(),
            recover(1),
            Refusal::BackupNotComplete,
        ),
        row(
            "E19: the active one",
            second_backup,
            recover(1),
            Refusal::BackupNotActive,
        ),
        row(
            "E19: one that exists",
            backed_up(),
            recover(7),
            Refusal::BackupNotActive,
        ),
        allowed("E19: Recover changes no pair", backed_up(), recover(1)),
        allowed(
            "E13, E19: Recover replaces a frozen pair",
            frozen_with_backup,
            recover(1),
        ),
        allowed(
            "E19: Recover does not need the server's own signing share",
            with(backed_up(), |wallet| wallet.signing_pairs.clear()),
            recover(1),
        ),
    ]);
}

#[test]
fn only_its_holder_gives_the_lease_back() {
    check(vec![
        Example {
            what: "End: the lease is free again, fence and generation stay",
            given: leased(),
            event: Event::End { fence: Fence(2) },
            at_ms: 0,
            expected: Ok((with(leased(), |wallet| wallet.lease = None), Effect::None)),
        },
        Example {
            what: "End: an operation that was overtaken ends nobody else's",
            given: leased(),
            event: Event::End { fence: Fence(1) },
            at_ms: 0,
            expected: Ok((leased(), Effect::None)),
        },
    ]);
}
