//! Custodians, environments, API keys.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, CustodianId, EnvironmentId};
use portal_lifecycle::{BackupMode, Timestamp};

use super::audit::{Entry, append};
use super::engine::{Transaction, locking, query};
use super::row::{Row, refers_to};
use super::{SqlStore, webhook};
use crate::audit::{AuditAct, KeyId, Origin};
use crate::{
    CredentialHash, CustodianAuth, CustodianKey, CustodianStore, NewCustodian, NewEnvironment,
    SigningPolicies, StoreError, Tenant,
};

#[async_trait]
impl CustodianStore for SqlStore {
    async fn create_custodian(&self, new: NewCustodian, origin: Origin) -> Result<(), StoreError> {
        let (name, first) = new.split();
        let sealed = self.sealed_webhook(&first).await?;
        let mut transaction = self.engine.write().await?;
        query("INSERT INTO custodians (custodian_id, name, created_at) VALUES ($1, $2, $3)")
            .bind(first.custodian_id.0)
            .bind(&name)
            .bind(first.created_at)
            .execute(&mut transaction)
            .await?;
        insert_environment(&mut transaction, &first, sealed.as_ref(), origin).await?;
        transaction.commit().await
    }

    async fn create_environment(
        &self,
        new: NewEnvironment,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let sealed = self.sealed_webhook(&new).await?;
        let mut transaction = self.engine.write().await?;
        insert_environment(&mut transaction, &new, sealed.as_ref(), origin).await?;
        transaction.commit().await
    }

    async fn tenants(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<Tenant>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let rows = query(
            "SELECT custodians.custodian_id, custodians.name AS custodian_name,
                 environments.environment_id, environments.name AS environment_name,
                 environments.backup_mode
             FROM environments JOIN custodians USING (custodian_id)
             WHERE $1 IS NULL OR environment_id > $1
             ORDER BY environment_id LIMIT $2",
        )
        .bind(after.map(|environment| environment.0))
        .bind(take)
        .fetch_all(&mut transaction)
        .await?;
        let tenants = rows.iter().map(|row| tenant(Row::new("environments", row)));
        tenants.collect()
    }

    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError> {
        let mut transaction = self.engine.read().await?;
        query(
            "SELECT environments.custodian_id, environments.environment_id
             FROM custodian_api_keys JOIN environments USING (environment_id)
             WHERE key_hash = $1 AND revoked_at IS NULL",
        )
        .bind(key.0.as_slice())
        .fetch_optional(&mut transaction)
        .await?
        .map(|row| {
            let row = Row::new("environments", &row);
            Ok(CustodianAuth {
                custodian_id: row.id("custodian_id", CustodianId)?,
                environment_id: row.id("environment_id", EnvironmentId)?,
                key: KeyId::of(key),
            })
        })
        .transpose()
    }

