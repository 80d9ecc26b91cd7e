//! What an operator does on the server's own storage: making custodians.

mod keys;

use std::sync::Arc;

use portal_api::rest::WebhookTest;
use portal_api::signing_policy::SigningPolicy;
use portal_lifecycle::ids::{ClientId, CustodianId, EnvironmentId};
use portal_lifecycle::{BackupMode, Effect, Epoch, Event, Garbage, Timestamp};
use portal_seal::SecretBytes;
use portal_store::audit::{Actor, Origin};
use portal_store::{
    NewClient, NewCustodian, NewEnvironment, NewSession, Rewrapped, Store, StoreError, Tenant,
    WebhookConfig,
};

use crate::approval;
use crate::clock::Clock;
use crate::credential::{self, Kind};
use crate::entropy;
use crate::garbage;
use crate::wallets;
use crate::webhook::{
    SecretChange, Webhook, WebhookChange, WebhookClient, WebhookPolicy, WebhookSettingsError,
    WebhookTransport, settings,
};

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
    /// Calls are signed by it: `whsec_…`, or a text of the time before signatures.
    pub secret: SecretBytes,
}

/// A new environment of a custodian, which may be new, too.
pub struct CustodianCreated {
    /// The custodian.
    pub custodian_id: CustodianId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The environment's API key; shown only here.
    pub api_key: String,
}

pub use keys::CustodianKey;

/// Wallets that both sides hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProvedWallets {
    /// All of them.
    pub wallets: u64,
    /// Those that have proved themselves since the database was last put back.
    pub proved: u64,
    /// Those with a completed backup.
    pub backed_up: u64,
}

const REWRAP_PAGE: u32 = 100;
const TENANTS_PAGE: u32 = 100;

