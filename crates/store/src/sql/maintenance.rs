//! What an operator does to the database as a whole.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId};
use portal_lifecycle::{Curve, Epoch, PerCurve, Timestamp};
use uuid::Uuid;

use super::audit::{Entry, append};
use super::engine::{AnyRow, Transaction, query};
use super::row::{Row, count};
use super::{SqlStore, wallet_rows};
use crate::audit::{AuditAct, Origin};
use crate::sealed::Place;
use crate::{KmsRole, Maintenance, Rewrapped, SealedAt, StoreError};

#[async_trait]
impl Maintenance for SqlStore {
    async fn raise_epoch(&self, now: Timestamp, origin: Origin) -> Result<Epoch, StoreError> {
        let mut transaction = self.engine.write().await?;
        query(
            "UPDATE deployment SET epoch_began_at = $1,
                 epoch = CASE WHEN epoch < $2 THEN $2 ELSE epoch + 1 END",
        )
        .bind(now)
        .bind(count(Epoch::number_at(now), "deployment", "epoch")?)
        .execute(&mut transaction)
        .await?;
        let epoch = wallet_rows::epoch(&mut transaction).await?;
        let environments = query("SELECT environment_id FROM environments ORDER BY environment_id")
            .fetch_all(&mut transaction)
            .await?;
        for row in &environments {
            let entry = Entry {
                environment: Row::new("environments", row).id("environment_id", EnvironmentId)?,
                client: None,
                acts: &[AuditAct::EpochRaised {
                    epoch: epoch.number,
                }],
                origin,
                at: now,
            };
            append(&mut transaction, entry).await?;
        }
        transaction.commit().await?;
        Ok(epoch)
    }

    async fn depends_on(&self, role: KmsRole) -> Result<bool, StoreError> {
        self.is_under_a_key(role).await
    }

    async fn claim(&self, role: KmsRole) -> Result<(), StoreError> {
        self.claim_key(role).await
    }

