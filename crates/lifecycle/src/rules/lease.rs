//! Who may work on a wallet: E1, E14's and E19's guards at the start, and the end.

use crate::event::AlreadyMade;
use crate::ids::SigningSharePairId;
use crate::{
    Effect, Fence, Generation, Lease, LeaseTaken, OperationKind, PerCurve, Plan, Refusal,
    SigningPair, SigningStatus, Start, Timestamp, Transition, Wallet,
};

/// Longest lease that is given out.
pub(crate) const MAX_LEASE_MS: u64 = 15 * 60 * 1_000;

/// E1: takes the lease, or finds what the same operation id made before.
pub(super) fn start(wallet: &Wallet, start: Start, now: Timestamp) -> Result<Transition, Refusal> {
    if let Some(made) = already_made(wallet, &start)? {
        return Ok(Transition {
            wallet: wallet.clone(),
            effect: Effect::AlreadyMade(made),
        });
    }
    check_source(wallet, &start.plan)?;
    if let Some(lease) = &wallet.lease {
        // The kind is enough: one that asks for the same kind otherwise gets a fence of its own, under
        // which alone can still be committed, and what was made is compared whole, above.
        if lease.operation_id == start.operation_id && lease.kind != start.plan.kind() {
            let ran = lease.kind;
            return Err(Refusal::OperationIdReused {
                operation_id: start.operation_id,
                ran,
            });
        }
        // The same device has lost its former session; another device has not. A lease that
        // ends later than any could is one that a wrong clock gave out; one of an earlier epoch
        // came with the copy of the database.
        let held = lease.device_id != start.device_id
            && is_of_this_epoch(wallet, lease.fence)
            && now < lease.expires_at
            && lease.expires_at.ms_since(now) <= MAX_LEASE_MS;
        if held {
            return Err(Refusal::LeaseHeld {
                device_id: lease.device_id,
                operation_id: lease.operation_id,
                kind: lease.kind,
                expires_at: lease.expires_at,
            });
        }
    }
    let after = |last: u64| last.max(wallet.epoch.floor()).saturating_add(1);
    let taken = LeaseTaken {
        fence: Fence(after(wallet.fence.0)),
        generation: Generation(after(wallet.generation.0)),
    };
    let mut next = wallet.clone();
    next.fence = taken.fence;
    next.generation = taken.generation;
    next.lease = Some(Lease {
        operation_id: start.operation_id,
        kind: start.plan.kind(),
        device_id: start.device_id,
        fence: taken.fence,
        generation: taken.generation,
        expires_at: now.plus_ms(start.lease_ms.min(MAX_LEASE_MS)),
    });
    Ok(Transition {
        wallet: next,
        effect: Effect::LeaseTaken(taken),
    })
}

/// Gives the lease back, if it is still the one of `fence`.
pub(super) fn end(wallet: &Wallet, fence: Fence) -> Transition {
    let mut next = wallet.clone();
    next.lease = next.lease.filter(|lease| lease.fence != fence);
    Transition {
        wallet: next,
        effect: Effect::None,
    }
}

/// E2, E14: the lease, if `fence` still holds it and it was taken for `kind`. A fence is given out
/// once, so it tells sessions, devices and parameters of one kind apart.
pub(super) fn held<'a>(
    wallet: &'a Wallet,
    fence: Fence,
    kind: OperationKind,
    what: &'static str,
) -> Result<&'a Lease, Refusal> {
    wallet
        .lease
        .as_ref()
        .filter(|lease| lease.fence == fence && lease.kind == kind)
        .filter(|_| is_of_this_epoch(wallet, fence))
        .ok_or(Refusal::Fenced { what })
}

/// E20: a session that began before the database was put back has no say any more.
fn is_of_this_epoch(wallet: &Wallet, fence: Fence) -> bool {
    fence.0 > wallet.epoch.floor()
}

/// What an operation of this id made. It must have been asked for the same: the same kind of
/// operation on the same pair, and a backup in the same way.
fn already_made(wallet: &Wallet, start: &Start) -> Result<Option<AlreadyMade>, Refusal> {
    let signing = wallet
        .signing_pairs
        .iter()
        .find(|pair| pair.operation_id == start.operation_id)
        .map(|pair| {
            let asked = pair.made_by == start.plan.kind() && is_from(wallet, pair.source, start);
            (pair.made_by, asked, AlreadyMade::Signing(pair.ids))
        });
    let backup = wallet
        .backup_pairs
        .iter()
        .find(|pair| pair.operation_id == start.operation_id)
        .map(|pair| {
            let asked = match start.plan {
                Plan::Backup { method, mode, .. } => (pair.method, pair.mode) == (method, mode),
                Plan::Generate | Plan::Recover { .. } | Plan::Refresh { .. } => false,
            };
            let asked = asked && is_from(wallet, pair.source, start);
            (OperationKind::Backup, asked, AlreadyMade::Backup(pair.ids))
        });
    match signing.or(backup) {
        None => Ok(None),
        Some((_, true, made)) => Ok(Some(made)),
        Some((ran, false, _)) => Err(Refusal::OperationIdReused {
            operation_id: start.operation_id,
            ran,
        }),
    }
}

/// Whether the pair of this generation is the one that a start names; one that was not noted may
/// be.
fn is_from(wallet: &Wallet, source: Option<Generation>, start: &Start) -> bool {
    let named = match start.plan {
        Plan::Generate => None,
        Plan::Backup { source, .. } | Plan::Refresh { source } => {
            wallet.signing_pair_of(source).map(|pair| pair.generation)
        }
        Plan::Recover { source } => wallet.backup_pair_of(source).map(|pair| pair.generation),
    };
    source.is_none_or(|source| named == Some(source))
}

/// What the operation reads must be there, and in force.
pub(super) fn check_source(wallet: &Wallet, plan: &Plan) -> Result<(), Refusal> {
    match plan {
        Plan::Generate if wallet.current_signing().is_some() => Err(Refusal::WalletAlreadyExists),
        Plan::Generate => Ok(()),
        Plan::Backup { source, .. } => match require_proved(wallet, *source)?.status {
            SigningStatus::Frozen => Err(Refusal::SigningFrozen),
            _ => Ok(()),
        },
        // E13: a frozen pair may be refreshed; that is one way out.
        Plan::Refresh { source } => require_proved(wallet, *source).map(|_| ()),
        Plan::Recover { source } => {
            let active = wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
            if active.ids == *source {
                Ok(())
            } else {
                Err(Refusal::BackupNotActive)
            }
        }
    }
}

/// E20: the pair in force, if it is the one that was named and has proved itself in this epoch.
fn require_proved(
    wallet: &Wallet,
    ids: PerCurve<SigningSharePairId>,
) -> Result<&SigningPair, Refusal> {
    let current = require_current(wallet, ids)?;
    if wallet.is_proved() {
        Ok(current)
    } else {
        Err(Refusal::PossessionUnproved)
    }
}

/// The pair in force, if it is the one that was named.
fn require_current(
    wallet: &Wallet,
    ids: PerCurve<SigningSharePairId>,
) -> Result<&SigningPair, Refusal> {
    let current = wallet.current_signing().ok_or(Refusal::WalletNotFound)?;
    if current.ids == ids {
        return Ok(current);
    }
    let given = wallet.signing_pair_of(ids).ok_or(Refusal::PairNotFound)?;
    Err(Refusal::SigningSuperseded {
        given: given.generation,
        active: current.ids,
        active_generation: current.generation,
    })
}