/// Why an operator's call failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The webhook's settings will not do.
    #[error(transparent)]
    Webhook(#[from] WebhookSettingsError),
    /// The webhook cannot be called.
    #[error("{problem}")]
    Call {
        /// Why.
        problem: String,
    },
    /// The signing policy will not do.
    #[error("the signing policy: {detail}")]
    SigningPolicy {
        /// Which field, and what was expected.
        detail: String,
    },
    /// A third API key beside two that are in force.
    #[error(
        "environment {environment} has two API keys in force, which is the most; revoke one first"
    )]
    TwoKeysInForce {
        /// The environment.
        environment: EnvironmentId,
    },
    /// An environment was to be made for nobody.
    #[error("there is no custodian {custodian}; `portal custodian list` shows them")]
    NoSuchCustodian {
        /// What was given.
        custodian: CustodianId,
    },
    /// No key of that name is in force.
    #[error(
        "environment {environment} has no API key {key:?} in force; `portal custodian key list` \
         shows them"
    )]
    NoSuchKey {
        /// The environment.
        environment: EnvironmentId,
        /// What was given.
        key: String,
    },
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
        backup_mode: BackupMode,
    ) -> Result<CustodianCreated, OperatorError> {
        let now = self.clock.now();
        let webhook = self.first_webhook(webhook, now)?;
        let (api_key, hash) = credential::make(Kind::Custodian);
        let created = CustodianCreated {
            custodian_id: CustodianId::make(now, entropy::bytes()),
            environment_id: EnvironmentId::make(now, entropy::bytes()),
            api_key: api_key.expose().to_owned(), // to be shown
        };
        let new = NewCustodian {
            custodian_id: created.custodian_id,
            custodian_name: name.to_owned(),
            environment_id: created.environment_id,
            environment_name: environment.to_owned(),
            backup_mode,
            api_key: hash,
            webhook,
            created_at: now,
        };
        self.store.create_custodian(new, origin()).await?;
        Ok(created)
    }

    /// Makes another environment of a custodian, with an API key of its own.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchCustodian`], or another [`OperatorError`]; nothing was made then.
    pub async fn create_environment(
        &self,
        custodian: CustodianId,
        name: &str,
        webhook: Option<WebhookSettings>,
        backup_mode: BackupMode,
    ) -> Result<CustodianCreated, OperatorError> {
        let now = self.clock.now();
        let webhook = self.first_webhook(webhook, now)?;
        let (api_key, hash) = credential::make(Kind::Custodian);
        let created = CustodianCreated {
            custodian_id: custodian,
            environment_id: EnvironmentId::make(now, entropy::bytes()),
            api_key: api_key.expose().to_owned(), // to be shown
        };
        let new = NewEnvironment {
            custodian_id: custodian,
            environment_id: created.environment_id,
            name: name.to_owned(),
            backup_mode,
            api_key: hash,
            webhook,
            created_at: now,
        };
        match self.store.create_environment(new, origin()).await {
            Ok(()) => Ok(created),
            Err(StoreError::NoSuchRow { .. }) => Err(OperatorError::NoSuchCustodian { custodian }),
            Err(error) => Err(error.into()),
        }
    }

    /// Every environment with its custodian, the oldest first.
    ///
    /// # Errors
    ///
    /// Storage failed.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, OperatorError> {
        let mut all: Vec<Tenant> = Vec::new();
        loop {
            let after = all.last().map(|tenant| tenant.environment_id);
            let page = self.store.tenants(after, TENANTS_PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    fn first_webhook(
        &self,
        webhook: Option<WebhookSettings>,
        now: Timestamp,
    ) -> Result<Option<WebhookConfig>, WebhookSettingsError> {
        let first = webhook
            .map(|webhook| settings::first(self.policy, webhook.base_url, webhook.secret, now));
        first.transpose()
    }

    /// Makes a client, as the custodian's backend would; gives its id and API key.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn create_client(
        &self,
        environment_id: EnvironmentId,
    ) -> Result<(ClientId, String), StoreError> {
        let now = self.clock.now();
        let (api_key, hash) = credential::make(Kind::Client);
        let (_, token) = credential::make(Kind::Session);
        let client_id = ClientId::make(now, entropy::bytes());
        let new = NewClient {
            client_id,
            environment_id,
            is_account_abstracted: false,
            api_key: hash,
            session: NewSession {
                token,
                created_at: now,
                idle_until: now,
                expires_at: now,
            },
            created_at: now,
        };
        self.store.create_client(new, origin()).await?;
        Ok((client_id, api_key.expose().to_owned())) // to be shown
    }

    /// E20: says that the database was put back to an older state.
    ///
    /// From then on every wallet proves itself before it signs, and what was handed out before is
    /// refused.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the epoch is then as it was.
    pub async fn raise_epoch(&self) -> Result<Epoch, StoreError> {
        self.store.raise_epoch(self.clock.now(), origin()).await
    }

    /// How many wallets there are, and how many of them have proved themselves in this epoch.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn proved_wallets(&self) -> Result<ProvedWallets, StoreError> {
        let mut counts = ProvedWallets::default();
        garbage::for_each_wallet(self.store.as_ref(), |_, wallet| {
            if wallet.current_signing().is_some() {
                counts.wallets += 1;
                counts.proved += u64::from(wallet.is_proved());
                counts.backed_up += u64::from(wallet.active_backup().is_some());
            }
        })
        .await?;
        Ok(counts)
    }

    /// E9, E10, E18: what a pass over all wallets would give up now. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn would_collect(&self) -> Result<Vec<(ClientId, Garbage)>, StoreError> {
        let now = self.clock.now();
        let mut found = Vec::new();
        garbage::for_each_wallet(self.store.as_ref(), |client, wallet| {
            let collected = wallet.apply(Event::Collect, now);
            if let Ok(Effect::Collect(garbage)) = collected.map(|collected| collected.effect) {
                found.extend(garbage.into_iter().map(|what| (client, what)));
            }
        })
        .await?;
        Ok(found)
    }

    /// Wraps every data key under the KMS's present key, page by page; says how many secrets
    /// there are and how many of their keys were wrapped anew. Servers go on meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; run it again then, it goes on where it was.
    pub async fn rewrap_all(&self) -> Result<Rewrapped, StoreError> {
        let mut from = None;
        let mut all = Rewrapped {
            seen: 0,
            rewrapped: 0,
            unreadable: 0,
            next: None,
        };
        loop {
            let step = self.store.rewrap(from, REWRAP_PAGE).await?;
            all.seen = all.seen.saturating_add(step.seen);
            all.rewrapped = all.rewrapped.saturating_add(step.rewrapped);
            all.unreadable = all.unreadable.saturating_add(step.unreadable);
            match step.next {
                Some(next) => from = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Sets in which mode an environment's clients back up from now on. A backup that is there is
    /// recovered as it was made; a wallet comes into another mode by its next backup.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the former mode is then still in force.
    pub async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let put = self.store.put_backup_mode(environment, mode, origin(), now);
        put.await
    }

    /// Sets what wallets of an environment may sign, as its custodian would.
    ///
    /// # Errors
    ///
    /// [`OperatorError`]; the former policy is then still in force.
    pub async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        policy: &SigningPolicy,
    ) -> Result<(), OperatorError> {
        let text = approval::storable(policy).map_err(|error| OperatorError::SigningPolicy {
            detail: error.detail().to_owned(),
        })?;
        let put = self.store.put_signing_policy(
            environment,
            None,
            Some(&text),
            origin(),
            self.clock.now(),
        );
        Ok(put.await?)
    }

    /// Replaces an environment's webhook, URL and secret; no former secret signs any more.
    ///
    /// # Errors
    ///
    /// [`OperatorError`]; the former webhook is then still in force.
    pub async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookSettings,
    ) -> Result<(), OperatorError> {
        let change = WebhookChange {
            base_url: Some(webhook.base_url),
            secret: SecretChange::Set(webhook.secret),
            ends_former: true,
        };
        self.change_webhook(environment, &change).await.map(|_| ())
    }

    /// Changes an environment's webhook; shows it, and the secret if one was drawn.
    ///
    /// # Errors
    ///
    /// [`OperatorError`]; the webhook is then as it was.
    pub async fn change_webhook(
        &self,
        environment: EnvironmentId,
        change: &WebhookChange,
    ) -> Result<portal_api::rest::WebhookSettings, OperatorError> {
        let (store, now) = (self.store.as_ref(), self.clock.now());
        let drawn =
            settings::change(store, self.policy, environment, change, origin(), now).await?;
        Ok(settings::state(store, environment, drawn.as_ref(), now).await?)
    }

    /// An environment's webhook, without its secrets.
    ///
    /// # Errors
    ///
    /// [`OperatorError`].
    pub async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<portal_api::rest::WebhookSettings, OperatorError> {
        let (store, now) = (self.store.as_ref(), self.clock.now());
        Ok(settings::state(store, environment, None, now).await?)
    }

    /// Calls an environment's webhook, for shares of a client that does not exist.
    ///
    /// # Errors
    ///
    /// [`OperatorError`], where there was nothing to call. A call that failed is no error.
    pub async fn test_webhook(
        &self,
        environment_id: EnvironmentId,
        transport: Arc<dyn WebhookTransport>,
    ) -> Result<WebhookTest, OperatorError> {
        let config = self.store.webhook(environment_id).await?;
        let webhook = Webhook {
            environment_id,
            config: config.ok_or(WebhookSettingsError::NotConfigured)?,
        };
        let (clock, store) = (Arc::clone(&self.clock), Arc::clone(&self.store));
        let client = WebhookClient::new(self.policy, transport, clock, store);
        let tested = client.test(&webhook).await;
        tested.map_err(|error| OperatorError::Call {
            problem: error.detail().to_owned(),
        })
    }
}

/// An act of the operator's.
fn origin() -> Origin {
    wallets::origin(Actor::Operator)
}
