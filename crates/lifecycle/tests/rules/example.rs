//! Examples as data: a wallet, an event, and all that the rules make of it.

use portal_lifecycle::{
    BackupStatus, Effect, Event, Generation, Refusal, SigningStatus, Transition, Wallet,
};

use crate::world::{at, backup, signing, with};

/// What the rules make of an event: the whole state after it and the effect, or the refusal.
pub(crate) type Answer = Result<(Wallet, Effect), Refusal>;

/// One row of a table of examples.
pub(crate) struct Example {
    /// What the row shows, after the rule's number.
    pub(crate) what: &'static str,
    pub(crate) given: Wallet,
    pub(crate) event: Event,
    /// When, in milliseconds since the epoch; the histories above all happen at 0.
    pub(crate) at_ms: u64,
    pub(crate) expected: Answer,
}

/// Applies each example and shows what was expected and seen for all that differ.
pub(crate) fn check(examples: Vec<Example>) {
    let mut differ = Vec::new();
    for example in examples {
        let seen = example
            .given
            .apply(example.event.clone(), at(example.at_ms))
            .map(|Transition { wallet, effect }| (wallet, effect));
        if seen != example.expected {
            differ.push(format!(
                "{}\n  event:    {:?}\n  expected: {:?}\n  seen:     {:?}",
                example.what, example.event, example.expected, seen
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

/// An example at the epoch.
pub(crate) fn row(what: &'static str, given: Wallet, event: Event, expected: Answer) -> Example {
    Example {
        what,
        given,
        event,
        at_ms: 0,
        expected,
    }
}

/// The refusal of an event that names a signing pair of generation `given`.
pub(crate) fn superseded(given: u64, active: u8, active_generation: u64) -> Answer {
    Err(Refusal::SigningSuperseded {
        given: Generation(given),
        active: signing(active),
        active_generation: Generation(active_generation),
    })
}

/// `given` with signing pair `n` in `status` and the rest as it was.
pub(crate) fn in_signing_status(given: Wallet, n: u8, status: SigningStatus) -> Wallet {
    with(given, |wallet| {
        for pair in &mut wallet.signing_pairs {
            if pair.ids == signing(n) {
                pair.status = status;
            }
        }
    })
}

/// `given` with backup pair `n` in `status` and the rest as it was.
pub(crate) fn in_backup_status(given: Wallet, n: u8, status: BackupStatus) -> Wallet {
    with(given, |wallet| {
        for pair in &mut wallet.backup_pairs {
            if pair.ids == backup(n) {
                pair.status = status;
            }
        }
    })
}
