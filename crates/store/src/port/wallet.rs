//! Wallets.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, SigningSharePairId};
use portal_lifecycle::{Curve, Epoch, Timestamp};
use portal_seal::SecretBytes;

use crate::audit::{AuditAct, Origin};
use crate::{
    CommitError, Grounds, SigningTurn, StoreError, StoredWallet, WalletCommit, WalletVersion,
};

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
    /// its share here. The audit log gets a line for every pair that is new, every status that
    /// changes, and every act that the commit names. With the first custodian's share of a managed
    /// backup the backup KMS is [claimed](crate::Maintenance::claim).
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet is not at `expected` any more,
    /// [`CommitError::Overtaken`] where its grounds do not stand. As
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

    /// Writes a line of the audit log, provided that the wallet is still at `expected` and the
    /// grounds stand: no line of another policy, or of the credential's end, comes before it.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet has changed since it was read,
    /// [`CommitError::Overtaken`] where the grounds do not stand.
    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        origin: Origin,
        act: AuditAct,
        grounds: Option<&Grounds>,
        now: Timestamp,
    ) -> Result<(), CommitError>;

    /// The database's epoch (E20).
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn epoch(&self) -> Result<Epoch, StoreError>;

    /// Clients that have a wallet, by id, those after `after`; `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn clients_with_wallets(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError>;

    /// Waits until nobody else, on any node, runs a step of an ECDSA signature of this client.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where that takes too long.
    async fn signing_turn(&self, client: ClientId) -> Result<SigningTurn, StoreError>;
}
