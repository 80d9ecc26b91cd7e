//! Webhooks of environments, and the log of calls.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{EnvironmentId, WebhookDeliveryId, WebhookSecretId};

use super::{MemoryStore, State, audit};
use crate::audit::{AuditAct, Origin};
use crate::sealed::Place;
use crate::{
    CommitError, FormerSecret, PageOf, StoreError, WebhookAttempt, WebhookConfig, WebhookSecret,
    WebhookStore, WebhookVersion,
};

/// A webhook as it lies here.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    version: WebhookVersion,
    pub(super) base_url: String,
    secret: Sealed,
    former: Option<(Sealed, Timestamp)>,
}

#[derive(Debug, Clone)]
struct Sealed {
    id: WebhookSecretId,
    created_at: Timestamp,
    bytes: Vec<u8>,
}

impl Webhook {
    /// Its sealed secrets.
    pub(super) fn sealed(&self) -> impl Iterator<Item = &Vec<u8>> {
        let former = self.former.iter().map(|(former, _)| &former.bytes);
        std::iter::once(&self.secret.bytes).chain(former)
    }

    /// The sealed secret that is `was`.
    pub(super) fn sealed_as(&mut self, was: &[u8]) -> Option<&mut Vec<u8>> {
        let former = self.former.iter_mut().map(|(former, _)| &mut former.bytes);
        let mut all = std::iter::once(&mut self.secret.bytes).chain(former);
        all.find(|bytes| bytes.as_slice() == was)
    }
}

const NO_ENVIRONMENT: StoreError = StoreError::NoSuchRow {
    table: "environments",
};

/// Replaces a webhook by that of the next version; the audit log gets a line.
pub(super) fn put(
    state: &mut State,
    environment: EnvironmentId,
    webhook: &WebhookConfig,
    sealed: Webhook,
    origin: Origin,
    now: Timestamp,
) -> Result<(), CommitError> {
    let changed = state.environments.get_mut(&environment);
    let changed = changed.ok_or(NO_ENVIRONMENT)?;
    let stored = changed.webhook.as_ref();
    let stored = stored.map_or(WebhookVersion(0), |stored| stored.version);
    if stored.next() != webhook.version {
        return Err(CommitError::Conflict);
    }
    changed.webhook = Some(sealed);
    let acts = [AuditAct::webhook_changed(webhook)];
    audit::append(state, environment, None, &acts, origin, now);
    Ok(())
}

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let sealed = self.seal_webhook(environment, &webhook).await?;
        put(&mut self.lock(), environment, &webhook, sealed, origin, now)
    }

    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError> {
        let found = self.lock().environments.get(&environment).cloned();
        let Some(webhook) = found.and_then(|environment| environment.webhook) else {
            return Ok(None);
        };
        let place = Place::WebhookSecret {
            environment,
            base_url: &webhook.base_url,
        };
        let secret = self.open_secret(&place, &webhook.secret).await?;
        let former = match &webhook.former {
            Some((former, expires_at)) => Some(FormerSecret {
                secret: self.open_secret(&place, former).await?,
                expires_at: *expires_at,
            }),
            None => None,
        };
        Ok(Some(WebhookConfig {
            version: webhook.version,
            secret,
            former,
            base_url: webhook.base_url,
        }))
    }

    async fn record_webhook_attempt(&self, attempt: WebhookAttempt) -> Result<(), StoreError> {
        let mut state = self.lock();
        if !state.environments.contains_key(&attempt.environment_id) {
            return Err(NO_ENVIRONMENT);
        }
        state.webhook_attempts.insert(attempt.id, attempt);
        Ok(())
    }

    async fn webhook_attempts(
        &self,
        environment: EnvironmentId,
        before: Option<WebhookDeliveryId>,
        take: u32,
    ) -> Result<PageOf<WebhookAttempt>, StoreError> {
        let state = self.lock();
        let all = || {
            let newest_first = state.webhook_attempts.values().rev();
            newest_first.filter(|attempt| attempt.environment_id == environment)
        };
        let earlier = all().filter(|attempt| before.is_none_or(|before| attempt.id < before));
        Ok(PageOf {
            entries: earlier.take(take as usize).cloned().collect(),
            total: all().count() as u64,
        })
    }

    async fn prune_webhooks(
        &self,
        now: Timestamp,
        oldest: Timestamp,
        keep: u32,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        for environment in state.environments.values_mut() {
            if let Some(webhook) = &mut environment.webhook {
                webhook.former.take_if(|(_, expires_at)| *expires_at <= now);
            }
        }
        state
            .webhook_attempts
            .retain(|_, attempt| attempt.created_at >= oldest);
        let mut kept = std::collections::BTreeMap::<EnvironmentId, u32>::new();
        let newest_first: Vec<_> = state.webhook_attempts.iter().rev().collect();
        let mut surplus = Vec::new();
        for (id, attempt) in newest_first {
            let number = kept.entry(attempt.environment_id).or_default();
            *number += 1;
            if *number > keep {
                surplus.push(*id);
            }
        }
        for id in surplus {
            state.webhook_attempts.remove(&id);
        }
        Ok(())
    }
}

impl MemoryStore {
    pub(super) async fn seal_webhook(
        &self,
        environment: EnvironmentId,
        webhook: &WebhookConfig,
    ) -> Result<Webhook, StoreError> {
        let place = Place::WebhookSecret {
            environment,
            base_url: &webhook.base_url,
        };
        let former = match &webhook.former {
            Some(former) => {
                let sealed = self.seal_secret(&place, &former.secret).await?;
                Some((sealed, former.expires_at))
            }
            None => None,
        };
        Ok(Webhook {
            version: webhook.version,
            base_url: webhook.base_url.clone(),
            secret: self.seal_secret(&place, &webhook.secret).await?,
            former,
        })
    }

    async fn seal_secret(
        &self,
        place: &Place<'_>,
        secret: &WebhookSecret,
    ) -> Result<Sealed, StoreError> {
        Ok(Sealed {
            id: secret.id,
            created_at: secret.created_at,
            bytes: self.sealer.seal(place, &secret.text).await?,
        })
    }

    async fn open_secret(
        &self,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<WebhookSecret, StoreError> {
        Ok(WebhookSecret {
            id: sealed.id,
            text: self.sealer.open(place, &sealed.bytes).await?,
            created_at: sealed.created_at,
        })
    }
}
