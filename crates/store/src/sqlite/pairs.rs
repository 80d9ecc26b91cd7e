//! What a commit changes in the pairs of a wallet.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{
    BackupPair, BackupStatus, Curve, PerCurve, SigningPair, SigningStatus, Wallet,
};
use sqlx::sqlite::SqliteConnection;

use super::row::{count, ms};
use crate::sealed::{Place, Sealer};
use crate::{Secrets, StoreError};

/// One pair that is not as it is stored.
enum Change<'a, P> {
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

/// What leads from `stored` to `next`: no pair is dropped, none but `may_become`.
fn changes<'a, P: PartialEq>(
    table: &'static str,
    stored: &[P],
    next: &'a [P],
    same: impl Fn(&P, &P) -> bool,
    may_become: impl Fn(&P, &P) -> bool,
) -> Result<Vec<Change<'a, P>>, StoreError> {
    let rewritten = StoreError::HistoryRewritten { table };
    if !stored
        .iter()
        .all(|old| next.iter().any(|new| same(old, new)))
    {
        return Err(rewritten);
    }
    let mut changes = Vec::new();
    for new in next {
        match stored.iter().find(|old| same(old, new)) {
            None => changes.push(Change::Insert(new)),
            Some(old) if old == new => {}
            Some(old) if may_become(old, new) => changes.push(Change::Update(new)),
            Some(_) => return Err(rewritten),
        }
    }
    Ok(changes)
}

/// Writes the signing pairs that changed, and the server's share of a new one.
pub(super) async fn write_signing(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    client: ClientId,
    stored: &[SigningPair],
    next: &Wallet,
    secrets: &Secrets,
) -> Result<(), StoreError> {
    let table = "signing_share_pairs";
    let mut changes = changes(
        table,
        stored,
        &next.signing_pairs,
        |old, new| old.ids == new.ids,
        |old, new| {
            let status = new.status;
            SigningPair {
                status,
                ..old.clone()
            } == *new
        },
    )?;
    // At most one pair is in force, in the midst of the transaction too: it leaves, then another comes.
    changes.sort_by_key(|change| {
        matches!(
            change.pair().status,
            SigningStatus::StoredClient | SigningStatus::Frozen
        )
    });
    let (new_ids, new_shares) = match secrets {
        Secrets::StoreSigningShare { ids, shares } => (Some(*ids), Some(shares)),
        Secrets::Unchanged | Secrets::Enqueue { .. } | Secrets::EraseOutbox { .. } => (None, None),
    };
    let is_new = |change: &Change<'_, SigningPair>| matches!(change, Change::Insert(pair) if Some(pair.ids) == new_ids);
    if new_ids.is_some() && !changes.iter().any(is_new) {
        return Err(StoreError::NoSuchRow { table });
    }
    for change in &changes {
        match change {
            Change::Update(pair) => update_signing(connection, client, pair).await?,
            Change::Insert(pair) => {
                let shares = new_shares.filter(|_| is_new(change));
                for curve in Curve::ALL {
                    let sealed = shares.map(|shares| {
                        let place = Place::SigningShare {
                            client,
                            wallet: *next.ids.of(curve),
                            pair: *pair.ids.of(curve),
                            curve,
                        };
                        sealer.seal(&place, shares.of(curve))
                    });
                    insert_signing(connection, client, curve, pair, sealed).await?;
                }
            }
        }
    }
    Ok(())
}

async fn insert_signing(
    connection: &mut SqliteConnection,
    client: ClientId,
    curve: Curve,
    pair: &SigningPair,
    sealed_share: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let points = pair.points.of(curve);
    sqlx::query(
        "INSERT INTO signing_share_pairs (pair_id, client_id, curve, generation, status, key_point,
             client_point, server_point, operation_id, made_by, created_at, sealed_share)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
    .bind(ms(pair.created_at))
    .bind(sealed_share)
    .execute(connection)
    .await?;
    Ok(())
}

/// E10: with `PURGED` goes the share.
async fn update_signing(
    connection: &mut SqliteConnection,
    client: ClientId,
    pair: &SigningPair,
) -> Result<(), StoreError> {
    let PerCurve { secp256k1, ed25519 } = pair.ids;
    sqlx::query(
        "UPDATE signing_share_pairs
         SET status = ?4, sealed_share = iif(?4 = 'PURGED', NULL, sealed_share)
         WHERE client_id = ?1 AND pair_id IN (?2, ?3)",
    )
    .bind(client.0)
    .bind(secp256k1.0)
    .bind(ed25519.0)
    .bind(pair.status.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the backup pairs that changed.
pub(super) async fn write_backup(
    connection: &mut SqliteConnection,
    client: ClientId,
    stored: &[BackupPair],
    next: &[BackupPair],
) -> Result<(), StoreError> {
    let mut changes = changes(
        "backup_share_pairs",
        stored,
        next,
        |old, new| old.ids == new.ids,
        |old, new| {
            let (status, cipher_text_digest) = (new.status, new.cipher_text_digest);
            BackupPair {
                status,
                cipher_text_digest,
                ..old.clone()
            } == *new
        },
    )?;
    changes.sort_by_key(|change| change.pair().status == BackupStatus::StoredClientBackupShare);
    for change in &changes {
        match change {
            Change::Update(pair) => update_backup(connection, client, pair).await?,
            Change::Insert(pair) => {
                for curve in Curve::ALL {
                    insert_backup(connection, client, curve, pair).await?;
                }
            }
        }
    }
    Ok(())
}

async fn insert_backup(
    connection: &mut SqliteConnection,
    client: ClientId,
    curve: Curve,
    pair: &BackupPair,
) -> Result<(), StoreError> {
    let points = pair.points.of(curve);
    sqlx::query(
        "INSERT INTO backup_share_pairs (pair_id, client_id, curve, generation, status, method,
             key_point, client_point, server_point, cipher_text_digest, operation_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
    .bind(points.key.0.as_slice())
    .bind(points.client.0.as_slice())
    .bind(points.server.0.as_slice())
    .bind(digest_bytes(pair))
    .bind(pair.operation_id.0)
    .bind(ms(pair.created_at))
    .execute(connection)
    .await?;
    Ok(())
}

async fn update_backup(
    connection: &mut SqliteConnection,
    client: ClientId,
    pair: &BackupPair,
) -> Result<(), StoreError> {
    let PerCurve { secp256k1, ed25519 } = pair.ids;
    sqlx::query(
        "UPDATE backup_share_pairs SET status = ?4, cipher_text_digest = ?5
         WHERE client_id = ?1 AND pair_id IN (?2, ?3)",
    )
    .bind(client.0)
    .bind(secp256k1.0)
    .bind(ed25519.0)
    .bind(pair.status.as_str())
    .bind(digest_bytes(pair))
    .execute(connection)
    .await?;
    Ok(())
}

fn digest_bytes(pair: &BackupPair) -> Option<Vec<u8>> {
    pair.cipher_text_digest.map(|digest| digest.0.to_vec())
}
