//! Random histories: whatever is applied, in whatever order, the invariants hold.
//!
//! Two devices use a handful of operation ids. Events are repeated and
//! reordered, because each names any pair that was made so far, or one that
//! never was; fences are stale now and then; keys differ now and then; leases
//! run out. What the rules refuse cannot change the wallet: `apply` borrows it.

use std::collections::BTreeMap;

use portal_lifecycle::{
    BackupMethod, Curve, Effect, Event, Fence, Garbage, OperationKind, Plan, Refusal,
    SigningStatus, Timestamp, Wallet,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::invariants::{broken, recovers, wrongly_allowed};
use crate::world::{
    KEY, LEASE_MS, OTHER_KEY, acknowledged, active, back_up_by, backed_up, backup,
    commit_backup_of, commit_signing_of, confirm_backup_with, confirm_signing_in, digest,
    key_stored, keys, nothing, recover, refresh, restored, sign, start, strike,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
const DEVICES: u8 = 2;
const OPERATION_IDS: u8 = 24;
const ACTIONS: usize = 120;

/// One of the pairs that were made so far, or none of them.
#[derive(Debug, Clone, Copy)]
enum Pair {
    InForce,
    MadeAgo(u8),
    Unknown,
}

impl Pair {
    /// Its number: pairs are numbered from 1 in the order in which they were made.
    fn number<T>(self, pairs: &[T], in_force: impl Fn(&T) -> bool) -> u8 {
        let count = |n| u8::try_from(n).unwrap_or(u8::MAX);
        let newest = count(pairs.len());
        match self {
            Self::InForce => pairs
                .iter()
                .position(in_force)
                .map_or(newest, |at| count(at + 1)),
            Self::MadeAgo(ago) => newest.saturating_sub(ago),
            Self::Unknown => newest.saturating_add(1),
        }
    }

    fn signing(self, wallet: &Wallet) -> u8 {
        let current = wallet.current_signing().map(|pair| pair.ids);
        self.number(&wallet.signing_pairs, |pair| Some(pair.ids) == current)
    }

    fn backup(self, wallet: &Wallet) -> u8 {
        let active = wallet.active_backup().map(|pair| pair.ids);
        self.number(&wallet.backup_pairs, |pair| Some(pair.ids) == active)
    }
}

/// A plan before it is known which pair it reads.
#[derive(Debug, Clone, Copy)]
struct Planned {
    kind: OperationKind,
    source: Pair,
    method: BackupMethod,
}

impl Planned {
    fn on(self, wallet: &Wallet) -> Plan {
        match self.kind {
            OperationKind::Generate => Plan::Generate,
            OperationKind::Backup => back_up_by(self.method, self.source.signing(wallet)),
            OperationKind::Refresh => refresh(self.source.signing(wallet)),
            OperationKind::Recover => recover(self.source.backup(wallet)),
        }
    }
}

/// An event before it is known which of the wallet's pairs and fences it names.
#[derive(Debug, Clone)]
enum Action {
    Wait {
        ms: u64,
    },
    Start {
        plan: Planned,
        operation: u8,
        device: u8,
    },
    End {
        fences_ago: u64,
    },
    /// Of the kind that the lease was taken for, or of the plan's where `strayed`.
    Commit {
        fences_ago: u64,
        plan: Planned,
        strayed: bool,
        keys: (u8, u8),
    },
    ConfirmSigning {
        pair: Pair,
    },
    Sign {
        curve: Curve,
        pair: Pair,
    },
    Strike {
        curve: Curve,
        pair: Pair,
    },
    Acknowledged {
        pair: Pair,
    },
    KeyStored {
        pair: Pair,
    },
    ConfirmBackup {
        pair: Pair,
        digest: Option<u8>,
    },
    ProveBackup {
        pair: Pair,
        digest: u8,
    },
    Collect,
    EnableEject {
        after_ms: u64,
    },
    DisableEject,
    ReleaseBackupShare,
    Eject,
    /// An older copy of the database is put in its place; here, the very same state.
    Restore,
}

fn action() -> impl Strategy<Value = Action> {
    let curve = || prop::sample::select(Curve::ALL.to_vec());
    let keys = prop_oneof![
        12 => Just((KEY, KEY)),
        1 => Just((OTHER_KEY, KEY)),
        1 => Just((KEY, OTHER_KEY)),
        1 => Just((OTHER_KEY, OTHER_KEY)),
    ];
    let fences_ago = || prop_oneof![6 => Just(0_u64), 1 => 1..3_u64];
    let pair = || {
        prop_oneof![
            4 => Just(Pair::InForce),
            8 => (0..3_u8).prop_map(Pair::MadeAgo),
            1 => Just(Pair::Unknown),
        ]
    };
    let source = prop_oneof![9 => Just(Pair::InForce), 1 => pair()];
    let kind = prop::sample::select(OperationKind::ALL.to_vec());
    let method = prop::sample::select(BackupMethod::ALL.to_vec());
    let plan = (kind, source, method).prop_map(|(kind, source, method)| Planned {
        kind,
        source,
        method,
    });
    let digest = prop_oneof![8 => (1..3_u8).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        2 => prop_oneof![0..2 * LEASE_MS, 0..40 * DAY_MS].prop_map(|ms| Action::Wait { ms }),
        1 => Just(Action::Collect),
        // Rare: it is the end.
        1 => prop_oneof![
            6 => (0..20 * DAY_MS).prop_map(|after_ms| Action::EnableEject { after_ms }),
            1 => Just(Action::DisableEject),
            2 => Just(Action::ReleaseBackupShare),
            1 => Just(Action::Eject),
        ],
        1 => prop::bool::weighted(0.3).prop_map(|restore| {
            if restore { Action::Restore } else { Action::Collect }
        }),
        5 => (plan.clone(), 1..=OPERATION_IDS, 1..=DEVICES)
            .prop_map(|(plan, operation, device)| Action::Start { plan, operation, device }),
        1 => fences_ago().prop_map(|fences_ago| Action::End { fences_ago }),
        6 => (fences_ago(), plan, prop::bool::weighted(0.1), keys).prop_map(
            |(fences_ago, plan, strayed, keys)| Action::Commit { fences_ago, plan, strayed, keys }
        ),
        3 => pair().prop_map(|pair| Action::ConfirmSigning { pair }),
        2 => (curve(), pair()).prop_map(|(curve, pair)| Action::Sign { curve, pair }),
        1 => (curve(), pair()).prop_map(|(curve, pair)| Action::Strike { curve, pair }),
        3 => pair().prop_map(|pair| Action::Acknowledged { pair }),
        2 => pair().prop_map(|pair| Action::KeyStored { pair }),
        4 => (pair(), digest).prop_map(|(pair, digest)| Action::ConfirmBackup { pair, digest }),
        1 => (pair(), 1..3_u8).prop_map(|(pair, digest)| Action::ProveBackup { pair, digest }),
    ]
}

impl Action {
    /// The event this is on `wallet`; none where only time passes.
    fn on(&self, wallet: &Wallet, now: Timestamp) -> Option<Event> {
        let fence = |ago| wallet.fence.0.saturating_sub(ago);
        Some(match *self {
            Self::Wait { .. } | Self::Restore => return None,
            Self::Collect => Event::Collect,
            Self::EnableEject { after_ms } => Event::EnableEject {
                until: now.plus_ms(after_ms),
            },
            Self::ReleaseBackupShare => Event::ReleaseBackupShare,
            Self::DisableEject => Event::DisableEject,
            Self::Eject => Event::Eject {
                until: wallet.ejectable_until.unwrap_or(now),
            },
            Self::ProveBackup { pair, digest: n } => Event::ProveBackup {
                ids: backup(pair.backup(wallet)),
                cipher_text_digest: digest(n),
            },
            Self::Start {
                plan,
                operation,
                device,
            } => start(plan.on(wallet), operation, device),
            Self::End { fences_ago } => Event::End {
                fence: Fence(fence(fences_ago)),
            },
            Self::Commit {
                fences_ago,
                mut plan,
                strayed,
                keys: (secp256k1, ed25519),
            } => {
                if let Some(lease) = wallet.lease.as_ref().filter(|_| !strayed) {
                    plan.kind = lease.kind;
                }
                commit(
                    wallet,
                    fence(fences_ago),
                    plan.on(wallet),
                    secp256k1,
                    ed25519,
                )
            }
            Self::ConfirmSigning { pair } => {
                // A proof for the former epoch comes late now and then.
                let late = u64::from(matches!(pair, Pair::MadeAgo(2)));
                let epoch = wallet.epoch.number.saturating_sub(late);
                confirm_signing_in(epoch, pair.signing(wallet))
            }
            Self::Sign { curve, pair } => sign(curve, pair.signing(wallet)),
            Self::Strike { curve, pair } => strike(curve, pair.signing(wallet)),
            Self::Acknowledged { pair } => acknowledged(pair.backup(wallet)),
            Self::KeyStored { pair } => key_stored(pair.backup(wallet)),
            Self::ConfirmBackup { pair, digest: n } => {
                confirm_backup_with(pair.backup(wallet), n.map(digest))
            }
        })
    }
}

/// The commit of a pair that `plan` makes, with the next number there is.
fn commit(wallet: &Wallet, fence: u64, plan: Plan, secp256k1: u8, ed25519: u8) -> Event {
    if let Plan::Backup { source, method, .. } = plan {
        let n = Pair::Unknown.backup(wallet);
        let source = wallet
            .signing_pairs
            .iter()
            .position(|pair| pair.ids == source)
            .map_or(0, |at| u8::try_from(at + 1).unwrap_or(u8::MAX));
        commit_backup_of(fence, n, source, method, keys(secp256k1, ed25519, n))
    } else {
        let n = Pair::Unknown.signing(wallet);
        commit_signing_of(plan, fence, n, keys(secp256k1, ed25519, n))
    }
}

/// Applies `actions` to `wallet` and shows each answer to `seen`.
fn run(
    mut wallet: Wallet,
    actions: &[Action],
    mut seen: impl FnMut(&Wallet, &Event, &Result<(Wallet, Effect), Refusal>, Timestamp),
) {
    let mut now = Timestamp::from_ms(0);
    for action in actions {
        match action {
            Action::Wait { ms } => now = now.plus_ms(*ms),
            Action::Restore => wallet = restored(wallet, now),
            _ => {}
        }
        let Some(event) = action.on(&wallet, now) else {
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

/// Where a history begins; nothing random reaches deep every time.
fn beginning() -> impl Strategy<Value = Wallet> {
    prop_oneof![Just(nothing()), Just(active()), Just(backed_up())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn invariants_hold_after_every_transition(
        wallet in beginning(),
        actions in prop::collection::vec(action(), 1..ACTIONS),
    ) {
        let mut failures = Vec::new();
        run(wallet, &actions, |before, event, answer, now| {
            let Ok((next, effect)) = answer else {
                return;
            };
            if let Some(wrong) = wrongly_allowed(before, event, effect, now) {
                failures.push(format!("{wrong}: {event:?}\nbefore: {before:#?}"));
            }
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
    let histories = (beginning(), prop::collection::vec(action(), ACTIONS));
    let mut met = BTreeMap::<&str, usize>::new();
    for _ in 0..800 {
        let (wallet, actions) = match histories.new_tree(&mut runner) {
            Ok(tree) => tree.current(),
            Err(reason) => panic!("no history: {reason}"),
        };
        run(wallet, &actions, |before, event, answer, _| {
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

const MILESTONES: [&str; 37] = [
    "share released",
    "window closed",
    "ejected",
    "Ejected",
    "EjectNotEnabled",
    "EjectWindow",
    "lease taken over from another device",
    "operation id found what it made",
    "recovered pair in force",
    "refreshed pair in force",
    "frozen pair replaced",
    "frozen pair",
    "signature",
    "backup active",
    "backup superseded",
    "proved again after a restore",
    "backup proved",
    "unconfirmed pair given up",
    "superseded share purged",
    "backup purged",
    "PossessionUnproved",
    "EpochPassed",
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
    "BackupKeyNotStored",
    "BackupNotActive",
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
    let collected = |is: fn(&Garbage) -> bool| match effect {
        Effect::Collect(garbage) => garbage.iter().any(is),
        _ => false,
    };
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
        (*effect == Effect::ReleaseBackupShare, "share released"),
        (
            before.ejectable_until.is_some() && next.ejectable_until.is_none(),
            "window closed",
        ),
        (
            before.ejected_at.is_none() && next.ejected_at.is_some(),
            "ejected",
        ),
        (backup_came, "backup active"),
        (backup_came && was_backup.is_some(), "backup superseded"),
        (
            !before.is_proved() && next.is_proved() && !came_into_force,
            "proved again after a restore",
        ),
        (matches!(event, Event::ProveBackup { .. }), "backup proved"),
        (
            collected(|what| matches!(what, Garbage::AbandonedSigning(_))),
            "unconfirmed pair given up",
        ),
        (
            collected(|what| matches!(what, Garbage::PurgedSigning(_))),
            "superseded share purged",
        ),
        (
            collected(|what| matches!(what, Garbage::PurgedBackup(_))),
            "backup purged",
        ),
    ]
    .into_iter()
    .filter_map(|(met, name)| met.then_some(name))
    .collect()
}
