//! Webhooks of environments, and the log of calls.

use async_trait::async_trait;
use portal_api::webhook::{WebhookKind, WebhookOutcome};
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, TraceId, WebhookDeliveryId, WebhookSecretId,
};
use uuid::Uuid;

use super::SqlStore;
use super::audit::{Entry, append};
use super::engine::{AnyRow, Transaction, query};
use super::row::{Row, count, refers_to};
use crate::audit::{AuditAct, Origin};
use crate::sealed::Place;
use crate::{
    CommitError, FormerSecret, PageOf, StoreError, WebhookAttempt, WebhookConfig, WebhookSecret,
    WebhookStore, WebhookVersion,
};

#[async_trait]
impl WebhookStore for SqlStore {
    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let sealed = self.seal_webhook(environment, &webhook).await?;
        let mut transaction = self.engine.write().await?;
        put(
            &mut transaction,
            environment,
            &webhook,
            &sealed,
            origin,
            now,
        )
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let row = query(
            "SELECT * FROM environments
             WHERE environment_id = $1 AND webhook_base_url IS NOT NULL",
        )
        .bind(environment.0)
        .fetch_optional(&mut transaction)
        .await?;
        // The KMS may take its time; nobody waits for this transaction.
        drop(transaction);
        match row {
            Some(row) => self.open_webhook(environment, &row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn record_webhook_attempt(&self, attempt: WebhookAttempt) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query(
            "INSERT INTO webhook_deliveries (webhook_delivery_id, environment_id, kind, webhook_id,
                 client_id, backup_share_pair_id, outcome, status_code, latency_ms, trace_id,
                 created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(attempt.id.0)
        .bind(attempt.environment_id.0)
        .bind(attempt.kind.as_str())
        .bind(&attempt.webhook_id)
        .bind(attempt.client_id.map(|id| id.0))
        .bind(attempt.backup_share_pair_id.map(|id| id.0))
        .bind(attempt.outcome.as_str())
        .bind(attempt.status_code.map(i64::from))
        .bind(attempt.latency_ms)
        .bind(attempt.trace_id.0)
        .bind(attempt.created_at)
        .execute(&mut transaction)
        .await
        .map_err(refers_to("environments"))?;
        transaction.commit().await
    }

    async fn webhook_attempts(
        &self,
        environment: EnvironmentId,
        before: Option<WebhookDeliveryId>,
        take: u32,
    ) -> Result<PageOf<WebhookAttempt>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let rows = query(
            "SELECT * FROM webhook_deliveries
             WHERE environment_id = $1 AND ($2 IS NULL OR webhook_delivery_id < $2)
             ORDER BY webhook_delivery_id DESC LIMIT $3",
        )
        .bind(environment.0)
        .bind(before.map(|id| id.0))
        .bind(take)
        .fetch_all(&mut transaction)
        .await?;
        let all =
            query("SELECT count(*) AS total FROM webhook_deliveries WHERE environment_id = $1")
                .bind(environment.0)
                .fetch_optional(&mut transaction)
                .await?;
        let total = all.map(|row| Row::new(LOG, &row).counter("total"));
        Ok(PageOf {
            entries: rows.iter().map(attempt).collect::<Result<_, _>>()?,
            total: total.transpose()?.unwrap_or(0),
        })
    }

    async fn prune_webhooks(
        &self,
        now: Timestamp,
        oldest: Timestamp,
        keep: u32,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query(
            "UPDATE environments SET sealed_former_webhook_secret = NULL,
                 former_webhook_secret_id = NULL, former_webhook_secret_created_at = NULL,
                 former_webhook_secret_expires_at = NULL
             WHERE former_webhook_secret_expires_at <= $1",
        )
        .bind(now)
        .execute(&mut transaction)
        .await?;
        query("DELETE FROM webhook_deliveries WHERE created_at < $1")
            .bind(oldest)
            .execute(&mut transaction)
            .await?;
        query(
            "DELETE FROM webhook_deliveries WHERE webhook_delivery_id IN (
                 SELECT webhook_delivery_id FROM (
                     SELECT webhook_delivery_id, row_number() OVER (
                         PARTITION BY environment_id ORDER BY webhook_delivery_id DESC) AS place
                     FROM webhook_deliveries) AS placed
                 WHERE place > $1)",
        )
        .bind(keep)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await
    }
}

const LOG: &str = "webhook_deliveries";

const fn no_environment() -> StoreError {
    StoreError::NoSuchRow {
        table: "environments",
    }
}

/// A webhook's secrets as they will lie.
pub(super) struct SealedSecrets {
    present: Vec<u8>,
    former: Option<Vec<u8>>,
}