    async fn rewrap(&self, from: Option<SealedAt>, take: u32) -> Result<Rewrapped, StoreError> {
        let Some(at) = from else {
            return self.rewrap_checks().await;
        };
        let Some(table) = TABLES.get(usize::from(at.table)) else {
            return Ok(Rewrapped::NOTHING);
        };
        let mut transaction = self.engine.read().await?;
        let rows = query(table.select)
            .bind(at.after)
            .bind(take)
            .fetch_all(&mut transaction)
            .await?;
        // The KMS takes its time; nothing is held meanwhile.
        drop(transaction);
        let (mut seen, mut rewrapped, mut unreadable, mut after) = (0, 0, 0, at.after);
        for row in &rows {
            let row = Row::new(table.name, row);
            let id: Uuid = row.value("id")?;
            for secret in (table.secrets)(row)? {
                seen += 1;
                match self.rewrap_one(id, &secret).await {
                    Ok(changed) => rewrapped += u64::from(changed),
                    // One damaged row must not keep all others under the former key.
                    Err(error @ StoreError::Unsealing { .. }) => {
                        tracing::error!(%id, %error, "a secret was not rewrapped");
                        unreadable += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
            after = Some(id);
        }
        let is_over = u32::try_from(rows.len()).is_ok_and(|rows| rows < take);
        let next = if is_over {
            SealedAt {
                table: at.table.saturating_add(1),
                after: None,
            }
        } else {
            SealedAt {
                table: at.table,
                after,
            }
        };
        Ok(Rewrapped {
            seen,
            rewrapped,
            unreadable,
            next: (usize::from(next.table) < TABLES.len()).then_some(next),
        })
    }
}

impl SqlStore {
    /// Whether the secret was rewrapped, or has changed since it was read: what stands there now
    /// was not looked at.
    async fn rewrap_one(&self, id: Uuid, secret: &Sealed) -> Result<bool, StoreError> {
        let place = secret.place.as_place();
        let Some(anew) = self.sealer.rewrap(&place, &secret.stored).await? else {
            return Ok(false);
        };
        let mut transaction = self.engine.write().await?;
        query(secret.update)
            .bind(id)
            .bind(&secret.stored)
            .bind(&anew)
            .execute(&mut transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// A table with sealed secrets.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The KMS of all of them.
    pub(super) role: KmsRole,
    /// Rows after `$1`, by `id`, at most `$2` of them.
    select: &'static str,
    pub(super) secrets: fn(Row<'_>) -> Result<Vec<Sealed>, StoreError>,
}

impl Table {
    pub(super) async fn first(
        &self,
        transaction: &mut Transaction,
    ) -> Result<Option<AnyRow>, StoreError> {
        let first = query(self.select).bind(None::<Uuid>).bind(1_i64);
        Ok(first.fetch_optional(transaction).await?)
    }
}

/// A secret as it was read; `update` puts `$3` in the place of `$2` in row `$1`.
pub(super) struct Sealed {
    pub(super) place: OwnedPlace,
    pub(super) stored: Vec<u8>,
    update: &'static str,
}

pub(super) enum OwnedPlace {
    Share(Place<'static>),
    Webhook {
        environment: EnvironmentId,
        base_url: String,
    },
    Answer {
        environment: EnvironmentId,
        caller: Uuid,
        route: String,
        key: [u8; 32],
        digest: [u8; 32],
    },
}

impl OwnedPlace {
    pub(super) fn as_place(&self) -> Place<'_> {
        match self {
            Self::Share(place) => *place,
            Self::Webhook {
                environment,
                base_url,
            } => Place::WebhookSecret {
                environment: *environment,
                base_url,
            },
            Self::Answer {
                environment,
                caller,
                route,
                key,
                digest,
            } => Place::Answer {
                environment: *environment,
                caller: *caller,
                route,
                key: *key,
                digest: *digest,
            },
        }
    }
}

pub(super) const TABLES: [Table; 5] = [
    Table {
        name: "signing_share_pairs",
        role: KmsRole::Main,
        select: "SELECT pair_id AS id, client_id, curve, sealed_share, secp256k1_wallet_id,
                     ed25519_wallet_id
                 FROM signing_share_pairs JOIN wallets USING (client_id)
                 WHERE sealed_share IS NOT NULL AND ($1 IS NULL OR pair_id > $1)
                 ORDER BY pair_id LIMIT $2",
        secrets: |row| {
            let curve = row.named("curve", |name| name.parse::<Curve>().ok())?;
            let place = Place::SigningShare {
                client: row.id("client_id", ClientId)?,
                wallet: *wallet_rows::wallet_ids(row)?.of(curve),
                pair: row.id("id", SigningSharePairId)?,
                curve,
            };
            Ok(vec![Sealed {
                place: OwnedPlace::Share(place),
                stored: row.value("sealed_share")?,
                update: "UPDATE signing_share_pairs SET sealed_share = $3
                         WHERE pair_id = $1 AND sealed_share = $2",
            }])
        },
    },
    Table {
        name: "outbox",
        role: KmsRole::Main,
        select: "SELECT secp256k1_pair_id AS id, ed25519_pair_id, client_id,
                     sealed_secp256k1_share, sealed_ed25519_share, secp256k1_wallet_id,
                     ed25519_wallet_id
                 FROM outbox JOIN wallets USING (client_id)
                 WHERE ($1 IS NULL OR secp256k1_pair_id > $1)
                 ORDER BY secp256k1_pair_id LIMIT $2",
        secrets: |row| {
            let client = row.id("client_id", ClientId)?;
            let wallets = wallet_rows::wallet_ids(row)?;
            let pairs = PerCurve::new(
                row.id("id", BackupSharePairId)?,
                row.id("ed25519_pair_id", BackupSharePairId)?,
            );
            let sealed = |curve, stored, update| Sealed {
                place: OwnedPlace::Share(Place::OutboxShare {
                    client,
                    wallet: *wallets.of(curve),
                    pair: *pairs.of(curve),
                    curve,
                }),
                stored,
                update,
            };
            Ok(vec![
                sealed(
                    Curve::Secp256k1,
                    row.value("sealed_secp256k1_share")?,
                    "UPDATE outbox SET sealed_secp256k1_share = $3
                     WHERE secp256k1_pair_id = $1 AND sealed_secp256k1_share = $2",
                ),
                sealed(
                    Curve::Ed25519,
                    row.value("sealed_ed25519_share")?,
                    "UPDATE outbox SET sealed_ed25519_share = $3
                     WHERE secp256k1_pair_id = $1 AND sealed_ed25519_share = $2",
                ),
            ])
        },
    },
    Table {
        name: "managed_backup_shares",
        role: KmsRole::ManagedBackups,
        select: "SELECT pair_id AS id, client_id, curve, sealed_share, secp256k1_wallet_id,
                     ed25519_wallet_id
                 FROM managed_backup_shares JOIN wallets USING (client_id)
                 WHERE ($1 IS NULL OR pair_id > $1)
                 ORDER BY pair_id LIMIT $2",
        secrets: |row| {
            let curve = row.named("curve", |name| name.parse::<Curve>().ok())?;
            let place = Place::ManagedShare {
                client: row.id("client_id", ClientId)?,
                wallet: *wallet_rows::wallet_ids(row)?.of(curve),
                pair: row.id("id", BackupSharePairId)?,
                curve,
            };
            Ok(vec![Sealed {
                place: OwnedPlace::Share(place),
                stored: row.value("sealed_share")?,
                update: "UPDATE managed_backup_shares SET sealed_share = $3
                         WHERE pair_id = $1 AND sealed_share = $2",
            }])
        },
    },
    Table {
        name: "environments",
        role: KmsRole::Main,
        select: "SELECT environment_id AS id, webhook_base_url, sealed_webhook_secret,
                     sealed_former_webhook_secret
                 FROM environments
                 WHERE sealed_webhook_secret IS NOT NULL AND ($1 IS NULL OR environment_id > $1)
                 ORDER BY environment_id LIMIT $2",
        secrets: |row| {
            let (environment, base_url): (_, String) =
                (row.id("id", EnvironmentId)?, row.value("webhook_base_url")?);
            let sealed = |stored, update| Sealed {
                place: OwnedPlace::Webhook {
                    environment,
                    base_url: base_url.clone(),
                },
                stored,
                update,
            };
            let present = sealed(
                row.value("sealed_webhook_secret")?,
                "UPDATE environments SET sealed_webhook_secret = $3
                 WHERE environment_id = $1 AND sealed_webhook_secret = $2",
            );
            let former: Option<Vec<u8>> = row.value("sealed_former_webhook_secret")?;
            let former = former.map(|stored| {
                sealed(
                    stored,
                    "UPDATE environments SET sealed_former_webhook_secret = $3
                     WHERE environment_id = $1 AND sealed_former_webhook_secret = $2",
                )
            });
            Ok(std::iter::once(present).chain(former).collect())
        },
    },
    Table {
        name: "idempotent_requests",
        role: KmsRole::Main,
        select: "SELECT request_id AS id, environment_id, caller_id, route, key_hash,
                     body_digest, sealed_answer
                 FROM idempotent_requests
                 WHERE sealed_answer IS NOT NULL AND ($1 IS NULL OR request_id > $1)
                 ORDER BY request_id LIMIT $2",
        secrets: |row| {
            let place = OwnedPlace::Answer {
                environment: row.id("environment_id", EnvironmentId)?,
                caller: row.value("caller_id")?,
                route: row.value("route")?,
                key: row.hash("key_hash")?,
                digest: row.hash("body_digest")?,
            };
            Ok(vec![Sealed {
                place,
                stored: row.value("sealed_answer")?,
                update: "UPDATE idempotent_requests SET sealed_answer = $3
                         WHERE request_id = $1 AND sealed_answer = $2",
            }])
        },
    },
];
