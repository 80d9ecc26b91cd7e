//! The life of a backup pair: E14–E17.

use super::{UNFINISHED_PAIRS, lease, signing};
use crate::ids::BackupSharePairId;
use crate::{
    BackupCommit, BackupMode, BackupPair, BackupStatus, CipherTextDigest, Effect, OperationKind,
    PerCurve, Plan, Refusal, Timestamp, Transition, Wallet,
};

/// E14: a new pair is `PENDING`, its custodian share in the outbox; or, in managed mode, stored at
/// once. The lease ends with it.
pub(super) fn commit(
    wallet: &Wallet,
    commit: BackupCommit,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let lease = lease::held(wallet, commit.fence, OperationKind::Backup, "backup pair")?;
    let plan = Plan::Backup {
        source: commit.source,
        method: commit.method,
        mode: commit.mode,
    };
    lease::check_source(wallet, &plan)?;
    let current = wallet.current_signing().ok_or(Refusal::WalletNotFound)?;
    if !signing::same_key(&current.points, &commit.points) {
        return Err(Refusal::KeyChanged);
    }
    if wallet
        .backup_pairs
        .iter()
        .any(|pair| signing::shares_id(pair.ids, commit.ids))
    {
        return Err(Refusal::PairIdTaken);
    }
    let pair = BackupPair {
        ids: commit.ids,
        generation: lease.generation,
        status: match commit.mode {
            BackupMode::Plain | BackupMode::Sealed => BackupStatus::Pending,
            // The server is the one that keeps it: there is nobody to wait for.
            BackupMode::Managed => BackupStatus::StoredCustodianBackupShare,
        },
        method: commit.method,
        mode: commit.mode,
        points: commit.points,
        cipher_text_digest: None,
        operation_id: lease.operation_id,
        source: Some(current.generation),
        created_at: now,
        status_since: now,
        proved_at: None,
    };
    let mut next = wallet.clone();
    next.lease = None;
    // E18, before its time: never the one in force, and nobody forgets a share because of it.
    let open = wallet
        .backup_pairs
        .iter()
        .filter(|pair| pair.status.is_open());
    let excess = (open.count() + 1).saturating_sub(UNFINISHED_PAIRS);
    let oldest = next.backup_pairs.iter_mut();
    for pair in oldest.filter(|pair| pair.status.is_open()).take(excess) {
        pair.become_at(BackupStatus::Abandoned, now);
    }
    next.backup_pairs.push(pair);
    Ok(Transition {
        wallet: next,
        effect: match commit.mode {
            BackupMode::Plain | BackupMode::Sealed => Effect::EnqueueCustodianShare(commit.ids),
            BackupMode::Managed => Effect::StoreCustodianShare(commit.ids),
        },
    })
}

/// E15: the custodian's share is safe; said again, it stays so.
pub(super) fn acknowledged(
    wallet: &Wallet,
    ids: PerCurve<BackupSharePairId>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let mut next = wallet.clone();
    let pair = find(&mut next, ids)?;
    if pair.status == BackupStatus::Pending {
        pair.become_at(BackupStatus::StoredCustodianBackupShare, now);
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::EraseOutbox(ids),
    })
}

/// E16: the key is in the user's storage; said again, or late, it changes nothing.
pub(super) fn key_stored(
    wallet: &Wallet,
    ids: PerCurve<BackupSharePairId>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let mut next = wallet.clone();
    let pair = find(&mut next, ids)?;
    match pair.status {
        BackupStatus::Pending => return Err(Refusal::BackupAwaitsCustodian),
        BackupStatus::StoredCustodianBackupShare => {
            pair.become_at(BackupStatus::StoredClientBackupShareKey, now);
        }
        BackupStatus::StoredClientBackupShareKey | BackupStatus::StoredClientBackupShare => {}
        status @ (BackupStatus::Superseded | BackupStatus::Abandoned | BackupStatus::Purged) => {
            return Err(Refusal::BackupSuperseded { status });
        }
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

/// E17: the pair becomes the active backup and the former one superseded.
pub(super) fn confirm(
    wallet: &Wallet,
    ids: PerCurve<BackupSharePairId>,
    digest: Option<CipherTextDigest>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let digest = digest.ok_or(Refusal::CipherTextDigestMissing)?;
    let newest = wallet.active_backup().map(|active| active.generation);
    let mut next = wallet.clone();
    let pair = find(&mut next, ids)?;
    match pair.status {
        BackupStatus::Pending => return Err(Refusal::BackupAwaitsCustodian),
        BackupStatus::StoredClientBackupShare => {
            return if pair.cipher_text_digest == Some(digest) {
                Ok(wallet.unchanged())
            } else {
                Err(Refusal::CipherTextDigestDiffers)
            };
        }
        BackupStatus::StoredCustodianBackupShare if pair.method.keeps_a_key() => {
            return Err(Refusal::BackupKeyNotStored);
        }
        BackupStatus::StoredCustodianBackupShare | BackupStatus::StoredClientBackupShareKey => {}
        status @ (BackupStatus::Superseded | BackupStatus::Abandoned | BackupStatus::Purged) => {
            return Err(Refusal::BackupSuperseded { status });
        }
    }
    if newest.is_some_and(|newest| pair.generation <= newest) {
        return Err(Refusal::BackupSuperseded {
            status: pair.status,
        });
    }
    for other in &mut next.backup_pairs {
        if other.ids == ids {
            other.become_at(BackupStatus::StoredClientBackupShare, now);
            other.cipher_text_digest = Some(digest);
        } else if other.status == BackupStatus::StoredClientBackupShare {
            other.become_at(BackupStatus::Superseded, now);
        }
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

/// The backup in force has shown that it would recover the wallet.
pub(super) fn prove(
    wallet: &Wallet,
    ids: PerCurve<BackupSharePairId>,
    digest: CipherTextDigest,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let active = wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    if active.ids != ids {
        return Err(Refusal::BackupNotActive);
    }
    if active.cipher_text_digest != Some(digest) {
        return Err(Refusal::CipherTextDigestDiffers);
    }
    let mut next = wallet.clone();
    find(&mut next, ids)?.proved_at = Some(now);
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

fn find(wallet: &mut Wallet, ids: PerCurve<BackupSharePairId>) -> Result<&mut BackupPair, Refusal> {
    wallet
        .backup_pairs
        .iter_mut()
        .find(|pair| pair.ids == ids)
        .ok_or(Refusal::PairNotFound)
}
