//! The database as a whole.

use async_trait::async_trait;
use portal_lifecycle::{Epoch, Timestamp};

use crate::audit::Origin;
use crate::{KmsRole, Rewrapped, SealedAt, StoreError};

/// What an operator does to the database as a whole.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// E20: says that the database was put back to an older state; every environment's audit log
    /// gets a line.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the epoch is then as it was.
    async fn raise_epoch(&self, now: Timestamp, origin: Origin) -> Result<Epoch, StoreError>;

    /// Whether anything here is under a key of the KMS of this role: then no other will do.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "no".
    async fn depends_on(&self, role: KmsRole) -> Result<bool, StoreError>;

    /// Makes the KMS of this role that of the database, for all servers; of several that claim it
    /// at once, one does.
    ///
    /// # Errors
    ///
    /// [`StoreError::AnotherKey`] where another one was faster, or what is here is under another
    /// key; another [`StoreError`].
    async fn claim(&self, role: KmsRole) -> Result<(), StoreError>;

    /// Wraps the data keys of the next `take` sealed secrets under the present key of the KMS,
    /// beginning at `from`. Those by which the KMS are claimed come first: from then on nobody
    /// does who has the former key alone. Readers and writers go on beside it; what is rewrapped already is
    /// left alone, so a pass that was interrupted can simply be run again.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was rewrapped until then stays so.
    async fn rewrap(&self, from: Option<SealedAt>, take: u32) -> Result<Rewrapped, StoreError>;
}
