//! Customers.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_lifecycle::{BackupMode, Timestamp};

use crate::audit::Origin;
use crate::{
    CredentialHash, CustodianAuth, CustodianKey, NewCustodian, NewEnvironment, SigningPolicies,
    StoreError, Tenant,
};

/// Custodians, their environments and keys.
#[async_trait]
pub trait CustodianStore: Send + Sync {
    /// Makes a custodian with one environment and one API key.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the custodian is then not there in part either.
    async fn create_custodian(&self, new: NewCustodian, origin: Origin) -> Result<(), StoreError>;

    /// Makes another environment of a custodian, with an API key of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown custodian, or another [`StoreError`]; the
    /// environment is then not there in part either.
    async fn create_environment(
        &self,
        new: NewEnvironment,
        origin: Origin,
    ) -> Result<(), StoreError>;

    /// Environments with their custodians, by the environment's id, those after `after`; `take`
    /// at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn tenants(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<Tenant>, StoreError>;

    /// Whom an API key belongs to; none if it is unknown or revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError>;

    /// An environment's API keys, those that are revoked as well, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, StoreError>;

    /// Gives an environment another API key, unless `most` of them are in force already; says
    /// whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn add_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        most: u32,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a key of an environment, at once; says whether there was such a key in force.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Sets in which mode an environment's clients back up from now on. Pairs that are there keep
    /// theirs.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Sets the signing policy of an environment, or of one of its clients; none removes it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or a client that is not of it; or
    /// another [`StoreError`].
    async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        policy: Option<&str>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The signing policies of an environment and, if one is named, of its client.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] as for [`put_signing_policy`](Self::put_signing_policy); or
    /// another [`StoreError`], which never means that there is no policy.
    async fn signing_policies(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
    ) -> Result<SigningPolicies, StoreError>;
}