    async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let rows = query(
            "SELECT key_hash, created_at, revoked_at FROM custodian_api_keys
             WHERE environment_id = $1 ORDER BY created_at, key_hash",
        )
        .bind(environment.0)
        .fetch_all(&mut transaction)
        .await?;
        let read = |row| {
            let row = Row::new("custodian_api_keys", row);
            Ok(CustodianKey {
                hash: CredentialHash(row.hash("key_hash")?),
                created_at: row.time("created_at")?,
                revoked_at: row.optional_time("revoked_at")?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn add_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        most: u32,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.engine.write().await?;
        // Whoever else adds one waits here.
        let found = locking(
            &transaction,
            "SELECT environment_id FROM environments WHERE environment_id = $1",
            "SELECT environment_id FROM environments WHERE environment_id = $1 FOR UPDATE",
        )
        .bind(environment.0)
        .fetch_optional(&mut transaction)
        .await?;
        if found.is_none() {
            return Err(StoreError::NoSuchRow {
                table: "environments",
            });
        }
        let row = query(
            "SELECT count(*) AS total FROM custodian_api_keys
             WHERE environment_id = $1 AND revoked_at IS NULL",
        )
        .bind(environment.0)
        .fetch_optional(&mut transaction)
        .await?
        .ok_or(StoreError::NoSuchRow {
            table: "custodian_api_keys",
        })?;
        if Row::new("custodian_api_keys", &row).counter("total")? >= u64::from(most) {
            return Ok(false);
        }
        query(
            "INSERT INTO custodian_api_keys (key_hash, environment_id, created_at)
             VALUES ($1, $2, $3)",
        )
        .bind(key.0.as_slice())
        .bind(environment.0)
        .bind(now)
        .execute(&mut transaction)
        .await?;
        let made = AuditAct::CustodianKeyMade {
            key: KeyId::of(key),
        };
        let entry = Entry {
            environment,
            client: None,
            acts: &[made],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.engine.write().await?;
        let revoked = query(
            "UPDATE custodian_api_keys SET revoked_at = $3
             WHERE environment_id = $1 AND key_hash = $2 AND revoked_at IS NULL",
        )
        .bind(environment.0)
        .bind(key.0.as_slice())
        .bind(now)
        .execute(&mut transaction)
        .await?;
        if revoked != 1 {
            return Ok(false);
        }
        let ended = AuditAct::CustodianKeyRevoked {
            key: KeyId::of(key),
        };
        let entry = Entry {
            environment,
            client: None,
            acts: &[ended],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        let updated = query("UPDATE environments SET backup_mode = $2 WHERE environment_id = $1")
            .bind(environment.0)
            .bind(mode.as_str())
            .execute(&mut transaction)
            .await?;
        if updated == 0 {
            let table = "environments";
            return Err(StoreError::NoSuchRow { table });
        }
        let entry = Entry {
            environment,
            client: None,
            acts: &[AuditAct::BackupModeChanged { mode }],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await
    }

    async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        policy: Option<&str>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        let (table, updated) = match client {
            None => {
                let put =
                    query("UPDATE environments SET signing_policy = $2 WHERE environment_id = $1")
                        .bind(environment.0)
                        .bind(policy)
                        .execute(&mut transaction)
                        .await?;
                ("environments", put)
            }
            Some(client) => {
                let put = query(
                    "UPDATE clients SET signing_policy = $3
                     WHERE environment_id = $1 AND client_id = $2",
                )
                .bind(environment.0)
                .bind(client.0)
                .bind(policy)
                .execute(&mut transaction)
                .await?;
                ("clients", put)
            }
        };
        if updated == 0 {
            return Err(StoreError::NoSuchRow { table });
        }
        let entry = Entry {
            environment,
            client,
            acts: &[AuditAct::signing_policy_changed(policy)],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await
    }

    async fn signing_policies(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
    ) -> Result<SigningPolicies, StoreError> {
        let mut transaction = self.engine.read().await?;
        policies(&mut transaction, environment, client).await
    }
}

pub(super) async fn policies(
    transaction: &mut Transaction,
    environment: EnvironmentId,
    client: Option<ClientId>,
) -> Result<SigningPolicies, StoreError> {
    let row = query("SELECT signing_policy FROM environments WHERE environment_id = $1")
        .bind(environment.0)
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::NoSuchRow {
            table: "environments",
        })?;
    let mut policies = SigningPolicies {
        environment: Row::new("environments", &row).value("signing_policy")?,
        client: None,
    };
    if let Some(client) = client {
        let row = query(
            "SELECT signing_policy FROM clients WHERE environment_id = $1 AND client_id = $2",
        )
        .bind(environment.0)
        .bind(client.0)
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::NoSuchRow { table: "clients" })?;
        policies.client = Row::new("clients", &row).value("signing_policy")?;
    }
    Ok(policies)
}

impl SqlStore {
    /// What of a webhook is stored sealed; no transaction is open while the KMS is asked.
    async fn sealed_webhook(
        &self,
        new: &NewEnvironment,
    ) -> Result<Option<webhook::SealedSecrets>, StoreError> {
        Ok(match &new.webhook {
            Some(webhook) => Some(self.seal_webhook(new.environment_id, webhook).await?),
            None => None,
        })
    }
}

async fn insert_environment(
    transaction: &mut Transaction,
    new: &NewEnvironment,
    sealed: Option<&webhook::SealedSecrets>,
    origin: Origin,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO environments (environment_id, custodian_id, name, backup_mode, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(new.environment_id.0)
    .bind(new.custodian_id.0)
    .bind(&new.name)
    .bind(new.backup_mode.as_str())
    .bind(new.created_at)
    .execute(transaction)
    .await
    .map_err(refers_to("custodians"))?;
    if let (Some(config), Some(sealed)) = (&new.webhook, sealed) {
        webhook::write(transaction, new.environment_id, config, sealed).await?;
    }
    query(
        "INSERT INTO custodian_api_keys (key_hash, environment_id, created_at)
         VALUES ($1, $2, $3)",
    )
    .bind(new.api_key.0.as_slice())
    .bind(new.environment_id.0)
    .bind(new.created_at)
    .execute(transaction)
    .await?;
    let made = AuditAct::EnvironmentMade {
        custodian: new.custodian_id,
    };
    let webhook = new.webhook.as_ref().map(AuditAct::webhook_changed);
    let acts: Vec<_> = [made].into_iter().chain(webhook).collect();
    let entry = Entry {
        environment: new.environment_id,
        client: None,
        acts: &acts,
        origin,
        at: new.created_at,
    };
    append(transaction, entry).await
}

/// An environment and its custodian, from any row that has both.
pub(super) fn tenant(row: Row<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        custodian_id: row.id("custodian_id", CustodianId)?,
        custodian_name: row.value("custodian_name")?,
        environment_id: row.id("environment_id", EnvironmentId)?,
        environment_name: row.value("environment_name")?,
        backup_mode: row.named("backup_mode", BackupMode::from_wire)?,
    })
}
