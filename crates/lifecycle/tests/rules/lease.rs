//! E1 and E19: who may begin what; and the lease given back.

use portal_lifecycle::OperationKind::{Backup, Generate, Recover, Refresh};
use portal_lifecycle::{
    AlreadyMade, Effect, Event, Fence, Generation, Lease, LeaseTaken, OperationKind, Refusal,
    Wallet,
};

use crate::world::{
    Answer, Example, LEASE_MS, active, at, backed_up, backup, backup_acknowledged, backup_pending,
    check, device, frozen, generated, nothing, operation, signing, start, with,
};

/// The answer that takes the lease on `given` at `at_ms`; no pair is touched.
fn taken(given: &Wallet, kind: OperationKind, operation_id: u8, by: u8, at_ms: u64) -> Answer {
    let (fence, generation) = (Fence(given.fence.0 + 1), Generation(given.generation.0 + 1));
    let wallet = with(given.clone(), |wallet| {
        wallet.fence = fence;
        wallet.generation = generation;
        wallet.lease = Some(Lease {
            operation_id: operation(operation_id),
            kind,
            device_id: device(by),
            fence,
            generation,
            expires_at: at(at_ms + LEASE_MS),
        });
    });
    Ok((wallet, Effect::LeaseTaken(LeaseTaken { fence, generation })))
}

/// `wallet` while device 1 runs operation 9 on it until `LEASE_MS`.
fn leased(wallet: Wallet, kind: OperationKind) -> Wallet {
    crate::world::after(wallet, &[start(kind, 9, 1)])
}

#[test]
fn one_operation_at_a_time() {
    let held = Refusal::LeaseHeld {
        device_id: device(1),
        operation_id: operation(9),
        kind: Refresh,
        expires_at: at(LEASE_MS),
    };
    let given = leased(active(), Refresh);
    check(vec![
        Example {
            what: "E1: the lease of a new wallet is free",
            given: nothing(),
            event: start(Generate, 1, 1),
            at_ms: 7,
            expected: taken(&nothing(), Generate, 1, 1, 7),
        },
        Example {
            what: "E1: another device waits",
            given: given.clone(),
            event: start(Backup, 3, 2),
            at_ms: 0,
            expected: Err(held.clone()),
        },
        Example {
            what: "E1: another device waits under the holder's operation id, too",
            given: given.clone(),
            event: start(Refresh, 9, 2),
            at_ms: 0,
            expected: Err(held.clone()),
        },
        Example {
            what: "E1: another device waits to the last millisecond",
            given: given.clone(),
            event: start(Backup, 3, 2),
            at_ms: LEASE_MS - 1,
            expected: Err(held),
        },
        Example {
            what: "E1: an expired lease is taken over",
            given: given.clone(),
            event: start(Backup, 3, 2),
            at_ms: LEASE_MS,
            expected: taken(&given, Backup, 3, 2, LEASE_MS),
        },
        Example {
            what: "E1: a device that lost its session begins anew, under a new fence",
            given: given.clone(),
            event: start(Refresh, 9, 1),
            at_ms: 1,
            expected: taken(&given, Refresh, 9, 1, 1),
        },
    ]);
}

