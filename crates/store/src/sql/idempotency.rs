//! Requests that are acted on once.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_seal::SecretBytes;
use uuid::Uuid;

use super::audit::{Entry, append};
use super::client::{insert_client, replace_client_key, replace_sessions, take_web_otp};
use super::engine::{Transaction, locking, query};
use super::row::Row;
use super::{SqlStore, webhook};
use crate::audit::{AuditAct, Origin, ShownCredential};
use crate::sealed::Place;
use crate::{
    Act, Begun, Claim, ClaimTimes, CommitError, IdempotencyStore, IdempotentRequest, StoreError,
};

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn begin_once(
        &self,
        id: Uuid,
        request: &IdempotentRequest,
        times: ClaimTimes,
    ) -> Result<Begun, StoreError> {
        let mut transaction = self.engine.write().await?;
        // Whatever stands in the way and counts no more: forgotten, or its claim died.
        query(
            "DELETE FROM idempotent_requests
             WHERE environment_id = $1 AND caller_id = $2 AND route = $3 AND key_hash = $4
                 AND (expires_at <= $5 OR (sealed_answer IS NULL AND claimed_until <= $5))",
        )
        .bind(request.environment_id.0)
        .bind(request.caller)
        .bind(request.route)
        .bind(request.key.as_slice())
        .bind(times.now)
        .execute(&mut transaction)
        .await?;
        let inserted = query(
            "INSERT INTO idempotent_requests (request_id, environment_id, caller_id, route,
                 key_hash, body_digest, claimed_until, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (environment_id, caller_id, route, key_hash) DO NOTHING",
        )
        .bind(id)
        .bind(request.environment_id.0)
        .bind(request.caller)
        .bind(request.route)
        .bind(request.key.as_slice())
        .bind(request.digest.as_slice())
        .bind(times.claimed_until)
        .bind(times.now)
        .bind(times.expires_at)
        .execute(&mut transaction)
        .await?;
        if inserted == 1 {
            transaction.commit().await?;
            let request = *request;
            return Ok(Begun::Claimed(Claim { id, request }));
        }
        let earlier = earlier(&mut transaction, request).await?;
        drop(transaction);
        let Some(earlier) = earlier else {
            // Given up between the two statements; the caller comes again.
            return Ok(Begun::InProgress);
        };
        if earlier.digest != request.digest {
            return Ok(Begun::Mismatch);
        }
        match earlier.sealed_answer {
            None => Ok(Begun::InProgress),
            Some(sealed) => {
                let place = Place::answer(request);
                Ok(Begun::Answered(self.sealer.open(&place, &sealed).await?))
            }
        }
    }

    async fn finish_once(
        &self,
        claim: &Claim,
        act: Act,
        answer: &SecretBytes,
    ) -> Result<(), CommitError> {
        let place = Place::answer(&claim.request);
        let sealed = self.sealer.seal(&place, answer).await?;
        // No transaction is open while the KMS is asked.
        let sealed_webhook = match &act {
            Act::PutWebhook {
                environment,
                webhook,
                ..
            } => Some(self.seal_webhook(*environment, webhook).await?),
            _ => None,
        };
        let mut transaction = self.engine.write().await?;
        // First: a claim that was taken over must not be acted on.
        let kept = query(
            "UPDATE idempotent_requests SET sealed_answer = $2
             WHERE request_id = $1 AND sealed_answer IS NULL",
        )
        .bind(claim.id)
        .bind(&sealed)
        .execute(&mut transaction)
        .await?;
        if kept != 1 {
            return Err(StoreError::ClaimLost.into());
        }
        match act {
            Act::Nothing => {}
            Act::PutWebhook {
                environment,
                webhook,
                origin,
                now,
            } => {
                if let Some(sealed) = sealed_webhook {
                    let put = webhook::put(
                        &mut transaction,
                        environment,
                        &webhook,
                        &sealed,
                        origin,
                        now,
                    );
                    put.await?;
                }
            }
            Act::CreateClient(new, origin) => {
                insert_client(&mut transaction, &new, origin).await?;
            }
            Act::CreateSession {
                client,
                session,
                origin,
            } => {
                replace_sessions(&mut transaction, client, session, None, origin).await?;
            }
            Act::RedeemWebOtp {
                otp,
                session,
                trace_id,
            } => {
                let taken = take_web_otp(&mut transaction, otp, session, trace_id).await?;
                taken.ok_or(CommitError::Conflict)?;
            }
            Act::ReplaceClientKey {
                client,
                key,
                origin,
                now,
            } => {
                replace_client_key(&mut transaction, client, key, origin, now).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    async fn answered_again(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        credential: ShownCredential,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        let entry = Entry {
            environment,
            client,
            acts: &[AuditAct::CredentialShownAgain { credential }],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await
    }

    async fn give_up_once(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        query("DELETE FROM idempotent_requests WHERE request_id = $1 AND sealed_answer IS NULL")
            .bind(claim.id)
            .execute(&mut transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn forget_answers(&self, now: Timestamp, take: u32) -> Result<u64, StoreError> {
        let mut transaction = self.engine.write().await?;
        let forgotten = locking(
            &transaction,
            "DELETE FROM idempotent_requests WHERE request_id IN (
                 SELECT request_id FROM idempotent_requests
                 WHERE expires_at <= $1 OR (sealed_answer IS NULL AND claimed_until <= $1)
                 ORDER BY expires_at LIMIT $2)",
            "DELETE FROM idempotent_requests WHERE request_id IN (
                 SELECT request_id FROM idempotent_requests
                 WHERE expires_at <= $1 OR (sealed_answer IS NULL AND claimed_until <= $1)
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(now)
        .bind(take)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(forgotten)
    }
}

/// The request that holds the key.
struct Earlier {
    digest: [u8; 32],
    sealed_answer: Option<Vec<u8>>,
}

async fn earlier(
    transaction: &mut Transaction,
    request: &IdempotentRequest,
) -> Result<Option<Earlier>, StoreError> {
    let row = query(
        "SELECT body_digest, sealed_answer FROM idempotent_requests
         WHERE environment_id = $1 AND caller_id = $2 AND route = $3 AND key_hash = $4",
    )
    .bind(request.environment_id.0)
    .bind(request.caller)
    .bind(request.route)
    .bind(request.key.as_slice())
    .fetch_optional(transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Row::new("idempotent_requests", &row);
    Ok(Some(Earlier {
        digest: row.hash("body_digest")?,
        sealed_answer: row.value("sealed_answer")?,
    }))
}
