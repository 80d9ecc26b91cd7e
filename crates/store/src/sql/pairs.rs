//! The rows of pairs that a commit changes.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupPair, Curve, Generation, PerCurve, SigningPair, Wallet};

use super::engine::{Transaction, query};
use super::row::count;
use crate::StoreError;
use crate::history::{Change, backup_changes, signing_changes};
use crate::sealed::SealedSecrets;

/// Writes the signing pairs that changed, and the server's share of a new one.
pub(super) async fn write_signing(
    transaction: &mut Transaction,
    client: ClientId,
    stored: &[SigningPair],
    next: &Wallet,
    secrets: &SealedSecrets,
) -> Result<(), StoreError> {
    let changes = signing_changes(stored, &next.signing_pairs)?;
    let (new_ids, sealed) = match secrets {
        SealedSecrets::StoreSigningShare { ids, sealed } => (Some(*ids), Some(sealed)),
        _ => (None, None),
    };
    let is_new = |change: &Change<'_, SigningPair>| matches!(change, Change::Insert(pair) if Some(pair.ids) == new_ids);
    if new_ids.is_some() && !changes.iter().any(is_new) {
        return Err(StoreError::NoSuchRow {
            table: "signing_share_pairs",
        });
    }
    for change in &changes {
        match change {
            Change::Update(pair) => update_signing(transaction, client, pair).await?,
            Change::Insert(pair) => {
                let sealed = sealed.filter(|_| is_new(change));
                for curve in Curve::ALL {
                    let sealed = sealed.map(|sealed| sealed.of(curve).as_slice());
                    insert_signing(transaction, client, curve, pair, sealed).await?;
                }
            }
        }
    }
    Ok(())
}

async fn insert_signing(
    transaction: &mut Transaction,
    client: ClientId,
    curve: Curve,
    pair: &SigningPair,
    sealed_share: Option<&[u8]>,
) -> Result<(), StoreError> {
    let points = pair.points.of(curve);
    query(
        "INSERT INTO signing_share_pairs (pair_id, client_id, curve, generation, status, key_point,
             client_point, server_point, operation_id, made_by, created_at, status_since,
             proved_at, sealed_share, source_generation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(pair.ids.of(curve).0)
    .bind(client.0)
    .bind(curve.as_str())
    .bind(count(
        pair.generation.0,
        "signing_share_pairs",
        "generation",
    )?)
    .bind(pair.status.as_str())
    .bind(points.key.0.as_slice())
    .bind(points.client.0.as_slice())
    .bind(points.server.0.as_slice())
    .bind(pair.operation_id.0)
    .bind(pair.made_by.as_str())
    .bind(pair.created_at)
    .bind(pair.status_since)
    .bind(pair.proved_at)
    .bind(sealed_share)
    .bind(source(pair.source, "signing_share_pairs")?)
    .execute(transaction)
    .await?;
    Ok(())
}

/// E10: with `PURGED` goes the share.
async fn update_signing(
    transaction: &mut Transaction,
    client: ClientId,
    pair: &SigningPair,
) -> Result<(), StoreError> {
    let PerCurve { secp256k1, ed25519 } = pair.ids;
    query(
        "UPDATE signing_share_pairs
         SET status = $4, status_since = $5, proved_at = $6,
             sealed_share = CASE WHEN $4 = 'PURGED' THEN NULL ELSE sealed_share END
         WHERE client_id = $1 AND pair_id IN ($2, $3)",
    )
    .bind(client.0)
    .bind(secp256k1.0)
    .bind(ed25519.0)
    .bind(pair.status.as_str())
    .bind(pair.status_since)
    .bind(pair.proved_at)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Writes the backup pairs that changed. E18: with `PURGED` goes what is kept here of a managed one,
/// by the schema itself, whoever writes it.
pub(super) async fn write_backup(
    transaction: &mut Transaction,
    client: ClientId,
    stored: &[BackupPair],
    next: &[BackupPair],
) -> Result<(), StoreError> {
    for change in &backup_changes(stored, next)? {
        match change {
            Change::Update(pair) => {
                update_backup(transaction, client, pair).await?;
            }
            Change::Insert(pair) => {
                for curve in Curve::ALL {
                    insert_backup(transaction, client, curve, pair).await?;
                }
            }
        }
    }
    Ok(())
}

async fn insert_backup(
    transaction: &mut Transaction,
    client: ClientId,
    curve: Curve,
    pair: &BackupPair,
) -> Result<(), StoreError> {
    let points = pair.points.of(curve);
    query(
        "INSERT INTO backup_share_pairs (pair_id, client_id, curve, generation, status, method,
             backup_mode, key_point, client_point, server_point, cipher_text_digest, operation_id,
             created_at, status_since, proved_at, source_generation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(pair.ids.of(curve).0)
    .bind(client.0)
    .bind(curve.as_str())
    .bind(count(
        pair.generation.0,
        "backup_share_pairs",
        "generation",
    )?)
    .bind(pair.status.as_str())
    .bind(pair.method.as_str())
    .bind(pair.mode.as_str())
    .bind(points.key.0.as_slice())
    .bind(points.client.0.as_slice())
    .bind(points.server.0.as_slice())
    .bind(digest(pair))
    .bind(pair.operation_id.0)
    .bind(pair.created_at)
    .bind(pair.status_since)
    .bind(pair.proved_at)
    .bind(source(pair.source, "backup_share_pairs")?)
    .execute(transaction)
    .await?;
    Ok(())
}

async fn update_backup(
    transaction: &mut Transaction,
    client: ClientId,
    pair: &BackupPair,
) -> Result<(), StoreError> {
    let PerCurve { secp256k1, ed25519 } = pair.ids;
    query(
        "UPDATE backup_share_pairs
         SET status = $4, status_since = $5, proved_at = $6, cipher_text_digest = $7
         WHERE client_id = $1 AND pair_id IN ($2, $3)",
    )
    .bind(client.0)
    .bind(secp256k1.0)
    .bind(ed25519.0)
    .bind(pair.status.as_str())
    .bind(pair.status_since)
    .bind(pair.proved_at)
    .bind(digest(pair))
    .execute(transaction)
    .await?;
    Ok(())
}

fn source(generation: Option<Generation>, table: &'static str) -> Result<Option<i64>, StoreError> {
    let stored = generation.map(|generation| count(generation.0, table, "source_generation"));
    stored.transpose()
}

fn digest(pair: &BackupPair) -> Option<&[u8]> {
    let digest = pair.cipher_text_digest.as_ref();
    digest.map(|digest| digest.0.as_slice())
}