#[test]
fn an_operation_id_finds_what_it_made() {
    let signing_made = Effect::AlreadyMade(AlreadyMade::Signing(signing(1)));
    let backup_made = Effect::AlreadyMade(AlreadyMade::Backup(backup(1)));
    let reused = |operation_id, ran| {
        Err(Refusal::OperationIdReused {
            operation_id: operation(operation_id),
            ran,
        })
    };
    let busy = leased(active(), Refresh);
    check(vec![
        Example {
            what: "E1: a Generate said again makes no second key",
            given: generated(),
            event: start(Generate, 1, 1),
            at_ms: 0,
            expected: Ok((generated(), signing_made.clone())),
        },
        Example {
            what: "E1: nor once the wallet exists",
            given: active(),
            event: start(Generate, 1, 1),
            at_ms: 0,
            expected: Ok((active(), signing_made.clone())),
        },
        Example {
            what: "E1: nor while another operation runs",
            given: busy.clone(),
            event: start(Generate, 1, 2),
            at_ms: 0,
            expected: Ok((busy, signing_made)),
        },
        Example {
            what: "E1: a Backup said again makes no second backup",
            given: backup_pending(),
            event: start(Backup, 2, 1),
            at_ms: 0,
            expected: Ok((backup_pending(), backup_made)),
        },
        Example {
            what: "E1: the id of a Generate is not one for a Refresh",
            given: active(),
            event: start(Refresh, 1, 1),
            at_ms: 0,
            expected: reused(1, Generate),
        },
        Example {
            what: "E1: the id of a Backup is not one for a Recover",
            given: backed_up(),
            event: start(Recover, 2, 1),
            at_ms: 0,
            expected: reused(2, Backup),
        },
    ]);
}

#[test]
fn an_operation_needs_what_it_reads() {
    let row = |what, given: Wallet, kind, refusal| Example {
        what,
        given,
        event: start(kind, 3, 1),
        at_ms: 0,
        expected: Err(refusal),
    };
    let allowed = |what, given: Wallet, kind| Example {
        what,
        expected: taken(&given, kind, 3, 1, 0),
        given,
        event: start(kind, 3, 1),
        at_ms: 0,
    };
    let frozen_with_backup = crate::world::after(
        backed_up(),
        &[crate::world::strike(portal_lifecycle::Curve::Ed25519, 1)],
    );
    check(vec![
        row(
            "Generate: one wallet a client",
            active(),
            Generate,
            Refusal::WalletAlreadyExists,
        ),
        row(
            "E13: Generate does not unfreeze",
            frozen(),
            Generate,
            Refusal::WalletAlreadyExists,
        ),
        allowed(
            "Generate: a pair that was never confirmed is no wallet",
            generated(),
            Generate,
        ),
        row(
            "Backup: reads a signing pair",
            nothing(),
            Backup,
            Refusal::WalletNotFound,
        ),
        row(
            "Backup: reads a confirmed pair",
            generated(),
            Backup,
            Refusal::WalletNotFound,
        ),
        row(
            "E13: Backup does not read a frozen pair",
            frozen(),
            Backup,
            Refusal::SigningFrozen,
        ),
        allowed("Backup: reads the active pair", active(), Backup),
        row(
            "Refresh: reads a signing pair",
            nothing(),
            Refresh,
            Refusal::WalletNotFound,
        ),
        row(
            "Refresh: reads a confirmed pair",
            generated(),
            Refresh,
            Refusal::WalletNotFound,
        ),
        allowed("E13: Refresh replaces a frozen pair", frozen(), Refresh),
        row(
            "E19: Recover reads a backup",
            active(),
            Recover,
            Refusal::BackupNotComplete,
        ),
        row(
            "E19: Recover reads a complete backup",
            backup_acknowledged(),
            Recover,
            Refusal::BackupNotComplete,
        ),
        allowed("E19: Recover changes no pair", backed_up(), Recover),
        allowed(
            "E13, E19: Recover replaces a frozen pair",
            frozen_with_backup,
            Recover,
        ),
        allowed(
            "E19: Recover does not need the server's own signing share",
            with(backed_up(), |wallet| wallet.signing_pairs.clear()),
            Recover,
        ),
    ]);
}

#[test]
fn only_its_holder_gives_the_lease_back() {
    let given = leased(active(), Refresh);
    check(vec![
        Example {
            what: "End: the lease is free again, fence and generation stay",
            given: given.clone(),
            event: Event::End { fence: Fence(2) },
            at_ms: 0,
            expected: Ok((
                with(given.clone(), |wallet| wallet.lease = None),
                Effect::None,
            )),
        },
        Example {
            what: "End: an operation that was overtaken ends nobody else's",
            given: given.clone(),
            event: Event::End { fence: Fence(1) },
            at_ms: 0,
            expected: Ok((given, Effect::None)),
        },
    ]);
}
