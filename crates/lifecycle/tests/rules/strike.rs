//! E12 and E13: a pair whose client cheated, and how the wallet signs again.

use portal_lifecycle::{Curve, Effect, Refusal, SigningStatus, Wallet};

use crate::example::{Example, check};
use crate::world::{
    active, after, at, backed_up, commit_signing, confirm_signing, frozen, generated, recover,
    refresh, refreshed, sign, start, strike, with,
};

fn with_pair_1(wallet: Wallet, status: SigningStatus) -> Wallet {
    with(wallet, |wallet| wallet.signing_pairs[0].status = status)
}

#[test]
fn a_strike_freezes_the_pair_of_both_curves() {
    let row = |what, given: Wallet, event, expected: Wallet| Example {
        what,
        given,
        event,
        at_ms: 0,
        expected: Ok((expected, Effect::Freeze)),
    };
    let frozen_pair = with_pair_1(active(), SigningStatus::Frozen);
    check(vec![
        row(
            "E12: on secp256k1",
            active(),
            strike(Curve::Secp256k1, 1),
            frozen_pair.clone(),
        ),
        row(
            "E12: on Ed25519",
            active(),
            strike(Curve::Ed25519, 1),
            frozen_pair,
        ),
        row("E12: again", frozen(), strike(Curve::Ed25519, 1), frozen()),
        row(
            "E12: a superseded pair does not come back as a frozen one",
            refreshed(),
            strike(Curve::Secp256k1, 1),
            refreshed(),
        ),
        row(
            "E12: nor one that was never confirmed",
            generated(),
            strike(Curve::Secp256k1, 1),
            generated(),
        ),
        row(
            "E12: the former pair's strike leaves the active one alone",
            with_pair_1(refreshed(), SigningStatus::Purged),
            strike(Curve::Secp256k1, 1),
            with_pair_1(refreshed(), SigningStatus::Purged),
        ),
        Example {
            what: "E12: no such pair",
            given: active(),
            event: strike(Curve::Secp256k1, 2),
            at_ms: 0,
            expected: Err(Refusal::PairNotFound),
        },
    ]);
}

#[test]
fn a_new_pair_signs_after_a_strike() {
    let strike = strike(Curve::Secp256k1, 1);
    for (plan, given, fence) in [(refresh(1), active(), 2), (recover(1), backed_up(), 3)] {
        let healed = after(
            given,
            &[
                strike.clone(),
                start(plan, 9, 1),
                commit_signing(plan, fence, 2),
                confirm_signing(2),
            ],
        );
        for curve in Curve::ALL {
            let seen = healed.apply(sign(curve, 2), at(0));
            assert!(
                seen.is_ok(),
                "E13: expected {curve} to sign after {}, got {seen:?}",
                plan.kind()
            );
        }
    }
}
