//! What the databases' schemas refuse by themselves.

use std::collections::BTreeMap;

use portal_lifecycle::{BackupStatus, Curve, SigningStatus, Wallet};
use uuid::Uuid;

use crate::StoreError;
use crate::history::is_in_force;

type Shares = BTreeMap<(Curve, Uuid), Vec<u8>>;

/// Refuses a state that no database would store.
pub(super) fn check(
    stored: Option<&Wallet>,
    next: &Wallet,
    shares: &Shares,
) -> Result<(), StoreError> {
    let refused = |guard| Err(StoreError::Refused { guard });
    for (number, column) in [
        (next.generation.0, "generation"),
        (next.fence.0, "fence"),
        (next.proved_in, "proved_in"),
    ] {
        if i64::try_from(number).is_err() {
            let table = "wallets";
            return Err(StoreError::OutOfRange { table, column });
        }
    }
    if let Some(stored) = stored {
        if next.generation < stored.generation || next.fence < stored.fence {
            return refused("generation and fence of a wallet never fall");
        }
        if stored.ejected_at.is_some() && next.ejected_at != stored.ejected_at {
            return refused("an ejected wallet stays ejected");
        }
        if next.ids != stored.ids {
            return refused("the ids of a wallet never change");
        }
        check_purged(stored, next)?;
    }
    let signing = &next.signing_pairs;
    let in_force = signing.iter().filter(|pair| is_in_force(pair.status));
    if in_force.count() > 1 {
        return refused("one signing pair is in force");
    }
    let active = |status| status == BackupStatus::StoredClientBackupShare;
    let backups = next.backup_pairs.iter().filter(|pair| active(pair.status));
    if backups.clone().count() > 1 {
        return refused("one backup is in force");
    }
    if backups
        .clone()
        .any(|pair| pair.cipher_text_digest.is_none())
    {
        return refused("a complete backup has a digest");
    }
    let needs_share = |status| {
        matches!(
            status,
            SigningStatus::StoredDatabase | SigningStatus::StoredClient
        )
    };
    for pair in signing.iter().filter(|pair| needs_share(pair.status)) {
        if !pair
            .ids
            .iter()
            .all(|(curve, id)| shares.contains_key(&(curve, id.0)))
        {
            return refused("a pair that may sign has a share");
        }
    }
    Ok(())
}

/// What goes with `PURGED` goes for good (E18): so no other status comes after it, and nothing comes
/// there but what was overtaken or given up while another backup is in force that has proved itself.
fn check_purged(stored: &Wallet, next: &Wallet) -> Result<(), StoreError> {
    use BackupStatus::{Abandoned, Purged, Superseded};
    let is_replaced = next
        .active_backup()
        .is_some_and(|active| active.proved_at.is_some())
        && next.ejected_at.is_none();
    for was in &stored.backup_pairs {
        let is = next.backup_pair_of(was.ids).map(|pair| pair.status);
        let guard = match (was.status, is) {
            (Purged, Some(Purged)) => continue,
            (Purged, _) => "a purged backup pair stays purged",
            (Superseded | Abandoned, Some(Purged)) if is_replaced => continue,
            (_, Some(Purged)) => {
                "only a backup pair that another one has replaced for good is purged"
            }
            _ => continue,
        };
        return Err(StoreError::Refused { guard });
    }
    Ok(())
}
