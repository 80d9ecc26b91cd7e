//! Clients.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};

use crate::audit::Origin;
use crate::{
    ClientAuth, ClientRecord, CredentialHash, CredentialKind, NewClient, NewSession, PageOf,
    StoreError, StoredWallet, Tenant, WebOtp,
};

/// Clients and their credentials.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Makes a client with both its credentials.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`]; the
    /// client is then not there in part either.
    async fn create_client(&self, new: NewClient, origin: Origin) -> Result<(), StoreError>;

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

    /// A page of an environment's clients, by id, those after `after`; each with the wallet that
    /// it has, of one state of the database.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<(ClientRecord, Option<StoredWallet>)>, StoreError>;

    /// Gives a client another session; the others go on, and those that are over are forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn create_session(
        &self,
        client: ClientId,
        session: NewSession,
        origin: Origin,
    ) -> Result<(), StoreError>;

    /// Gives a client another API key, in the place of those that it has.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn replace_client_key(
        &self,
        client: ClientId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends all of a client's credentials of one kind, at once; with its sessions the one-time
    /// passwords that would give it others.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn revoke_client(
        &self,
        client: ClientId,
        kind: CredentialKind,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps a one-time password of a client until `expires_at`; forgets those that are over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn create_web_otp(
        &self,
        client: ClientId,
        otp: CredentialHash,
        origin: Origin,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Whom a one-time password is for, which stays as it is, and whether it was taken; none if it
    /// is unknown or over.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn web_otp(
        &self,
        otp: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<WebOtp>, StoreError>;

    /// Takes a one-time password for a session of the client that it is for; none if it is
    /// unknown, over, or was taken before.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown"; the password is then as it was.
    async fn redeem_web_otp(
        &self,
        otp: CredentialHash,
        session: NewSession,
        trace_id: TraceId,
    ) -> Result<Option<ClientRecord>, StoreError>;

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

    /// The same, without using the session: whose the credential is at this moment.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn owner_of_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError>;

    /// A client's environment and custodian.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError>;
}
