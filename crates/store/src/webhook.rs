//! Where an environment's backup shares go, by which secrets, and what became of each call.

use async_trait::async_trait;
use portal_api::webhook::{WebhookKind, WebhookOutcome};
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, TraceId, WebhookDeliveryId, WebhookSecretId,
};
use portal_seal::SecretBytes;

use crate::audit::Origin;
use crate::{CommitError, PageOf, StoreError};

/// Grows by one whenever an environment's webhook is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookVersion(pub u64);

impl WebhookVersion {
    /// Of an environment's first webhook.
    pub const FIRST: Self = Self(1);

    /// Of the webhook that replaces this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where an environment's backup shares go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Which of the environment's webhooks it is.
    pub version: WebhookVersion,
    /// Base URL; `/backup` and `/backup/fetch` are appended.
    pub base_url: String,
    /// Signs every call.
    pub secret: WebhookSecret,
    /// Signs as well, until it ends.
    pub former: Option<FormerSecret>,
}

impl WebhookConfig {
    /// The secrets that are in force at a time, the newest first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &WebhookSecret> {
        let former = self.former.iter().filter(move |one| one.expires_at > now);
        std::iter::once(&self.secret).chain(former.map(|former| &former.secret))
    }
}

/// A secret by which webhooks are signed; sealed at rest, for its environment and URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    /// Names it where it must not be shown.
    pub id: WebhookSecretId,
    /// Its text.
    pub text: SecretBytes,
    /// When it came into force.
    pub created_at: Timestamp,
}

/// A secret that another one replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// One call of a webhook, and what became of it. Never what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// Its id; ids grow with time.
    pub id: WebhookDeliveryId,
    /// Whose webhook it was.
    pub environment_id: EnvironmentId,
    /// What it was for.
    pub kind: WebhookKind,
    /// The message, as its receiver knows it: the same for every attempt of one delivery.
    pub webhook_id: String,
    /// Whose shares it was about.
    pub client_id: Option<ClientId>,
    /// The pair that it was about; that of secp256k1, where it was about both curves.
    pub backup_share_pair_id: Option<BackupSharePairId>,
    /// How it ended.
    pub outcome: WebhookOutcome,
    /// The HTTP status, if there was an answer.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u32,
    /// The request, as the logs have it.
    pub trace_id: TraceId,
    /// When it ended.
    pub created_at: Timestamp,
}

/// Webhooks of environments, and the log of calls.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Replaces an environment's webhook by that of the next version, all of it; its audit log
    /// gets a line.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the stored one is not of the version before, so that nobody
    /// is shown a secret that another one has replaced already. As [`CommitError::Store`]:
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), CommitError>;

    /// An environment's webhook, if it has one. A former secret may have ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError>;

    /// Notes a call.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn record_webhook_attempt(&self, attempt: WebhookAttempt) -> Result<(), StoreError>;

    /// A page of the log of an environment's calls, the newest first: those before `before`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn webhook_attempts(
        &self,
        environment: EnvironmentId,
        before: Option<WebhookDeliveryId>,
        take: u32,
    ) -> Result<PageOf<WebhookAttempt>, StoreError>;

    /// Forgets secrets that ended by `now`, calls from before `oldest`, and of each environment
    /// all calls but the `keep` newest.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn prune_webhooks(
        &self,
        now: Timestamp,
        oldest: Timestamp,
        keep: u32,
    ) -> Result<(), StoreError>;
}
