//! Random histories: whatever is applied, in whatever order, the invariants hold.
//!
//! Two devices use a handful of operation ids. Events are repeated and
//! reordered, because each names any pair that was made so far, or one that
//! never was; fences are stale now and then; keys differ now and then; leases
//! run out. What the rules refuse cannot change the wallet: `apply` borrows it.

use std::collections::BTreeMap;

use portal_lifecycle::{
    Curve, Effect, Event, Fence, OperationKind, Refusal, SigningStatus, Timestamp, Wallet,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::invariants::{broken, recovers};
use crate::world::{
    KEY, LEASE_MS, OTHER_KEY, acknowledged, commit_backup_of, commit_signing_of,
    confirm_backup_with, confirm_signing, digest, key_stored, keys, nothing, sign, start, strike,
};

const DEVICES: u8 = 2;
const OPERATION_IDS: u8 = 24;
const ACTIONS: usize = 120;

/// An event before it is known to which of the wallet's pairs it belongs.
#[derive(Debug, Clone)]
enum Action {
    Wait {
        ms: u64,
    },
    Start {
        kind: OperationKind,
        operation: u8,
        device: u8,
    },
    End {
        lag: u64,
    },
    CommitSigning {
        lag: u64,
        keys: (u8, u8),
    },
    ConfirmSigning {
        pair: u8,
    },
    Sign {
        curve: Curve,
        pair: u8,
    },
    Strike {
        curve: Curve,
        pair: u8,
    },
    CommitBackup {
        lag: u64,
        source: u8,
        keys: (u8, u8),
    },
    Acknowledged {
        pair: u8,
    },
    KeyStored {
        pair: u8,
    },
    ConfirmBackup {
        pair: u8,
        digest: Option<u8>,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let kind = || prop::sample::select(OperationKind::ALL.to_vec());
    let curve = || prop::sample::select(Curve::ALL.to_vec());
    let key = || prop_oneof![9 => Just(KEY), 1 => Just(OTHER_KEY)];
    // How far the fence lies behind the newest.
    let lag = || prop_oneof![6 => Just(0_u64), 1 => 1..3_u64];
    // How many pairs ago the pair was made; the greatest names no pair at all.
    let pair = || prop_oneof![5 => Just(0_u8), 3 => 1..4_u8, 1 => Just(u8::MAX)];
    let digest = prop_oneof![8 => (1..3_u8).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        1 => (0..2 * LEASE_MS).prop_map(|ms| Action::Wait { ms }),
        6 => (kind(), 1..=OPERATION_IDS, 1..=DEVICES)
            .prop_map(|(kind, operation, device)| Action::Start { kind, operation, device }),
        1 => lag().prop_map(|lag| Action::End { lag }),
        4 => (lag(), (key(), key())).prop_map(|(lag, keys)| Action::CommitSigning { lag, keys }),
        4 => pair().prop_map(|pair| Action::ConfirmSigning { pair }),
        2 => (curve(), pair()).prop_map(|(curve, pair)| Action::Sign { curve, pair }),
        1 => (curve(), pair()).prop_map(|(curve, pair)| Action::Strike { curve, pair }),
        4 => (lag(), pair(), (key(), key()))
            .prop_map(|(lag, source, keys)| Action::CommitBackup { lag, source, keys }),
        3 => pair().prop_map(|pair| Action::Acknowledged { pair }),
        2 => pair().prop_map(|pair| Action::KeyStored { pair }),
        4 => (pair(), digest).prop_map(|(pair, digest)| Action::ConfirmBackup { pair, digest }),
    ]
}

/// The number of the pair made `ago` pairs before the last; 0 is never one.
fn number(made: usize, ago: u8) -> u8 {
    u8::try_from(made).unwrap_or(u8::MAX).saturating_sub(ago)
}

impl Action {
    /// The event this is on `wallet`; none where only time passes. New pairs are numbered from 1.
    fn on(&self, wallet: &Wallet) -> Option<Event> {
        let signing = |ago| number(wallet.signing_pairs.len(), ago);
        let backup = |ago| number(wallet.backup_pairs.len(), ago);
        let fence = |lag| wallet.fence.0.saturating_sub(lag);
        Some(match *self {
            Self::Wait { .. } => return None,
            Self::Start {
                kind,
                operation,
                device,
            } => start(kind, operation, device),
            Self::End { lag } => Event::End {
                fence: Fence(fence(lag)),
            },
            Self::CommitSigning { lag, keys: (a, b) } => {
                let n = signing(0) + 1;
                commit_signing_of(fence(lag), n, keys(a, b, n))
            }
            Self::ConfirmSigning { pair } => confirm_signing(signing(pair)),
            Self::Sign { curve, pair } => sign(curve, signing(pair)),
            Self::Strike { curve, pair } => strike(curve, signing(pair)),
            Self::CommitBackup {
                lag,
                source,
                keys: (a, b),
            } => {
                let n = backup(0) + 1;
                commit_backup_of(fence(lag), n, signing(source), keys(a, b, n))
            }
            Self::Acknowledged { pair } => acknowledged(backup(pair)),
            Self::KeyStored { pair } => key_stored(backup(pair)),
            Self::ConfirmBackup { pair, digest: n } => {
                confirm_backup_with(backup(pair), n.map(digest))
            }
        })
    }
}

/// Applies `actions` to a new wallet and shows each answer to `seen`.
fn run(
    actions: &[Action],
    mut seen: impl FnMut(&Wallet, &Event, &Result<(Wallet, Effect), Refusal>, Timestamp),
) {
    let mut wallet = nothing();
    let mut now = Timestamp::from_ms(0);
    for action in actions {
        if let Action::Wait { ms } = action {
            now = now.plus_ms(*ms);
        }
        let Some(event) = action.on(&wallet) else {
            continue;
        };
        let answer = wallet
            .apply(event.clone(), now)
            .map(|transition| (transition.wallet, transition.effect));
        seen(&wallet, &event, &answer, now);
        if let Ok((next, _)) = answer {
            wallet = next;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn invariants_hold_after_every_transition(
        actions in prop::collection::vec(action(), 1..ACTIONS)
    ) {
        let mut failures = Vec::new();
        run(&actions, |before, event, answer, now| {
            let Ok((next, _)) = answer else { return };
            let names = broken(before, next);
            if !names.is_empty() {
                failures.push(format!("{event:?} broke {names:?}\nbefore: {before:#?}\nafter: {next:#?}"));
            }
            if let Err(step) = recovers(next, now) {
                failures.push(format!("after {event:?}: {step}\n{next:#?}"));
            }
        });
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

/// What the histories must come across, or the invariants were held against little.
#[test]
fn the_histories_reach_every_rule() {
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(action(), ACTIONS);
    let mut met = BTreeMap::<&str, usize>::new();
    for _ in 0..400 {
        let actions = match histories.new_tree(&mut runner) {
            Ok(tree) => tree.current(),
            Err(reason) => panic!("no history: {reason}"),
        };
        run(&actions, |before, event, answer, _| {
            for name in milestones(before, event, answer) {
                *met.entry(name).or_default() += 1;
            }
        });
    }
    let missed: Vec<_> = MILESTONES
        .iter()
        .filter(|name| met.get(*name).copied().unwrap_or_default() < 10)
        .collect();
    assert!(
        missed.is_empty(),
        "expected each at least 10 times, missed {missed:?}; seen {met:#?}"
    );
}

const MILESTONES: [&str; 22] = [
    "lease taken over from another device",
    "operation id found what it made",
    "recovered pair in force",
    "refreshed pair in force",
    "frozen pair replaced",
    "frozen pair",
    "signature",
    "backup active",
    "backup superseded",
    "LeaseHeld",
    "OperationIdReused",
    "Fenced",
    "WalletAlreadyExists",
    "BackupNotComplete",
    "SigningSuperseded",
    "SigningNotActive",
    "SigningFrozen",
    "KeyChanged",
    "BackupAwaitsCustodian",
    "CipherTextDigestMissing",
    "CipherTextDigestDiffers",
    "BackupSuperseded",
];

fn milestones(
    before: &Wallet,
    event: &Event,
    answer: &Result<(Wallet, Effect), Refusal>,
) -> Vec<&'static str> {
    let (next, effect) = match answer {
        Ok(accepted) => accepted,
        Err(refusal) => {
            // The name of the variant, as `Debug` begins.
            let text = format!("{refusal:?}");
            return MILESTONES
                .into_iter()
                .filter(|name| text.split([' ', '{']).next() == Some(name))
                .collect();
        }
    };
    let (was, is) = (before.current_signing(), next.current_signing());
    let came_into_force = was.map(|pair| pair.ids) != is.map(|pair| pair.ids);
    let made_by = is.filter(|_| came_into_force).map(|pair| pair.made_by);
    let was_frozen = was.is_some_and(|pair| pair.status == SigningStatus::Frozen);
    let is_frozen = is.is_some_and(|pair| pair.status == SigningStatus::Frozen);
    let (was_backup, is_backup) = (before.active_backup(), next.active_backup());
    let backup_came = was_backup.map(|pair| pair.ids) != is_backup.map(|pair| pair.ids);
    let taken_over = match (event, &before.lease) {
        (Event::Start(start), Some(lease)) => {
            matches!(effect, Effect::LeaseTaken(_)) && lease.device_id != start.device_id
        }
        _ => false,
    };
    [
        (taken_over, "lease taken over from another device"),
        (
            matches!(effect, Effect::AlreadyMade(_)),
            "operation id found what it made",
        ),
        (
            made_by == Some(OperationKind::Recover),
            "recovered pair in force",
        ),
        (
            made_by == Some(OperationKind::Refresh),
            "refreshed pair in force",
        ),
        (was_frozen && came_into_force, "frozen pair replaced"),
        (is_frozen && !was_frozen, "frozen pair"),
        (*effect == Effect::AuditSignature, "signature"),
        (backup_came, "backup active"),
        (backup_came && was_backup.is_some(), "backup superseded"),
    ]
    .into_iter()
    .filter_map(|(met, name)| met.then_some(name))
    .collect()
}
