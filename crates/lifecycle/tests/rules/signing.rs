//! E2, E4–E6 and E11: a signing pair is committed, confirmed, superseded, and signs.

use portal_lifecycle::OperationKind::{Backup, Generate, Recover, Refresh};
use portal_lifecycle::{
    Curve, Effect, Generation, OperationKind, Refusal, SigningPair, SigningStatus, Wallet,
};

use crate::world::{
    Answer, Example, KEY, LEASE_MS, OTHER_KEY, active, after, at, backed_up, check, commit_signing,
    commit_signing_of, confirm_signing, frozen, generated, keys, nothing, operation, points,
    refreshed, sign, signing, start, with,
};

/// The answer that stores pair `n`, the work of operation 9, and ends the lease.
fn stored(given: &Wallet, n: u8, key: u8, made_by: OperationKind, at_ms: u64) -> Answer {
    let wallet = with(given.clone(), |wallet| {
        wallet.lease = None;
        wallet.signing_pairs.push(SigningPair {
            ids: signing(n),
            generation: wallet.generation,
            status: SigningStatus::StoredDatabase,
            points: points(key, n),
            operation_id: operation(9),
            made_by,
            created_at: at(at_ms),
        });
    });
    Ok((wallet, Effect::StoreSigningShare(signing(n))))
}

fn superseded(given: u64, active: u8, active_generation: u64) -> Answer {
    Err(Refusal::SigningSuperseded {
        given: Generation(given),
        active: signing(active),
        active_generation: Generation(active_generation),
    })
}

/// `given` with pair `n` in `status` and the rest as it was.
fn in_status(given: Wallet, n: u8, status: SigningStatus) -> Wallet {
    with(given, |wallet| {
        for pair in &mut wallet.signing_pairs {
            if pair.ids == signing(n) {
                pair.status = status;
            }
        }
    })
}

/// Pair 1 is active; pair 2, made by a Refresh, waits for its confirmation.
fn refreshing() -> Wallet {
    after(active(), &[start(Refresh, 9, 1), commit_signing(2, 2)])
}

/// Two Generates raced: pairs 1 and 2 hold different keys, and neither is confirmed.
fn generated_twice() -> Wallet {
    after(
        generated(),
        &[
            start(Generate, 9, 1),
            commit_signing_of(2, 2, points(OTHER_KEY, 2)),
        ],
    )
}

#[test]
fn a_commit_shows_the_fence_it_ran_under() {
    let fenced = || {
        Err(Refusal::Fenced {
            what: "signing pair",
        })
    };
    let generating = after(nothing(), &[start(Generate, 9, 1)]);
    let overtaken = after(generating.clone(), &[start(Generate, 8, 1)]);
    check(vec![
        Example {
            what: "E2: the new pair is STORED_DATABASE",
            given: generating.clone(),
            event: commit_signing(1, 2),
            at_ms: 5,
            expected: stored(&generating, 2, KEY, Generate, 5),
        },
        Example {
            what: "E2: an expired lease that nobody took over still commits",
            given: generating.clone(),
            event: commit_signing(1, 2),
            at_ms: LEASE_MS,
            expected: stored(&generating, 2, KEY, Generate, LEASE_MS),
        },
        Example {
            what: "E2: an older fence is refused",
            given: overtaken.clone(),
            event: commit_signing(1, 2),
            at_ms: 0,
            expected: fenced(),
        },
        Example {
            what: "E2: so is one that was never handed out",
            given: overtaken,
            event: commit_signing(3, 2),
            at_ms: 0,
            expected: fenced(),
        },
        Example {
            what: "E2: one lease, one commit",
            given: generated(),
            event: commit_signing(1, 2),
            at_ms: 0,
            expected: fenced(),
        },
        Example {
            what: "E2: the lease of a Backup commits no signing pair",
            given: after(active(), &[start(Backup, 9, 1)]),
            event: commit_signing(2, 2),
            at_ms: 0,
            expected: fenced(),
        },
    ]);
}

#[test]
fn only_generate_makes_a_key() {
    let refresh = after(active(), &[start(Refresh, 9, 1)]);
    let recover = after(backed_up(), &[start(Recover, 9, 1)]);
    let recover_alone = with(recover.clone(), |wallet| wallet.signing_pairs.clear());
    // The race is lost while the second Generate runs: pair 1 is confirmed under it.
    let lost = after(generated(), &[start(Generate, 9, 2), confirm_signing(1)]);
    let row = |what, given: &Wallet, fence, secp256k1, ed25519| Example {
        what,
        given: given.clone(),
        event: commit_signing_of(fence, 2, keys(secp256k1, ed25519, 2)),
        at_ms: 0,
        expected: Err(Refusal::KeyChanged),
    };
    let same = |what, given: &Wallet, fence, kind| Example {
        what,
        given: given.clone(),
        event: commit_signing(fence, 2),
        at_ms: 0,
        expected: stored(given, 2, KEY, kind, 0),
    };
    check(vec![
        row(
            "E2: Refresh, another secp256k1 key",
            &refresh,
            2,
            OTHER_KEY,
            KEY,
        ),
        row(
            "E2: Refresh, another Ed25519 key",
            &refresh,
            2,
            KEY,
            OTHER_KEY,
        ),
        same("E2: Refresh keeps both keys", &refresh, 2, Refresh),
        row(
            "E2: Recover, another secp256k1 key",
            &recover,
            3,
            OTHER_KEY,
            KEY,
        ),
        row(
            "E2: Recover, another Ed25519 key",
            &recover,
            3,
            KEY,
            OTHER_KEY,
        ),
        same("E2: Recover keeps both keys", &recover, 3, Recover),
        row(
            "E2: Recover answers to its backup's key",
            &recover_alone,
            3,
            OTHER_KEY,
            OTHER_KEY,
        ),
        row(
            "E2: a Generate that lost the race",
            &lost,
            2,
            OTHER_KEY,
            OTHER_KEY,
        ),
    ]);
}

