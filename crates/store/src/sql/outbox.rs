//! What is on its way to the custodians.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId, TraceId};
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupStatus, Curve, Generation, PerCurve, Timestamp, Wallet,
};
use uuid::Uuid;

use super::engine::{AnyRow, Transaction, locking, query};
use super::row::Row;
use super::{SqlStore, wallet_rows};
use crate::sealed::{Place, SealedSecrets};
use crate::{Delivery, Notice, OutboxDepth, OutboxStore, StoreError, WalletCommit};

#[async_trait]
impl OutboxStore for SqlStore {
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let row = query(
            "SELECT * FROM deliveries
             WHERE client_id = $1 AND secp256k1_pair_id = $2 AND ed25519_pair_id = $3",
        )
        .bind(client.0)
        .bind(ids.secp256k1.0)
        .bind(ids.ed25519.0)
        .fetch_optional(&mut transaction)
        .await?;
        drop(transaction);
        match row {
            Some(row) => self.open_delivery(&row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn due_environments(&self, now: Timestamp) -> Result<Vec<EnvironmentId>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let rows = query(
            "SELECT environment_id, min(due_at) AS due_since FROM (
                 SELECT client_id, due_at FROM outbox WHERE due_at <= $1
                 UNION ALL
                 SELECT client_id, due_at FROM custodian_notices WHERE due_at <= $1) AS due
             JOIN clients USING (client_id)
             GROUP BY environment_id ORDER BY due_since, environment_id",
        )
        .bind(now)
        .fetch_all(&mut transaction)
        .await?;
        let ids = rows.iter();
        ids.map(|row| Row::new("clients", row).id("environment_id", EnvironmentId))
            .collect()
    }

    async fn claim_deliveries(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .claim_rows(environment, now, claimed_until, take)
            .await?;
        let mut due = Vec::with_capacity(rows.len());
        let mut first_error = None;
        for row in &rows {
            match self.open_delivery(row).await {
                Ok(delivery) => due.push(delivery),
                Err(error) => {
                    let pair = Row::new("outbox", row)
                        .value::<Uuid>("secp256k1_pair_id")
                        .ok();
                    tracing::error!(?pair, %error, "a delivery in the outbox cannot be read");
                    first_error.get_or_insert(error);
                }
            }
        }
        // One damaged row must not hold up the deliveries of all other clients.
        match first_error {
            Some(error) if due.is_empty() => Err(error),
            _ => Ok(due),
        }
    }

    async fn delivery_failed(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $4
             WHERE client_id = $1 AND secp256k1_pair_id = $2 AND ed25519_pair_id = $3",
        )
        .bind(client.0)
        .bind(ids.secp256k1.0)
        .bind(ids.ed25519.0)
        .bind(next_due_at)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await
    }

    async fn claim_notices(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Notice>, StoreError> {
        let mut transaction = self.engine.write().await?;
        let rows = locking(
            &transaction,
            "SELECT * FROM custodian_notices JOIN clients USING (client_id)
             WHERE environment_id = $3 AND due_at <= $1
             ORDER BY due_at, secp256k1_pair_id LIMIT $2",
            "SELECT * FROM custodian_notices JOIN clients USING (client_id)
             WHERE environment_id = $3 AND due_at <= $1
             ORDER BY due_at, secp256k1_pair_id LIMIT $2
             FOR UPDATE OF custodian_notices SKIP LOCKED",
        )
        .bind(now)
        .bind(take)
        .bind(environment.0)
        .fetch_all(&mut transaction)
        .await?;
        let readable = rows.iter().filter_map(|row| {
            let notice = notice(Row::new("custodian_notices", row));
            notice
                .inspect_err(|error| tracing::error!(%error, "a notice cannot be read"))
                .ok()
        });
        let notices: Vec<_> = readable.collect();
        for notice in &notices {
            put_off(&mut transaction, notice, claimed_until, 0).await?;
        }
        transaction.commit().await?;
        Ok(notices)
    }

    async fn notice_heard(&self, notice: &Notice) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query("DELETE FROM custodian_notices WHERE secp256k1_pair_id = $1 AND status = $2")
            .bind(notice.ids.secp256k1.0)
            .bind(notice.status.as_str())
            .execute(&mut transaction)
            .await?;
        transaction.commit().await
    }

    async fn notice_failed(
        &self,
        notice: &Notice,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        put_off(&mut transaction, notice, next_due_at, 1).await?;
        transaction.commit().await
    }

    async fn oldest_delivery(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let oldest = query("SELECT min(created_at) AS oldest FROM outbox")
            .fetch_optional(&mut transaction)
            .await?;
        match oldest {
            Some(row) => Row::new("outbox", &row).optional_time("oldest"),
            None => Ok(None),
        }
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        let mut transaction = self.engine.read().await?;
        let counted = query(
            "SELECT (SELECT count(*) FROM outbox) AS deliveries,
                 (SELECT count(*) FROM custodian_notices) AS notices",
        )
        .fetch_optional(&mut transaction)
        .await?
        .ok_or(StoreError::NoSuchRow { table: "outbox" })?;
        let row = Row::new("outbox", &counted);
        Ok(OutboxDepth {
            deliveries: row.counter("deliveries")?,
            notices: row.counter("notices")?,
        })
    }
}

