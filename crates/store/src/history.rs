//! What a commit changes in the pairs of a wallet: none is dropped, none but in what may change.

use std::collections::HashMap;
use std::hash::Hash;

use portal_lifecycle::{BackupPair, BackupStatus, SigningPair, SigningStatus};

use crate::StoreError;

/// One pair that is not as it is stored.
#[derive(Debug)]
pub(crate) enum Change<'a, P> {
    Insert(&'a P),
    Update(&'a P),
}

impl<'a, P> Change<'a, P> {
    const fn pair(&self) -> &'a P {
        match self {
            Self::Insert(pair) | Self::Update(pair) => pair,
        }
    }
}

/// The signing pairs that changed, those that leave force before the one that comes into it: at
/// most one is in force, in the midst of a transaction too.
pub(crate) fn signing_changes<'a>(
    stored: &[SigningPair],
    next: &'a [SigningPair],
) -> Result<Vec<Change<'a, SigningPair>>, StoreError> {
    let may_become = |old: &SigningPair, new: &SigningPair| {
        SigningPair {
            status: new.status,
            status_since: new.status_since,
            proved_at: new.proved_at,
            ..old.clone()
        } == *new
    };
    let ids = |pair: &SigningPair| pair.ids;
    let mut changes = changes("signing_share_pairs", stored, next, ids, may_become)?;
    changes.sort_by_key(|change| is_in_force(change.pair().status));
    Ok(changes)
}

/// The backup pairs that changed, in the same order.
pub(crate) fn backup_changes<'a>(
    stored: &[BackupPair],
    next: &'a [BackupPair],
) -> Result<Vec<Change<'a, BackupPair>>, StoreError> {
    let may_become = |old: &BackupPair, new: &BackupPair| {
        BackupPair {
            status: new.status,
            status_since: new.status_since,
            cipher_text_digest: new.cipher_text_digest,
            proved_at: new.proved_at,
            ..old.clone()
        } == *new
    };
    let ids = |pair: &BackupPair| pair.ids;
    let mut changes = changes("backup_share_pairs", stored, next, ids, may_become)?;
    changes.sort_by_key(|change| change.pair().status == BackupStatus::StoredClientBackupShare);
    Ok(changes)
}

pub(crate) const fn is_in_force(status: SigningStatus) -> bool {
    matches!(status, SigningStatus::StoredClient | SigningStatus::Frozen)
}

/// By id: a wallet may have thousands of pairs.
fn changes<'a, P: PartialEq, Id: Eq + Hash>(
    table: &'static str,
    stored: &[P],
    next: &'a [P],
    id: impl Fn(&P) -> Id,
    may_become: impl Fn(&P, &P) -> bool,
) -> Result<Vec<Change<'a, P>>, StoreError> {
    let rewritten = || StoreError::HistoryRewritten { table };
    let mut left: HashMap<Id, &P> = stored.iter().map(|old| (id(old), old)).collect();
    let mut changes = Vec::new();
    for new in next {
        match left.remove(&id(new)) {
            None => changes.push(Change::Insert(new)),
            Some(old) if old == new => {}
            Some(old) if may_become(old, new) => changes.push(Change::Update(new)),
            Some(_) => return Err(rewritten()),
        }
    }
    if left.is_empty() {
        Ok(changes)
    } else {
        Err(rewritten())
    }
}