#[test]
fn a_confirmed_pair_supersedes_the_former_one() {
    let confirmed = in_status(
        in_status(refreshing(), 1, SigningStatus::Superseded),
        2,
        SigningStatus::StoredClient,
    );
    let refreshing_frozen = after(frozen(), &[start(Refresh, 9, 1), commit_signing(2, 2)]);
    check(vec![
        Example {
            what: "E4: the first pair becomes active",
            given: generated(),
            event: confirm_signing(1),
            at_ms: 0,
            expected: Ok((
                in_status(generated(), 1, SigningStatus::StoredClient),
                Effect::None,
            )),
        },
        Example {
            what: "E4: new active, old SUPERSEDED, in one step",
            given: refreshing(),
            event: confirm_signing(2),
            at_ms: 0,
            expected: Ok((confirmed.clone(), Effect::None)),
        },
        Example {
            what: "E4, E13: a frozen pair is superseded as well",
            given: refreshing_frozen,
            event: confirm_signing(2),
            at_ms: 0,
            expected: Ok((confirmed.clone(), Effect::None)),
        },
        Example {
            what: "E4: a pair that was given up stays so",
            given: after(
                in_status(refreshing(), 2, SigningStatus::Abandoned),
                &[start(Refresh, 10, 1), commit_signing(3, 3)],
            ),
            event: confirm_signing(3),
            at_ms: 0,
            expected: Ok((
                [
                    (1, SigningStatus::Superseded),
                    (2, SigningStatus::Abandoned),
                    (3, SigningStatus::StoredClient),
                ]
                .into_iter()
                .fold(
                    after(refreshing(), &[start(Refresh, 10, 1), commit_signing(3, 3)]),
                    |wallet, (n, status)| in_status(wallet, n, status),
                ),
                Effect::None,
            )),
        },
        Example {
            what: "E5: said again, the same answer",
            given: confirmed.clone(),
            event: confirm_signing(2),
            at_ms: 0,
            expected: Ok((confirmed, Effect::None)),
        },
        Example {
            what: "E5, E12: said again of a frozen pair, it stays frozen",
            given: frozen(),
            event: confirm_signing(1),
            at_ms: 0,
            expected: Ok((frozen(), Effect::None)),
        },
    ]);
}

#[test]
fn a_late_confirm_changes_nothing() {
    // Pair 3 is confirmed while pair 2, of an older generation, still waits.
    let overtaken = after(
        refreshing(),
        &[
            start(Refresh, 10, 1),
            commit_signing(3, 3),
            confirm_signing(3),
        ],
    );
    let not_active = |status| Err(Refusal::SigningNotActive { status });
    check(vec![
        Example {
            what: "E6: the wallet's former pair",
            given: refreshed(),
            event: confirm_signing(1),
            at_ms: 0,
            expected: superseded(1, 2, 2),
        },
        Example {
            what: "E6: a pair that waited too long",
            given: overtaken,
            event: confirm_signing(2),
            at_ms: 0,
            expected: superseded(2, 3, 3),
        },
        Example {
            what: "E4: a newer pair of a second Generate would replace the key",
            given: after(generated_twice(), &[confirm_signing(1)]),
            event: confirm_signing(2),
            at_ms: 0,
            expected: superseded(2, 1, 1),
        },
        Example {
            what: "E6: a pair that never was",
            given: active(),
            event: confirm_signing(7),
            at_ms: 0,
            expected: Err(Refusal::PairNotFound),
        },
        Example {
            what: "E4: a pair that was given up",
            given: in_status(generated(), 1, SigningStatus::Abandoned),
            event: confirm_signing(1),
            at_ms: 0,
            expected: not_active(SigningStatus::Abandoned),
        },
        Example {
            what: "E4: a pair whose share is erased",
            given: in_status(generated(), 1, SigningStatus::Purged),
            event: confirm_signing(1),
            at_ms: 0,
            expected: not_active(SigningStatus::Purged),
        },
    ]);
}

#[test]
fn only_the_active_pair_signs() {
    let not_active = |status| Err(Refusal::SigningNotActive { status });
    let mut examples = vec![Example {
        what: "E11: a pair of another curve is none of this curve's",
        given: active(),
        event: portal_lifecycle::Event::Sign {
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
        let audited = Ok((active(), Effect::AuditSignature));
        row(
            "E11: audited, and nothing else changes",
            active(),
            1,
            audited,
        );
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
            in_status(refreshed(), 1, SigningStatus::StoredDatabase),
            1,
            superseded(1, 2, 2),
        );
        row(
            "E11: a newer pair that was given up",
            in_status(refreshing(), 2, SigningStatus::Abandoned),
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
