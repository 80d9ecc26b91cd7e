//! The audit log.

use async_trait::async_trait;
use portal_lifecycle::ids::EnvironmentId;

use crate::audit::{AuditFilter, AuditLine, ChainPart};
use crate::{PageOf, StoreError};

/// The audit log, as it is read. Lines are written with what they tell of, by the other ports.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// A page of an environment's lines, oldest first, those after line `after`, `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audit_lines(
        &self,
        environment: EnvironmentId,
        filter: AuditFilter,
        after: u64,
        take: u32,
    ) -> Result<PageOf<AuditLine>, StoreError>;

    /// A part of an environment's chain as it stands there, whatever became of it: the lines after
    /// line `after`, `take` at most, and the head, of one state of the database.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audit_chain(
        &self,
        environment: EnvironmentId,
        after: u64,
        take: u32,
    ) -> Result<ChainPart, StoreError>;

    /// The environments that have a chain, by id, those after `after`, `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audited_environments(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<EnvironmentId>, StoreError>;
}
