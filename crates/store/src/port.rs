//! What the server asks of its storage. Each method is one transaction.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId};
use portal_lifecycle::{Curve, PerCurve, Timestamp};
use portal_seal::SecretBytes;

use crate::{
    AuditRecord, ClientAuth, ClientRecord, CommitError, CredentialHash, CustodianAuth, Delivery,
    NewClient, NewCustodian, NewSession, PageOf, StoreError, StoredWallet, Tenant, WalletCommit,
    WalletVersion, WebhookConfig,
};

/// Custodians, their environments, keys and webhooks.
#[async_trait]
pub trait CustodianStore: Send + Sync {
    /// Makes a custodian with one environment and one API key.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the custodian is then not there in part either.
    async fn create_custodian(&self, new: NewCustodian) -> Result<(), StoreError>;

    /// Whom an API key belongs to; none if it is unknown or revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError>;

    /// Replaces an environment's webhook.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
    ) -> Result<(), StoreError>;

    /// An environment's webhook, if it has one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError>;
}

/// Clients and their credentials.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Makes a client with both its credentials.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`]; the
    /// client is then not there in part either.
    async fn create_client(&self, new: NewClient) -> Result<(), StoreError>;

    /// A client of this environment; none if it is another environment's.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn client(
        &self,
        environment: EnvironmentId,
        client: ClientId,
    ) -> Result<Option<ClientRecord>, StoreError>;

    /// A page of an environment's clients, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<ClientRecord>, StoreError>;

    /// Gives a client another session; the others go on, and those that are over are forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn create_session(&self, client: ClientId, session: NewSession)
    -> Result<(), StoreError>;

    /// Whom a client API key or session token belongs to; none if it is unknown, revoked, or
    /// past its time. A session that is used lives until `idle_until` from now on, but never
    /// past its end.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn client_by_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
        idle_until: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError>;

    /// A client's environment and custodian.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError>;
}

/// Wallets and the server's signing shares.
#[async_trait]
pub trait WalletStore: Send + Sync {
    /// A client's wallet, if any operation on it ever began.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError>;

    /// Stores a wallet's next state and the shares that go with it, all or nothing.
    /// When this returns, they survive a crash. A signing pair that becomes `PURGED` loses
    /// its share here.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet is not at `expected` any more. As
    /// [`CommitError::Store`]: [`StoreError::NoSuchRow`] for an unknown client, or for
    /// secrets of a pair that this commit does not make; [`StoreError::HistoryRewritten`]
    /// where a stored pair is missing or altered beyond its status (and digest);
    /// [`StoreError::Statement`] where the schema's own guards refuse the state: two pairs
    /// in force, a falling generation, a new signing pair without the server's share.
    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError>;

    /// The server's share of a pair on one curve, if it was stored and not purged.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError>;

    /// Writes a line of the audit log, provided that the wallet is still at `expected`.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet has changed since it was read.
    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        record: AuditRecord,
        now: Timestamp,
    ) -> Result<(), CommitError>;
}

/// Custodian shares on their way to the custodian.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// The delivery of one pair, if it is still in the outbox.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Deliveries that are due, the one that has been due longest first, `take` at most. One
    /// that cannot be read is logged and left out, so that it does not hold up the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`], also where some are due and none of them can be read.
    async fn due_deliveries(&self, now: Timestamp, take: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Notes a failed attempt, and when to try again; nothing, if it was acknowledged meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn delivery_failed(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Everything that the server stores.
#[async_trait]
pub trait Store: CustodianStore + ClientStore + WalletStore + OutboxStore {
    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn ping(&self) -> Result<(), StoreError>;
}