impl SqlStore {
    async fn claim_rows(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let mut transaction = self.engine.write().await?;
        let due = locking(
            &transaction,
            "SELECT secp256k1_pair_id FROM outbox JOIN clients USING (client_id)
             WHERE environment_id = $3 AND due_at <= $1
             ORDER BY due_at, secp256k1_pair_id LIMIT $2",
            "SELECT secp256k1_pair_id FROM outbox JOIN clients USING (client_id)
             WHERE environment_id = $3 AND due_at <= $1
             ORDER BY due_at, secp256k1_pair_id LIMIT $2 FOR UPDATE OF outbox SKIP LOCKED",
        )
        .bind(now)
        .bind(take)
        .bind(environment.0)
        .fetch_all(&mut transaction)
        .await?;
        let mut rows = Vec::with_capacity(due.len());
        for row in &due {
            let pair: Uuid = Row::new("outbox", row).value("secp256k1_pair_id")?;
            query("UPDATE outbox SET due_at = $2 WHERE secp256k1_pair_id = $1")
                .bind(pair)
                .bind(claimed_until)
                .execute(&mut transaction)
                .await?;
            let row = query("SELECT * FROM deliveries WHERE secp256k1_pair_id = $1")
                .bind(pair)
                .fetch_optional(&mut transaction)
                .await?;
            rows.extend(row);
        }
        transaction.commit().await?;
        Ok(rows)
    }

    async fn open_delivery(&self, row: &AnyRow) -> Result<Delivery, StoreError> {
        let row = Row::new("outbox", row);
        let client_id = row.id("client_id", ClientId)?;
        let wallet_ids = wallet_rows::wallet_ids(row)?;
        let ids = pair_ids(row)?;
        let place = |curve| Place::OutboxShare {
            client: client_id,
            wallet: *wallet_ids.of(curve),
            pair: *ids.of(curve),
            curve,
        };
        let sealed: Vec<u8> = row.value("sealed_secp256k1_share")?;
        let secp256k1 = self.sealer.open(&place(Curve::Secp256k1), &sealed).await?;
        let sealed: Vec<u8> = row.value("sealed_ed25519_share")?;
        let ed25519 = self.sealer.open(&place(Curve::Ed25519), &sealed).await?;
        Ok(Delivery {
            client_id,
            environment_id: row.id("environment_id", EnvironmentId)?,
            ids,
            wallet_ids,
            generation: Generation(row.counter("generation")?),
            method: row.named("method", BackupMethod::from_wire)?,
            shares: PerCurve::new(secp256k1, ed25519),
            blinds: blinds(row)?,
            attempts: attempts(row)?,
            trace_id: trace_id(row)?,
        })
    }
}

fn notice(row: Row<'_>) -> Result<Notice, StoreError> {
    Ok(Notice {
        client_id: row.id("client_id", ClientId)?,
        environment_id: row.id("environment_id", EnvironmentId)?,
        ids: pair_ids(row)?,
        status: row.named("status", BackupStatus::from_wire)?,
        attempts: attempts(row)?,
        trace_id: trace_id(row)?,
    })
}

/// Both are there or none is.
fn blinds(row: Row<'_>) -> Result<Option<PerCurve<Vec<u8>>>, StoreError> {
    let secp256k1: Option<Vec<u8>> = row.value("secp256k1_sealed_blind")?;
    let ed25519: Option<Vec<u8>> = row.value("ed25519_sealed_blind")?;
    match (secp256k1, ed25519) {
        (Some(secp256k1), Some(ed25519)) => Ok(Some(PerCurve::new(secp256k1, ed25519))),
        (None, None) => Ok(None),
        _ => Err(row.corrupt("ed25519_sealed_blind")),
    }
}

