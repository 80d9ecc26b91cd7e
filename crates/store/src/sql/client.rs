//! Clients and their credentials.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};

use super::audit::{Entry, append, environment_of};
use super::engine::{Transaction, query};
use super::row::{Row, refers_to};
use super::wallet_rows::{self, Whose};
use super::{SqlStore, custodian};
use crate::audit::{Actor, AuditAct, KeyId, Origin};
use crate::{
    ClientAuth, ClientRecord, ClientStore, CredentialHash, CredentialKind, NewClient, NewSession,
    PageOf, StoreError, StoredWallet, Tenant, WebOtp,
};

#[async_trait]
impl ClientStore for SqlStore {
    async fn create_client(&self, new: NewClient, origin: Origin) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        insert_client(&mut transaction, &new, origin).await?;
        transaction.commit().await
    }

    async fn client(
        &self,
        environment: EnvironmentId,
        client: ClientId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        let mut transaction = self.engine.read().await?;
        query(
            "SELECT client_id, environment_id, is_account_abstracted, created_at FROM clients
             WHERE environment_id = $1 AND client_id = $2",
        )
        .bind(environment.0)
        .bind(client.0)
        .fetch_optional(&mut transaction)
        .await?
        .map(|row| client_record(Row::new("clients", &row)))
        .transpose()
    }

    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<(ClientRecord, Option<StoredWallet>)>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let total = query("SELECT count(*) AS total FROM clients WHERE environment_id = $1")
            .bind(environment.0)
            .fetch_optional(&mut transaction)
            .await?
            .ok_or(StoreError::NoSuchRow { table: "clients" })?;
        let records = query(
            "SELECT client_id, environment_id, is_account_abstracted, created_at FROM clients
             WHERE environment_id = $1 AND ($2 IS NULL OR client_id > $2)
             ORDER BY client_id LIMIT $3",
        )
        .bind(environment.0)
        .bind(after.map(|client| client.0))
        .bind(take)
        .fetch_all(&mut transaction)
        .await?
        .iter()
        .map(|row| client_record(Row::new("clients", row)))
        .collect::<Result<Vec<_>, _>>()?;
        let mut wallets = match (records.first(), records.last()) {
            (Some(first), Some(last)) => {
                let whose = Whose::Clients {
                    environment,
                    first: first.client_id,
                    last: last.client_id,
                };
                wallet_rows::load_all(&mut transaction, whose).await?
            }
            _ => BTreeMap::new(),
        };
        let entries = records.into_iter().map(|record| {
            let wallet = wallets.remove(&record.client_id);
            (record, wallet)
        });
        Ok(PageOf {
            entries: entries.collect(),
            total: Row::new("clients", &total).counter("total")?,
        })
    }

    async fn create_session(
        &self,
        client: ClientId,
        session: NewSession,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        replace_sessions(&mut transaction, client, session, None, origin).await?;
        transaction.commit().await
    }

    async fn replace_client_key(
        &self,
        client: ClientId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        replace_client_key(&mut transaction, client, key, origin, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn revoke_client(
        &self,
        client: ClientId,
        kind: CredentialKind,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        match kind {
            CredentialKind::ApiKey => revoke_api_keys(&mut transaction, client, now).await?,
            CredentialKind::Session => {
                // First: whoever is redeeming one is done with it then, and its session is among
                // those that end.
                query("DELETE FROM web_otps WHERE client_id = $1")
                    .bind(client.0)
                    .execute(&mut transaction)
                    .await?;
                query("UPDATE client_sessions SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
                    .bind(client.0)
                    .bind(now)
                    .execute(&mut transaction)
                    .await?;
            }
        }
        let act = AuditAct::revoked(kind);
        append_about(&mut transaction, client, act, origin, now).await?;
        transaction.commit().await
    }

    async fn create_web_otp(
        &self,
        client: ClientId,
        otp: CredentialHash,
        origin: Origin,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query("DELETE FROM web_otps WHERE expires_at <= $1")
            .bind(now)
            .execute(&mut transaction)
            .await?;
        query(
            "INSERT INTO web_otps (otp_hash, client_id, created_at, expires_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(otp.0.as_slice())
        .bind(client.0)
        .bind(now)
        .bind(expires_at)
        .execute(&mut transaction)
        .await
        .map_err(refers_to("clients"))?;
        let act = AuditAct::WebOtpMade {
            otp: KeyId::of(otp),
        };
        append_about(&mut transaction, client, act, origin, now).await?;
        transaction.commit().await
    }

    async fn web_otp(
        &self,
        otp: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<WebOtp>, StoreError> {
        let mut transaction = self.engine.read().await?;
        find_web_otp(&mut transaction, otp, now).await
    }

    async fn redeem_web_otp(
        &self,
        otp: CredentialHash,
        session: NewSession,
        trace_id: TraceId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        let mut transaction = self.engine.write().await?;
        let taken = take_web_otp(&mut transaction, otp, session, trace_id).await?;
        if taken.is_some() {
            transaction.commit().await?;
        }
        Ok(taken)
    }

    async fn client_by_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
        idle_until: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        let mut reading = self.engine.read().await?;
        let found = find_credential(&mut reading, credential, now).await?;
        drop(reading);
        let Some(found) = found else {
            return Ok(None);
        };
        if found.kind == CredentialKind::ApiKey {
            return Ok(Some(found));
        }
        // Only a session that was found costs a write: guessed tokens do not take the lock.
        let mut transaction = self.engine.write().await?;
        // An older request that comes in late takes nothing from a newer one.
        let moved_on = query(
            "UPDATE client_sessions SET idle_until = CASE WHEN idle_until < $3 THEN $3 ELSE idle_until END
             WHERE token_hash = $1 AND revoked_at IS NULL AND idle_until > $2 AND expires_at > $2",
        )
        .bind(credential.0.as_slice())
        .bind(now)
        .bind(idle_until)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        // It may have been revoked between the two transactions.
        Ok((moved_on == 1).then_some(found))
    }

    async fn owner_of_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        let mut transaction = self.engine.read().await?;
        find_credential(&mut transaction, credential, now).await
    }

    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError> {
        let mut transaction = self.engine.read().await?;
        let row = query(
            "SELECT custodians.custodian_id, custodians.name AS custodian_name,
                 environments.environment_id, environments.name AS environment_name,
                 environments.backup_mode
             FROM clients JOIN environments USING (environment_id) JOIN custodians USING (custodian_id)
             WHERE client_id = $1",
        )
        .bind(client.0)
        .fetch_optional(&mut transaction)
        .await?
        .ok_or(StoreError::NoSuchRow { table: "clients" })?;
        custodian::tenant(Row::new("environments", &row))
    }
}

pub(super) async fn find_credential(
    transaction: &mut Transaction,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<Option<ClientAuth>, StoreError> {
    query(
        "SELECT clients.client_id, clients.environment_id, 'API_KEY' AS kind
         FROM client_api_keys JOIN clients USING (client_id)
         WHERE key_hash = $1 AND revoked_at IS NULL
         UNION ALL
         SELECT clients.client_id, clients.environment_id, 'SESSION' AS kind
         FROM client_sessions JOIN clients USING (client_id)
         WHERE token_hash = $1 AND revoked_at IS NULL AND idle_until > $2 AND expires_at > $2",
    )
    .bind(credential.0.as_slice())
    .bind(now)
    .fetch_optional(transaction)
    .await?
    .map(|row| {
        let row = Row::new("clients", &row);
        Ok(ClientAuth {
            client_id: row.id("client_id", ClientId)?,
            environment_id: row.id("environment_id", EnvironmentId)?,
            kind: row.named("kind", |kind| match kind {
                "API_KEY" => Some(CredentialKind::ApiKey),
                "SESSION" => Some(CredentialKind::Session),
                _ => None,
            })?,
            credential,
        })
    })
    .transpose()
}

pub(super) async fn insert_client(
    transaction: &mut Transaction,
    new: &NewClient,
    origin: Origin,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO clients (client_id, environment_id, is_account_abstracted, created_at)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(new.client_id.0)
    .bind(new.environment_id.0)
    .bind(new.is_account_abstracted)
    .bind(new.created_at)
    .execute(transaction)
    .await
    .map_err(refers_to("environments"))?;
    insert_api_key(transaction, new.client_id, new.api_key, new.created_at).await?;
    insert_session(transaction, new.client_id, new.session).await?;
    let entry = Entry {
        environment: new.environment_id,
        client: Some(new.client_id),
        acts: &[AuditAct::ClientMade {}],
        origin,
        at: new.created_at,
    };
    append(transaction, entry).await
}

async fn find_web_otp(
    transaction: &mut Transaction,
    otp: CredentialHash,
    now: Timestamp,
) -> Result<Option<WebOtp>, StoreError> {
    let row = query(
        "SELECT clients.client_id, environment_id, is_account_abstracted, clients.created_at,
             taken_at
         FROM web_otps JOIN clients USING (client_id)
         WHERE otp_hash = $1 AND expires_at > $2",
    )
    .bind(otp.0.as_slice())
    .bind(now)
    .fetch_optional(transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Row::new("web_otps", &row);
    Ok(Some(WebOtp {
        client: client_record(row)?,
        is_taken: row.optional_time("taken_at")?.is_some(),
    }))
}

/// Takes a one-time password for a session; none where there was none to take.
pub(super) async fn take_web_otp(
    transaction: &mut Transaction,
    otp: CredentialHash,
    session: NewSession,
    trace_id: TraceId,
) -> Result<Option<ClientRecord>, StoreError> {
    let now = session.created_at;
    // Of those who come with it at once, one takes it.
    let taken = query(
        "UPDATE web_otps SET taken_at = $2
         WHERE otp_hash = $1 AND expires_at > $2 AND taken_at IS NULL",
    )
    .bind(otp.0.as_slice())
    .bind(now)
    .execute(transaction)
    .await?;
    if taken != 1 {
        return Ok(None);
    }
    let Some(WebOtp { client, .. }) = find_web_otp(transaction, otp, now).await? else {
        return Ok(None);
    };
    let origin = Origin {
        actor: Actor::Client(client.client_id),
        trace_id,
    };
    replace_sessions(transaction, client.client_id, session, Some(otp), origin).await?;
    Ok(Some(client))
}

/// Another session, in the place of those that are over: a client that signs in every day would
/// else leave a row every day.
pub(super) async fn replace_sessions(
    transaction: &mut Transaction,
    client: ClientId,
    session: NewSession,
    otp: Option<CredentialHash>,
    origin: Origin,
) -> Result<(), StoreError> {
    query(
        "DELETE FROM client_sessions WHERE client_id = $1
             AND (idle_until <= $2 OR expires_at <= $2 OR revoked_at IS NOT NULL)",
    )
    .bind(client.0)
    .bind(session.created_at)
    .execute(transaction)
    .await?;
    insert_session(transaction, client, session).await?;
    let act = AuditAct::SessionMade {
        otp: otp.map(KeyId::of),
    };
    append_about(transaction, client, act, origin, session.created_at).await
}

pub(super) async fn replace_client_key(
    transaction: &mut Transaction,
    client: ClientId,
    key: CredentialHash,
    origin: Origin,
    now: Timestamp,
) -> Result<(), StoreError> {
    revoke_api_keys(transaction, client, now).await?;
    insert_api_key(transaction, client, key, now)
        .await
        .map_err(refers_to("clients"))?;
    let act = AuditAct::ClientKeyReplaced {};
    append_about(transaction, client, act, origin, now).await
}

/// A line about one client, at the end of the chain of its environment.
async fn append_about(
    transaction: &mut Transaction,
    client: ClientId,
    act: AuditAct,
    origin: Origin,
    at: Timestamp,
) -> Result<(), StoreError> {
    let entry = Entry {
        environment: environment_of(transaction, client).await?,
        client: Some(client),
        acts: &[act],
        origin,
        at,
    };
    append(transaction, entry).await
}

async fn insert_api_key(
    transaction: &mut Transaction,
    client: ClientId,
    key: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    query("INSERT INTO client_api_keys (key_hash, client_id, created_at) VALUES ($1, $2, $3)")
        .bind(key.0.as_slice())
        .bind(client.0)
        .bind(now)
        .execute(transaction)
        .await
        .map(|_| ())
}

async fn revoke_api_keys(
    transaction: &mut Transaction,
    client: ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE client_api_keys SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
        .bind(client.0)
        .bind(now)
        .execute(transaction)
        .await?;
    Ok(())
}

async fn insert_session(
    transaction: &mut Transaction,
    client: ClientId,
    session: NewSession,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO client_sessions (token_hash, client_id, created_at, idle_until, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(session.token.0.as_slice())
    .bind(client.0)
    .bind(session.created_at)
    .bind(session.idle_until)
    .bind(session.expires_at)
    .execute(transaction)
    .await
    .map_err(refers_to("clients"))?;
    Ok(())
}

fn client_record(row: Row<'_>) -> Result<ClientRecord, StoreError> {
    Ok(ClientRecord {
        client_id: row.id("client_id", ClientId)?,
        environment_id: row.id("environment_id", EnvironmentId)?,
        is_account_abstracted: row.value("is_account_abstracted")?,
        created_at: row.time("created_at")?,
    })
}
