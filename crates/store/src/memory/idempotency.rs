//! Requests that are acted on once.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_seal::SecretBytes;
use uuid::Uuid;

use super::{MemoryStore, audit};
use crate::audit::{AuditAct, Origin, ShownCredential};
use crate::sealed::Place;
use crate::{
    Act, Begun, Claim, ClaimTimes, CommitError, IdempotencyStore, IdempotentRequest, StoreError,
};

/// A request with its answer, if it has one by now.
#[derive(Debug, Clone)]
pub(super) struct Once {
    pub(super) request: IdempotentRequest,
    pub(super) sealed_answer: Option<Vec<u8>>,
    claimed_until: Timestamp,
    expires_at: Timestamp,
}

impl Once {
    fn counts(&self, now: Timestamp) -> bool {
        self.expires_at > now && (self.sealed_answer.is_some() || self.claimed_until > now)
    }

    fn has_key_of(&self, request: &IdempotentRequest) -> bool {
        IdempotentRequest {
            digest: self.request.digest,
            ..*request
        } == self.request
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn begin_once(
        &self,
        id: Uuid,
        request: &IdempotentRequest,
        times: ClaimTimes,
    ) -> Result<Begun, StoreError> {
        let sealed = {
            let mut state = self.lock();
            state
                .once
                .retain(|_, once| !once.has_key_of(request) || once.counts(times.now));
            let earlier = state.once.values().find(|once| once.has_key_of(request));
            let Some(earlier) = earlier else {
                let once = Once {
                    request: *request,
                    sealed_answer: None,
                    claimed_until: times.claimed_until,
                    expires_at: times.expires_at,
                };
                state.once.insert(id, once);
                let request = *request;
                return Ok(Begun::Claimed(Claim { id, request }));
            };
            if earlier.request.digest != request.digest {
                return Ok(Begun::Mismatch);
            }
            earlier.sealed_answer.clone()
        };
        match sealed {
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
        let sealed_webhook = match &act {
            Act::PutWebhook {
                environment,
                webhook,
                ..
            } => Some(self.seal_webhook(*environment, webhook).await?),
            _ => None,
        };
        let mut state = self.lock();
        let claimed = state.once.get(&claim.id);
        if claimed.is_none_or(|once| once.sealed_answer.is_some()) {
            return Err(StoreError::ClaimLost.into());
        }
        // Each of these changes everything or nothing.
        match act {
            Act::Nothing => {}
            Act::PutWebhook {
                environment,
                webhook,
                origin,
                now,
            } => {
                if let Some(sealed) = sealed_webhook {
                    super::webhook::put(&mut state, environment, &webhook, sealed, origin, now)?;
                }
            }
            Act::CreateClient(new, origin) => {
                super::tenants::insert_client(&mut state, new, origin)?;
            }
            Act::CreateSession {
                client,
                session,
                origin,
            } => {
                super::tenants::replace_sessions(&mut state, client, session, None, origin)?;
            }
            Act::RedeemWebOtp {
                otp,
                session,
                trace_id,
            } => {
                let taken = super::tenants::take_web_otp(&mut state, otp, session, trace_id)?;
                taken.ok_or(CommitError::Conflict)?;
            }
            Act::ReplaceClientKey {
                client,
                key,
                origin,
                now,
            } => {
                super::tenants::replace_client_key(&mut state, client, key, origin, now)?;
            }
        }
        if let Some(once) = state.once.get_mut(&claim.id) {
            once.sealed_answer = Some(sealed);
        }
        Ok(())
    }

    async fn answered_again(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        credential: ShownCredential,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let acts = [AuditAct::CredentialShownAgain { credential }];
        audit::append(&mut self.lock(), environment, client, &acts, origin, now);
        Ok(())
    }

    async fn give_up_once(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut state = self.lock();
        state
            .once
            .retain(|id, once| *id != claim.id || once.sealed_answer.is_some());
        Ok(())
    }

    async fn forget_answers(&self, now: Timestamp, take: u32) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let over: Vec<Uuid> = state
            .once
            .iter()
            .filter(|(_, once)| !once.counts(now))
            .map(|(id, _)| *id)
            .take(take as usize)
            .collect();
        for id in &over {
            state.once.remove(id);
        }
        Ok(over.len() as u64)
    }
}
