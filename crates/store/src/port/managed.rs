//! Managed mode.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Curve, PerCurve, Timestamp};
use portal_seal::SecretBytes;

use crate::StoreError;
use crate::audit::Origin;

/// What the server keeps of backups in managed mode. Nothing of it is replaced, and both halves go
/// with the commit by which their pair is `PURGED`, and by no other. The custodian's share comes
/// with the commit of its pair.
#[async_trait]
pub trait ManagedBackupStore: Send + Sync {
    /// The custodian's share of a pair on one curve, if it is kept here.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn custodian_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: BackupSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError>;

    /// Stores the cipher text of a pair; says whether it is the one that is stored now. It is not
    /// where another one was stored before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown pair, or another [`StoreError`], for a purged one
    /// too.
    async fn keep_cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        cipher_text: &str,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The cipher text of a pair, if one is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<String>, StoreError>;
}
