//! The database as a whole.

use async_trait::async_trait;
use portal_lifecycle::{Epoch, Timestamp};

use crate::audit::Origin;
use crate::{Rewrapped, SealedAt, StoreError};

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

    /// Opens one secret of each kind that there is: a KMS that does not is not this database's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsealing`] where it does not open; another [`StoreError`].
    async fn try_one_secret(&self) -> Result<(), StoreError>;

    /// Wraps the data keys of the next `take` sealed secrets under the present key of the KMS,
    /// beginning at `from`. Readers and writers go on beside it; what is rewrapped already is
    /// left alone, so a pass that was interrupted can simply be run again.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was rewrapped until then stays so.
    async fn rewrap(&self, from: Option<SealedAt>, take: u32) -> Result<Rewrapped, StoreError>;
}
