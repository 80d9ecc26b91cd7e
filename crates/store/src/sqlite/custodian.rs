//! Custodians, environments, API keys, webhooks.

use async_trait::async_trait;
use portal_lifecycle::ids::{CustodianId, EnvironmentId};
use portal_seal::SecretBytes;

use super::SqliteStore;
use super::row::{Row, ms};
use crate::sealed::Place;
use crate::{
    CredentialHash, CustodianAuth, CustodianStore, NewCustodian, StoreError, WebhookConfig,
};

#[async_trait]
impl CustodianStore for SqliteStore {
    async fn create_custodian(&self, new: NewCustodian) -> Result<(), StoreError> {
        let created_at = ms(new.created_at);
        let sealed_secret = new
            .webhook
            .as_ref()
            .map(|webhook| self.seal_webhook(new.environment_id, webhook));
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO custodians (custodian_id, name, created_at) VALUES (?1, ?2, ?3)")
            .bind(new.custodian_id.0)
            .bind(&new.custodian_name)
            .bind(created_at)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO environments (environment_id, custodian_id, name, webhook_base_url,
                 sealed_webhook_secret, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(new.environment_id.0)
        .bind(new.custodian_id.0)
        .bind(&new.environment_name)
        .bind(new.webhook.as_ref().map(|webhook| &webhook.base_url))
        .bind(sealed_secret)
        .bind(created_at)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO custodian_api_keys (key_hash, environment_id, created_at)
             VALUES (?1, ?2, ?3)",
        )
        .bind(new.api_key.0.as_slice())
        .bind(new.environment_id.0)
        .bind(created_at)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError> {
        let mut transaction = self.read().await?;
        sqlx::query(
            "SELECT environments.custodian_id, environments.environment_id
             FROM custodian_api_keys JOIN environments USING (environment_id)
             WHERE key_hash = ?1 AND revoked_at IS NULL",
        )
        .bind(key.0.as_slice())
        .fetch_optional(&mut *transaction)
        .await?
        .map(|row| {
            let row = Row::new("environments", &row);
            Ok(CustodianAuth {
                custodian_id: row.id("custodian_id", CustodianId)?,
                environment_id: row.id("environment_id", EnvironmentId)?,
            })
        })
        .transpose()
    }

    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let updated = sqlx::query(
            "UPDATE environments SET webhook_base_url = ?2, sealed_webhook_secret = ?3
             WHERE environment_id = ?1",
        )
        .bind(environment.0)
        .bind(&webhook.base_url)
        .bind(self.seal_webhook(environment, &webhook))
        .execute(&mut *transaction)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::NoSuchRow {
                table: "environments",
            });
        }
        Ok(transaction.commit().await?)
    }

    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError> {
        let mut transaction = self.read().await?;
        sqlx::query(
            "SELECT webhook_base_url, sealed_webhook_secret FROM environments
             WHERE environment_id = ?1 AND webhook_base_url IS NOT NULL",
        )
        .bind(environment.0)
        .fetch_optional(&mut *transaction)
        .await?
        .map(|row| {
            let row = Row::new("environments", &row);
            let base_url: String = row.value("webhook_base_url")?;
            let secret = self.open_webhook_secret(
                environment,
                &base_url,
                row.value("sealed_webhook_secret")?,
            )?;
            Ok(WebhookConfig { base_url, secret })
        })
        .transpose()
    }
}

impl SqliteStore {
    fn seal_webhook(&self, environment: EnvironmentId, webhook: &WebhookConfig) -> Vec<u8> {
        let place = Place::WebhookSecret {
            environment,
            base_url: &webhook.base_url,
        };
        self.sealer.seal(&place, &webhook.secret)
    }

    fn open_webhook_secret(
        &self,
        environment: EnvironmentId,
        base_url: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, StoreError> {
        let place = Place::WebhookSecret {
            environment,
            base_url,
        };
        self.sealer.open(&place, sealed)
    }
}