fn pair_ids(row: Row<'_>) -> Result<PerCurve<BackupSharePairId>, StoreError> {
    Ok(PerCurve::new(
        row.id("secp256k1_pair_id", BackupSharePairId)?,
        row.id("ed25519_pair_id", BackupSharePairId)?,
    ))
}

fn attempts(row: Row<'_>) -> Result<u32, StoreError> {
    u32::try_from(row.counter("attempts")?).map_err(|_| row.corrupt("attempts"))
}

fn trace_id(row: Row<'_>) -> Result<Option<TraceId>, StoreError> {
    Ok(row.value::<Option<Uuid>>("trace_id")?.map(TraceId))
}

async fn put_off(
    transaction: &mut Transaction,
    notice: &Notice,
    due_at: Timestamp,
    attempts: i64,
) -> Result<(), StoreError> {
    query(
        "UPDATE custodian_notices SET due_at = $3, attempts = attempts + $4
         WHERE secp256k1_pair_id = $1 AND status = $2",
    )
    .bind(notice.ids.secp256k1.0)
    .bind(notice.status.as_str())
    .bind(due_at)
    .bind(attempts)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Puts a new pair's custodian share into the outbox, forgets an acknowledged one, or what was
/// collected.
pub(super) async fn write(
    transaction: &mut Transaction,
    commit: &WalletCommit,
    secrets: &SealedSecrets,
) -> Result<(), StoreError> {
    let (client, next, now) = (commit.client_id, &commit.wallet, commit.now);
    let trace_id = commit.origin.trace_id;
    match secrets {
        SealedSecrets::Unchanged
        | SealedSecrets::StoreSigningShare { .. }
        | SealedSecrets::StoreCustodianShare { .. } => Ok(()),
        SealedSecrets::Enqueue {
            ids,
            sealed,
            blinds,
            due_at,
        } => {
            if next.backup_pair_of(*ids).is_none() {
                return Err(StoreError::NoSuchRow {
                    table: "backup_share_pairs",
                });
            }
            query(
                "INSERT INTO outbox (client_id, secp256k1_pair_id, ed25519_pair_id,
                     sealed_secp256k1_share, sealed_ed25519_share, secp256k1_sealed_blind,
                     ed25519_sealed_blind, due_at, created_at, trace_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(client.0)
            .bind(ids.secp256k1.0)
            .bind(ids.ed25519.0)
            .bind(&sealed.secp256k1)
            .bind(&sealed.ed25519)
            .bind(blinds.as_ref().map(|blinds| blinds.secp256k1.as_slice()))
            .bind(blinds.as_ref().map(|blinds| blinds.ed25519.as_slice()))
            .bind(*due_at)
            .bind(now)
            .bind(trace_id.0)
            .execute(transaction)
            .await?;
            Ok(())
        }
        SealedSecrets::EraseOutbox { ids } => erase(transaction, client, *ids).await,
        SealedSecrets::Collect { garbage, due_at } => {
            for what in garbage {
                let Some((ids, is_purged)) = what.backup() else {
                    continue;
                };
                erase(transaction, client, ids).await?;
                if !is_purged || is_managed(next, ids) {
                    continue;
                }
                query(
                    "INSERT INTO custodian_notices (secp256k1_pair_id, ed25519_pair_id, client_id,
                         status, due_at, created_at, trace_id)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(ids.secp256k1.0)
                .bind(ids.ed25519.0)
                .bind(client.0)
                .bind(BackupStatus::Purged.as_str())
                .bind(*due_at)
                .bind(now)
                .bind(trace_id.0)
                .execute(transaction)
                .await?;
            }
            Ok(())
        }
    }
}

/// Of a managed backup there is no custodian to tell.
fn is_managed(wallet: &Wallet, ids: PerCurve<BackupSharePairId>) -> bool {
    let pair = wallet.backup_pair_of(ids);
    pair.is_some_and(|pair| pair.mode == BackupMode::Managed)
}

/// Nothing there is what a second acknowledgement finds.
async fn erase(
    transaction: &mut Transaction,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
) -> Result<(), StoreError> {
    query(
        "DELETE FROM outbox
         WHERE client_id = $1 AND secp256k1_pair_id = $2 AND ed25519_pair_id = $3",
    )
    .bind(client.0)
    .bind(ids.secp256k1.0)
    .bind(ids.ed25519.0)
    .execute(transaction)
    .await?;
    Ok(())
}
