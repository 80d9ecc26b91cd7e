//! The life of a signing pair: E2, E4–E6, E11, E12, E20.

use super::{UNFINISHED_PAIRS, garbage, lease};
use crate::ids::SigningSharePairId;
use crate::{
    BackupStatus, Curve, Effect, OperationKind, PerCurve, Plan, PublicPoints, Refusal,
    SigningCommit, SigningPair, SigningStatus, Timestamp, Transition, Wallet,
};

/// E2: a new pair is `STORED_DATABASE`; the lease ends with it.
///
/// What it was made from must still be in force: a pair that was superseded meanwhile would
/// otherwise come back to life in a newer generation.
pub(super) fn commit(
    wallet: &Wallet,
    commit: SigningCommit,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let lease = lease::held(wallet, commit.fence, commit.plan.kind(), "signing pair")?;
    lease::check_source(wallet, &commit.plan)?;
    let source = match commit.plan {
        Plan::Generate => None,
        Plan::Refresh { .. } => wallet
            .current_signing()
            .map(|pair| (pair.generation, &pair.points)),
        Plan::Recover { .. } => wallet
            .active_backup()
            .map(|pair| (pair.generation, &pair.points)),
        Plan::Backup { .. } => {
            return Err(Refusal::Fenced {
                what: "signing pair",
            });
        }
    };
    let in_force = wallet.current_signing().map(|pair| &pair.points);
    if [source.map(|(_, points)| points), in_force]
        .into_iter()
        .flatten()
        .any(|points| !same_key(points, &commit.points))
    {
        return Err(Refusal::KeyChanged);
    }
    if wallet
        .signing_pairs
        .iter()
        .any(|pair| shares_id(pair.ids, commit.ids))
    {
        return Err(Refusal::PairIdTaken);
    }
    let pair = SigningPair {
        ids: commit.ids,
        generation: lease.generation,
        status: SigningStatus::StoredDatabase,
        points: commit.points,
        operation_id: lease.operation_id,
        made_by: lease.kind,
        source: source.map(|(generation, _)| generation),
        created_at: now,
        status_since: now,
        proved_at: None,
    };
    let mut next = wallet.clone();
    next.lease = None;
    if let Plan::Recover { source } = commit.plan {
        // Both its shares have just taken part.
        let read = next.backup_pairs.iter_mut();
        for backup in read.filter(|backup| backup.ids == source) {
            backup.proved_at = Some(now);
        }
    }
    make_room(wallet, &mut next, now);
    next.signing_pairs.push(pair);
    Ok(Transition {
        wallet: next,
        effect: Effect::StoreSigningShare(commit.ids),
    })
}

/// E9, before its time: nothing was handed out that needs a pair nobody confirmed (P1).
fn make_room(wallet: &Wallet, next: &mut Wallet, now: Timestamp) {
    let waits = |pair: &SigningPair| pair.status == SigningStatus::StoredDatabase;
    let waiting = wallet.signing_pairs.iter().filter(|pair| waits(pair));
    let excess = (waiting.count() + 1).saturating_sub(UNFINISHED_PAIRS);
    let oldest = next.signing_pairs.iter_mut();
    let oldest = oldest.filter(|pair| waits(pair) && !garbage::may_be_all_there_is(wallet, pair));
    for pair in oldest.take(excess) {
        pair.become_at(SigningStatus::Abandoned, now);
    }
}

