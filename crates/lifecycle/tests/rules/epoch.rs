//! E20: an older copy of the database was put in its place.

use portal_lifecycle::{Curve, Effect, Refusal, SigningStatus, Wallet};

use crate::example::{Example, check};
use crate::world::{
    active, after, at, back_up, backed_up, commit_signing, confirm_signing, confirm_signing_in,
    frozen, generated, recover, refresh, restored, sign, start, with,
};

const BEGAN: u64 = 5_000;

fn put_back(wallet: Wallet) -> Wallet {
    restored(wallet, at(BEGAN))
}

#[test]
fn a_pair_proves_itself_before_it_is_used() {
    let unproved = |what, event| Example {
        what,
        given: put_back(backed_up()),
        event,
        at_ms: BEGAN,
        expected: Err(Refusal::PossessionUnproved),
    };
    let proved = with(put_back(active()), |wallet| {
        wallet.proved_in = 1;
        wallet.signing_pairs[0].proved_at = Some(at(BEGAN));
    });
    let frozen_and_proved = with(put_back(frozen()), |wallet| {
        wallet.proved_in = 1;
        wallet.signing_pairs[0].proved_at = Some(at(BEGAN));
    });
    check(vec![
        unproved("E20: a signature", sign(Curve::Secp256k1, 1)),
        unproved("E20: a backup", start(back_up(1), 9, 1)),
        unproved("E20: a refresh", start(refresh(1), 9, 1)),
        Example {
            what: "E20: the proof",
            given: put_back(active()),
            event: confirm_signing_in(1, 1),
            at_ms: BEGAN,
            expected: Ok((proved, Effect::None)),
        },
        Example {
            what: "E20: a frozen pair proves itself too, and stays frozen",
            given: put_back(frozen()),
            event: confirm_signing_in(1, 1),
            at_ms: BEGAN,
            expected: Ok((frozen_and_proved.clone(), Effect::None)),
        },
        Example {
            what: "E20: proved, it is frozen as ever",
            given: frozen_and_proved,
            event: confirm_signing_in(1, 1),
            at_ms: BEGAN,
            expected: Err(Refusal::SigningFrozen),
        },
        Example {
            what: "E20: a proof for the former epoch",
            given: put_back(active()),
            event: confirm_signing(1),
            at_ms: BEGAN,
            expected: Err(Refusal::EpochPassed {
                given: 0,
                current: 1,
            }),
        },
    ]);
    let signs = after(put_back(active()), &[confirm_signing_in(1, 1)]);
    after(signs, &[sign(Curve::Ed25519, 1)]);
}

#[test]
fn a_pair_that_waited_when_the_copy_was_made_is_confirmed() {
    let wallet = after(put_back(generated()), &[confirm_signing_in(1, 1)]);
    assert!(wallet.is_proved());
    let status = wallet.current_signing().map(|pair| pair.status);
    assert_eq!(status, Some(SigningStatus::StoredClient));
}

#[test]
fn a_recovery_needs_no_proof_and_is_one() {
    let begun = after(put_back(backed_up()), &[start(recover(1), 9, 1)]);
    let fence = begun.fence.0;
    let wallet = after(
        begun,
        &[
            commit_signing(recover(1), fence, 2),
            confirm_signing_in(1, 2),
            sign(Curve::Secp256k1, 2),
        ],
    );
    assert!(wallet.is_proved());
}

/// What was handed out between the copy and the restore is not handed out again, and a session
/// that still holds some of it has no say.
#[test]
fn counters_go_on_above_all_that_was_lost() {
    let copy = after(backed_up(), &[start(refresh(1), 3, 1)]);
    let fence = copy.fence.0;
    let put_back = put_back(copy);
    let refused = put_back.apply(commit_signing(refresh(1), fence, 2), at(BEGAN));
    assert!(
        matches!(refused, Err(Refusal::Fenced { .. })),
        "expected the old fence to be refused, got {refused:?}"
    );
    // Nor does its lease stand in another device's way.
    let begun = after(put_back, &[start(recover(1), 4, 2)]);
    assert!(begun.fence.0 > 1_000_000, "{:?}", begun.fence);
    assert!(begun.generation.0 > 1_000_000, "{:?}", begun.generation);
}
