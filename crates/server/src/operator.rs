//! What an operator does on the server's own storage: making custodians.

use std::sync::Arc;

use portal_lifecycle::ids::{CustodianId, EnvironmentId};
use portal_seal::SecretBytes;
use portal_store::{NewCustodian, Store, StoreError, WebhookConfig};

use crate::clock::Clock;
use crate::credential::{self, Kind};
use crate::entropy;
use crate::webhook::{WebhookPolicy, WebhookUrlError};

/// Acts on a store as its operator.
pub struct Operator {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    policy: WebhookPolicy,
}

/// A webhook to be configured.
pub struct WebhookSettings {
    /// Base URL; `/backup` and `/backup/fetch` are appended.
    pub base_url: String,
    /// Sent along in the header `X-Webhook-Secret`.
    pub secret: SecretBytes,
}

/// A new custodian.
pub struct CustodianCreated {
    /// The custodian.
    pub custodian_id: CustodianId,
    /// Its first environment.
    pub environment_id: EnvironmentId,
    /// The environment's API key; shown only here.
    pub api_key: String,
}

/// Why an operator's call failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The webhook's URL will not do.
    #[error(transparent)]
    Webhook(#[from] WebhookUrlError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Operator {
    /// An operator of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, policy: WebhookPolicy) -> Self {
        Self {
            store,
            clock,
            policy,
        }
    }

    /// Makes a custodian with one environment and one API key.
    ///
    /// # Errors
    ///
    /// [`OperatorError`]; nothing was made then.
    pub async fn create_custodian(
        &self,
        name: &str,
        environment: &str,
        webhook: Option<WebhookSettings>,
    ) -> Result<CustodianCreated, OperatorError> {
        if let Some(webhook) = &webhook {
            self.policy.check(&webhook.base_url)?;
        }
        let now = self.clock.now();
        let (api_key, hash) = credential::make(Kind::Custodian);
        let created = CustodianCreated {
            custodian_id: CustodianId::make(now, entropy::bytes()),
            environment_id: EnvironmentId::make(now, entropy::bytes()),
            api_key,
        };
        let new = NewCustodian {
            custodian_id: created.custodian_id,
            custodian_name: name.to_owned(),
            environment_id: created.environment_id,
            environment_name: environment.to_owned(),
            api_key: hash,
            webhook: webhook.map(|webhook| WebhookConfig {
                base_url: webhook.base_url,
                secret: webhook.secret,
            }),
            created_at: now,
        };
        self.store.create_custodian(new).await?;
        Ok(created)
    }

    /// Replaces an environment's webhook.
    ///
    /// # Errors
    ///
    /// [`OperatorError`]; the former webhook is then still in force.
    pub async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookSettings,
    ) -> Result<(), OperatorError> {
        self.policy.check(&webhook.base_url)?;
        let config = WebhookConfig {
            base_url: webhook.base_url,
            secret: webhook.secret,
        };
        Ok(self.store.put_webhook(environment, config).await?)
    }
}