/// E4: the pair becomes active and the former one superseded; E5: again is the same answer, and
/// in a new epoch the proof that E20 asks for.
pub(super) fn confirm(
    wallet: &Wallet,
    ids: PerCurve<SigningSharePairId>,
    epoch: u64,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if epoch != wallet.epoch.number {
        return Err(Refusal::EpochPassed {
            given: epoch,
            current: wallet.epoch.number,
        });
    }
    let pair = wallet.signing_pair_of(ids).ok_or(Refusal::PairNotFound)?;
    if let Some(current) = wallet.current_signing() {
        if current.ids == ids {
            return confirm_again(wallet, current, now);
        }
        // A second Generate that lost the race would replace the key itself.
        let other_key = pair.made_by == OperationKind::Generate;
        let gone = pair.status != SigningStatus::StoredDatabase;
        if pair.generation <= current.generation || other_key || gone {
            return Err(superseded(pair, current));
        }
    }
    if pair.status != SigningStatus::StoredDatabase {
        return Err(Refusal::SigningNotActive {
            status: pair.status,
        });
    }
    let mut next = wallet.clone();
    next.proved_in = epoch;
    for other in &mut next.signing_pairs {
        let status = match other.status {
            _ if other.ids == ids => SigningStatus::StoredClient,
            SigningStatus::StoredClient | SigningStatus::Frozen => SigningStatus::Superseded,
            // It was refreshed from a pair that is now of the past: whoever holds that one must
            // not come back by it.
            SigningStatus::StoredDatabase if other.made_by == OperationKind::Refresh => {
                SigningStatus::Abandoned
            }
            unchanged => unchanged,
        };
        other.become_at(status, now);
    }
    if pair.made_by == OperationKind::Recover {
        // Whoever held the former device may have begun a backup with it. It must not be
        // completed now: it would take the place of the one the wallet was recovered from.
        for backup in next
            .backup_pairs
            .iter_mut()
            .filter(|backup| backup.status.is_open())
        {
            backup.become_at(BackupStatus::Abandoned, now);
        }
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

/// E5, E20: the pair in force is confirmed once more. A frozen one has proved itself, too: so it
/// can be refreshed, but it stays frozen.
fn confirm_again(
    wallet: &Wallet,
    current: &SigningPair,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if wallet.is_proved() {
        return match current.status {
            SigningStatus::Frozen => Err(Refusal::SigningFrozen),
            _ => Ok(wallet.unchanged()),
        };
    }
    let mut next = wallet.clone();
    next.proved_in = wallet.epoch.number;
    note_proof(&mut next, current.ids, now);
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

/// How old a note of the last proof may become: it costs a write.
const PROOF_NOTE_MS: u64 = 24 * 3_600 * 1_000;

fn note_proof(wallet: &mut Wallet, ids: PerCurve<SigningSharePairId>, now: Timestamp) {
    let began = wallet.epoch.began_at;
    let pairs = wallet.signing_pairs.iter_mut();
    for pair in pairs.filter(|pair| pair.ids == ids) {
        // A clock that ran ahead made no note that lasts.
        let is_fresh = |at: Timestamp| at <= now && now.ms_since(at) < PROOF_NOTE_MS && at >= began;
        if !pair.proved_at.is_some_and(is_fresh) {
            pair.proved_at = Some(now);
        }
    }
}

/// E11: only the active pair signs, only while it is not frozen, and only after it proved itself
/// in this epoch (E20).
pub(super) fn sign(
    wallet: &Wallet,
    curve: Curve,
    pair: SigningSharePairId,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let current = wallet.current_signing();
    let pair = match wallet.signing_pair(curve, pair) {
        Some(pair) => pair,
        None if current.is_none() => return Err(Refusal::WalletNotFound),
        None => return Err(Refusal::PairNotFound),
    };
    if let Some(current) = current.filter(|current| current.ids != pair.ids) {
        return match pair.status {
            // Newer than the one in force: it only waits for its confirmation.
            status @ SigningStatus::StoredDatabase if pair.generation > current.generation => {
                Err(Refusal::SigningNotActive { status })
            }
            _ => Err(superseded(pair, current)),
        };
    }
    match pair.status {
        SigningStatus::StoredClient if !wallet.is_proved() => Err(Refusal::PossessionUnproved),
        SigningStatus::StoredClient => {
            let mut next = wallet.clone();
            note_proof(&mut next, pair.ids, now);
            Ok(Transition {
                wallet: next,
                effect: Effect::AuditSignature,
            })
        }
        SigningStatus::Frozen => Err(Refusal::SigningFrozen),
        status => Err(Refusal::SigningNotActive { status }),
    }
}

/// E12: the pair is frozen, whatever it was.
pub(super) fn strike(
    wallet: &Wallet,
    curve: Curve,
    pair: SigningSharePairId,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let ids = wallet
        .signing_pair(curve, pair)
        .ok_or(Refusal::PairNotFound)?
        .ids;
    let mut next = wallet.clone();
    for struck in next.signing_pairs.iter_mut().filter(|pair| pair.ids == ids) {
        if struck.status == SigningStatus::StoredClient {
            struck.become_at(SigningStatus::Frozen, now);
        }
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::Freeze,
    })
}

/// Whether two sharings are of the same keys.
pub(super) fn same_key(one: &PerCurve<PublicPoints>, other: &PerCurve<PublicPoints>) -> bool {
    one.secp256k1.key == other.secp256k1.key && one.ed25519.key == other.ed25519.key
}

/// Whether two pairs have an id in common, on either curve.
pub(super) fn shares_id<Id: PartialEq>(one: PerCurve<Id>, other: PerCurve<Id>) -> bool {
    one.secp256k1 == other.secp256k1 || one.ed25519 == other.ed25519
}

fn superseded(given: &SigningPair, current: &SigningPair) -> Refusal {
    Refusal::SigningSuperseded {
        given: given.generation,
        active: current.ids,
        active_generation: current.generation,
    }
}
