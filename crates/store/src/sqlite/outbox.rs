//! Custodian shares on their way.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId};
use portal_lifecycle::{BackupMethod, Curve, Generation, PerCurve, Timestamp, Wallet};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use super::row::{Row, ms};
use super::{SqliteStore, wallet_rows};
use crate::sealed::{Place, Sealer};
use crate::{Delivery, OutboxStore, Secrets, StoreError};

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut transaction = self.read().await?;
        sqlx::query(
            "SELECT * FROM deliveries
             WHERE client_id = ?1 AND secp256k1_pair_id = ?2 AND ed25519_pair_id = ?3",
        )
        .bind(client.0)
        .bind(ids.secp256k1.0)
        .bind(ids.ed25519.0)
        .fetch_optional(&mut *transaction)
        .await?
        .map(|row| self.open_delivery(&row))
        .transpose()
    }

    async fn due_deliveries(&self, now: Timestamp, take: u32) -> Result<Vec<Delivery>, StoreError> {
        let mut transaction = self.read().await?;
        let rows = sqlx::query(
            "SELECT * FROM deliveries WHERE due_at <= ?1
             ORDER BY due_at, secp256k1_pair_id LIMIT ?2",
        )
        .bind(ms(now))
        .bind(take)
        .fetch_all(&mut *transaction)
        .await?;
        let mut due = Vec::with_capacity(rows.len());
        let mut first_error = None;
        for row in &rows {
            match self.open_delivery(row) {
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
        let mut transaction = self.write().await?;
        sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = ?4
             WHERE client_id = ?1 AND secp256k1_pair_id = ?2 AND ed25519_pair_id = ?3",
        )
        .bind(client.0)
        .bind(ids.secp256k1.0)
        .bind(ids.ed25519.0)
        .bind(ms(next_due_at))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

impl SqliteStore {
    fn open_delivery(&self, row: &SqliteRow) -> Result<Delivery, StoreError> {
        let row = Row::new("outbox", row);
        let client = row.id("client_id", ClientId)?;
        let wallet_ids = wallet_rows::wallet_ids(row)?;
        let pairs = PerCurve::new(
            row.id("secp256k1_pair_id", BackupSharePairId)?,
            row.id("ed25519_pair_id", BackupSharePairId)?,
        );
        let sealed = PerCurve::new(
            row.value::<&[u8]>("sealed_secp256k1_share")?,
            row.value::<&[u8]>("sealed_ed25519_share")?,
        );
        let shares = sealed.try_map(|curve, sealed| {
            let place = Place::OutboxShare {
                client,
                wallet: *wallet_ids.of(curve),
                pair: *pairs.of(curve),
                curve,
            };
            self.sealer.open(&place, sealed)
        })?;
        Ok(Delivery {
            client_id: client,
            environment_id: row.id("environment_id", EnvironmentId)?,
            ids: pairs,
            wallet_ids,
            generation: Generation(row.counter("generation")?),
            method: row.named("method", BackupMethod::from_wire)?,
            shares,
            attempts: row.value("attempts")?,
        })
    }
}

/// Puts a new pair's custodian share into the outbox, or forgets an acknowledged one.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    client: ClientId,
    next: &Wallet,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<(), StoreError> {
    match secrets {
        Secrets::Unchanged | Secrets::StoreSigningShare { .. } => Ok(()),
        Secrets::Enqueue {
            ids,
            shares,
            due_at,
        } => {
            if next.backup_pair_of(*ids).is_none() {
                return Err(StoreError::NoSuchRow {
                    table: "backup_share_pairs",
                });
            }
            let seal = |curve| {
                let place = Place::OutboxShare {
                    client,
                    wallet: *next.ids.of(curve),
                    pair: *ids.of(curve),
                    curve,
                };
                sealer.seal(&place, shares.of(curve))
            };
            sqlx::query(
                "INSERT INTO outbox (client_id, secp256k1_pair_id, ed25519_pair_id,
                     sealed_secp256k1_share, sealed_ed25519_share, due_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .bind(client.0)
            .bind(ids.secp256k1.0)
            .bind(ids.ed25519.0)
            .bind(seal(Curve::Secp256k1))
            .bind(seal(Curve::Ed25519))
            .bind(ms(*due_at))
            .bind(ms(now))
            .execute(connection)
            .await?;
            Ok(())
        }
        Secrets::EraseOutbox { ids } => {
            // Nothing there is what a second acknowledgement finds.
            sqlx::query(
                "DELETE FROM outbox
                 WHERE client_id = ?1 AND secp256k1_pair_id = ?2 AND ed25519_pair_id = ?3",
            )
            .bind(client.0)
            .bind(ids.secp256k1.0)
            .bind(ids.ed25519.0)
            .execute(connection)
            .await?;
            Ok(())
        }
    }
}
