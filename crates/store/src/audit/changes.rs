//! The lines that a commit's pairs lead to, without anybody asking for them.

use std::collections::HashMap;

use portal_lifecycle::{BackupPair, BackupStatus, SigningPair, SigningStatus, Wallet};

use super::AuditAct;

/// What became of pairs between the stored state and the next: each that was made, each whose
/// status changed, each backup that was proved; what leaves force before what comes into it.
pub(crate) fn of_pairs(
    signing: &[SigningPair],
    backup: &[BackupPair],
    next: &Wallet,
) -> Vec<AuditAct> {
    // By id: a wallet may have thousands of pairs.
    let signing: HashMap<_, _> = signing.iter().map(|before| (before.ids, before)).collect();
    let backup: HashMap<_, _> = backup.iter().map(|before| (before.ids, before)).collect();
    let mut acts = Vec::new();
    for pair in &next.signing_pairs {
        let before = signing.get(&pair.ids);
        if before.is_none() {
            acts.push(AuditAct::SigningPairMade {
                ids: pair.ids,
                generation: pair.generation,
                made_by: pair.made_by,
                operation: pair.operation_id,
            });
        }
        let status = before.map_or(SigningStatus::StoredDatabase, |before| before.status);
        if status != pair.status {
            acts.extend(signing_status(pair));
        }
    }
    for pair in &next.backup_pairs {
        let before = backup.get(&pair.ids);
        if before.is_none() {
            acts.push(AuditAct::BackupPairMade {
                ids: pair.ids,
                generation: pair.generation,
                method: pair.method,
                operation: pair.operation_id,
            });
        }
        let status = before.map_or(BackupStatus::Pending, |before| before.status);
        if status != pair.status {
            acts.extend(backup_status(pair));
        }
        let proved_before = before.and_then(|before| before.proved_at);
        if pair.proved_at.is_some() && pair.proved_at != proved_before {
            acts.push(AuditAct::BackupPairProved {
                ids: pair.ids,
                generation: pair.generation,
            });
        }
    }
    acts
}

fn signing_status(pair: &SigningPair) -> Option<AuditAct> {
    let (ids, generation) = (pair.ids, pair.generation);
    Some(match pair.status {
        // Where a pair begins; nothing leads back to it.
        SigningStatus::StoredDatabase => return None,
        SigningStatus::StoredClient => AuditAct::SigningPairConfirmed { ids, generation },
        SigningStatus::Superseded => AuditAct::SigningPairSuperseded { ids, generation },
        SigningStatus::Frozen => AuditAct::SigningPairFrozen { ids, generation },
        SigningStatus::Abandoned => AuditAct::SigningPairAbandoned { ids, generation },
        SigningStatus::Purged => AuditAct::SigningPairPurged { ids, generation },
    })
}

fn backup_status(pair: &BackupPair) -> Option<AuditAct> {
    let (ids, generation) = (pair.ids, pair.generation);
    Some(match pair.status {
        BackupStatus::Pending => return None,
        BackupStatus::StoredCustodianBackupShare => {
            AuditAct::BackupPairDelivered { ids, generation }
        }
        BackupStatus::StoredClientBackupShareKey => AuditAct::BackupKeyStored { ids, generation },
        BackupStatus::StoredClientBackupShare => AuditAct::BackupPairCompleted {
            ids,
            generation,
            cipher_text: pair.cipher_text_digest,
        },
        BackupStatus::Superseded => AuditAct::BackupPairSuperseded { ids, generation },
        BackupStatus::Abandoned => AuditAct::BackupPairAbandoned { ids, generation },
        BackupStatus::Purged => AuditAct::BackupPairPurged { ids, generation },
    })
}
