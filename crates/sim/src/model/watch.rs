//! What the checker sees of each transition of the wallet.

use portal_lifecycle::{
    self as lifecycle, BackupStatus, Effect, Event, Garbage, Plan, SigningStatus, Transition,
    Wallet,
};

use super::pairs::number;
use super::record::Count;
use super::state::{State, Wrong};

/// Notes what the transition that `state` is about to take says about the properties.
///
/// It asks the wallet *before* the transition and what the checker itself remembers, never the
/// guards of the rules.
pub(crate) fn transition(state: &mut State, before: &Wallet, event: &Event, answer: &Transition) {
    match event {
        Event::Start(_) | Event::CommitSigning(_) | Event::CommitBackup(_) => {
            lease(state, before, event, answer);
        }
        Event::ConfirmSigning { ids, epoch } => {
            let ghost = &mut state.ghost;
            if *epoch != before.epoch.number {
                ghost.wrongs.note(Wrong::UsedUnproved);
            } else if !ghost.is_proved {
                ghost.is_proved = true;
                ghost.used.add(number(&ids.secp256k1.0));
            }
        }
        Event::Sign { pair, .. } => signature(state, before, number(&pair.0)),
        Event::Strike { pair, .. } => {
            let (ghost, pair) = (&mut state.ghost, number(&pair.0));
            if ghost.struck.has(pair) {
                ghost.wrongs.note(Wrong::StruckTwice);
            }
            ghost.struck.add(pair);
        }
        Event::Collect => collection(state, before, answer),
        _ => {}
    }
    if fell(before, &answer.wallet) {
        state.ghost.wrongs.note(Wrong::GenerationFell);
    }
}

fn lease(state: &mut State, before: &Wallet, event: &Event, answer: &Transition) {
    let now = state.now;
    let ghost = &mut state.ghost;
    match (event, &answer.effect) {
        (Event::Start(start), Effect::LeaseTaken(taken)) => {
            let held = state.database.wallet.lease.is_some_and(|lease| {
                super::record::device_id(lease.device) != start.device_id
                    && lease.is_running(now)
                    && lease.fence > Count::floor(state.database.wallet.epoch)
            });
            if held {
                ghost.wrongs.note(Wrong::LeaseTakenFromHolder);
            }
            let uses = matches!(start.plan, Plan::Refresh { .. } | Plan::Backup { .. });
            if uses && !ghost.is_proved {
                ghost.wrongs.note(Wrong::UsedUnproved);
            }
            let generation = Count::of(taken.generation.0);
            let fence = Count::of(taken.fence.0);
            if generation <= ghost.generation || fence <= ghost.fence {
                ghost.wrongs.note(Wrong::GenerationFell);
            }
            (ghost.generation, ghost.fence) = (generation, fence);
        }
        (Event::CommitSigning(lifecycle::SigningCommit { fence, .. }), _)
        | (Event::CommitBackup(lifecycle::BackupCommit { fence, .. }), _)
            if Count::of(fence.0) != ghost.fence || before.lease.is_none() =>
        {
            ghost.wrongs.note(Wrong::CommitUnderOldFence);
        }
        _ => {}
    }
}

fn signature(state: &mut State, before: &Wallet, pair: u8) {
    let ghost = &mut state.ghost;
    let in_force = before
        .signing_pairs
        .iter()
        .filter(|pair| {
            matches!(
                pair.status,
                SigningStatus::StoredClient | SigningStatus::Frozen
            )
        })
        .max_by_key(|pair| pair.generation);
    let signs = in_force.is_some_and(|in_force| {
        number(&in_force.ids.secp256k1.0) == pair && in_force.status == SigningStatus::StoredClient
    });
    if !signs {
        ghost.wrongs.note(Wrong::SignedByPairNotInForce);
    }
    if !ghost.is_proved {
        ghost.wrongs.note(Wrong::UsedUnproved);
    }
    ghost.used.add(pair);
}

fn collection(state: &mut State, before: &Wallet, answer: &Transition) {
    let Effect::Collect(garbage) = &answer.effect else {
        return;
    };
    let current = before.current_signing();
    let used = current.is_some_and(|pair| state.ghost.used.has(number(&pair.ids.secp256k1.0)));
    let now = state.now.timestamp();
    let began = state.ghost.epoch_began.timestamp();
    for what in garbage {
        let wrong = match what {
            Garbage::AbandonedSigning(ids) => {
                let since = before.signing_pair_of(*ids).map(|pair| pair.status_since);
                let waited = since.map(|since| now.ms_since(since.max(began)));
                (waited.unwrap_or(0) <= WEEK_MS).then_some(Wrong::GivenUpTooSoon)
            }
            Garbage::PurgedSigning(ids) => {
                let was = before.signing_pair_of(*ids).map(|pair| pair.status);
                (was == Some(SigningStatus::Superseded) && !used)
                    .then_some(Wrong::PurgedBeforeSuccessorUsed)
            }
            Garbage::AbandonedBackup(_) | Garbage::PurgedBackup(_) => None,
        };
        if let Some(wrong) = wrong {
            state.ghost.wrongs.note(wrong);
        }
    }
}

const WEEK_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// I3: neither what was handed out, nor what is in force, ever gives way to something older.
fn fell(before: &Wallet, next: &Wallet) -> bool {
    let in_force = |wallet: &Wallet| wallet.current_signing().map(|pair| pair.generation);
    let backup = |wallet: &Wallet| {
        let active = wallet
            .backup_pairs
            .iter()
            .filter(|pair| pair.status == BackupStatus::StoredClientBackupShare);
        active.map(|pair| pair.generation).max()
    };
    before.generation > next.generation
        || before.fence > next.fence
        || in_force(before) > in_force(next)
        || backup(before) > backup(next)
}