/// Replaces a webhook by that of the next version; the audit log gets a line.
pub(super) async fn put(
    transaction: &mut Transaction,
    environment: EnvironmentId,
    webhook: &WebhookConfig,
    sealed: &SealedSecrets,
    origin: Origin,
    now: Timestamp,
) -> Result<(), CommitError> {
    if !write(transaction, environment, webhook, sealed).await? {
        let there = query("SELECT 1 AS one FROM environments WHERE environment_id = $1")
            .bind(environment.0)
            .fetch_optional(transaction)
            .await?;
        return Err(match there {
            Some(_) => CommitError::Conflict,
            None => no_environment().into(),
        });
    }
    let entry = Entry {
        environment,
        client: None,
        acts: &[AuditAct::webhook_changed(webhook)],
        origin,
        at: now,
    };
    Ok(append(transaction, entry).await?)
}

/// Writes a webhook over that of the version before; whether that one was there.
pub(super) async fn write(
    transaction: &mut Transaction,
    environment: EnvironmentId,
    webhook: &WebhookConfig,
    sealed: &SealedSecrets,
) -> Result<bool, StoreError> {
    let version = count(webhook.version.0, "environments", "webhook_version")?;
    let former = webhook.former.as_ref();
    let updated = query(
        "UPDATE environments SET webhook_version = $2, webhook_base_url = $3,
             webhook_secret_id = $4, webhook_secret_created_at = $5, sealed_webhook_secret = $6,
             former_webhook_secret_id = $7, former_webhook_secret_created_at = $8,
             former_webhook_secret_expires_at = $9, sealed_former_webhook_secret = $10
         WHERE environment_id = $1 AND webhook_version = $2 - 1",
    )
    .bind(environment.0)
    .bind(version)
    .bind(&webhook.base_url)
    .bind(webhook.secret.id.0)
    .bind(webhook.secret.created_at)
    .bind(&sealed.present)
    .bind(former.map(|former| former.secret.id.0))
    .bind(former.map(|former| former.secret.created_at))
    .bind(former.map(|former| former.expires_at))
    .bind(sealed.former.as_deref())
    .execute(transaction)
    .await?;
    Ok(updated > 0)
}

fn attempt(row: &AnyRow) -> Result<WebhookAttempt, StoreError> {
    let row = Row::new(LOG, row);
    let status_code: Option<i64> = row.value("status_code")?;
    let status_code = status_code.map(u16::try_from).transpose();
    Ok(WebhookAttempt {
        id: row.id("webhook_delivery_id", WebhookDeliveryId)?,
        environment_id: row.id("environment_id", EnvironmentId)?,
        kind: row.named("kind", WebhookKind::from_wire)?,
        webhook_id: row.value("webhook_id")?,
        client_id: row.value::<Option<Uuid>>("client_id")?.map(ClientId),
        backup_share_pair_id: row
            .value::<Option<Uuid>>("backup_share_pair_id")?
            .map(BackupSharePairId),
        outcome: row.named("outcome", WebhookOutcome::from_wire)?,
        status_code: status_code.map_err(|_| row.corrupt("status_code"))?,
        latency_ms: u32::try_from(row.counter("latency_ms")?)
            .map_err(|_| row.corrupt("latency_ms"))?,
        trace_id: row.id("trace_id", TraceId)?,
        created_at: row.time("created_at")?,
    })
}

impl SqlStore {
    pub(super) async fn seal_webhook(
        &self,
        environment: EnvironmentId,
        webhook: &WebhookConfig,
    ) -> Result<SealedSecrets, StoreError> {
        let place = Place::WebhookSecret {
            environment,
            base_url: &webhook.base_url,
        };
        let present = self.sealer.seal(&place, &webhook.secret.text).await?;
        let former = match &webhook.former {
            Some(former) => Some(self.sealer.seal(&place, &former.secret.text).await?),
            None => None,
        };
        Ok(SealedSecrets { present, former })
    }

    async fn open_webhook(
        &self,
        environment: EnvironmentId,
        row: &AnyRow,
    ) -> Result<WebhookConfig, StoreError> {
        let row = Row::new("environments", row);
        let base_url: String = row.value("webhook_base_url")?;
        let place = Place::WebhookSecret {
            environment,
            base_url: &base_url,
        };
        let sealed: Vec<u8> = row.value("sealed_webhook_secret")?;
        let secret = WebhookSecret {
            id: row.id("webhook_secret_id", WebhookSecretId)?,
            text: self.sealer.open(&place, &sealed).await?,
            created_at: row.time("webhook_secret_created_at")?,
        };
        let sealed: Option<Vec<u8>> = row.value("sealed_former_webhook_secret")?;
        let former = match sealed {
            Some(sealed) => Some(FormerSecret {
                secret: WebhookSecret {
                    id: row.id("former_webhook_secret_id", WebhookSecretId)?,
                    text: self.sealer.open(&place, &sealed).await?,
                    created_at: row.time("former_webhook_secret_created_at")?,
                },
                expires_at: row.time("former_webhook_secret_expires_at")?,
            }),
            None => None,
        };
        let version = WebhookVersion(row.counter("webhook_version")?);
        Ok(WebhookConfig {
            version,
            base_url,
            secret,
            former,
        })
    }
}
