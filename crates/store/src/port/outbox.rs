//! The outbox.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId};
use portal_lifecycle::{PerCurve, Timestamp};

use crate::{Delivery, Notice, OutboxDepth, StoreError};

/// What is on its way to the custodians: their shares, and notices.
///
/// Any node may claim what is due. A claim ends by itself, so a node that dies in the midst of a
/// delivery only delays it.
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

    /// The environments of which anything is due, the one that has waited longest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn due_environments(&self, now: Timestamp) -> Result<Vec<EnvironmentId>, StoreError>;

    /// Claims deliveries of an environment that are due, the one that has been due longest first,
    /// `take` at most: nobody else gets them until `claimed_until`. One that cannot be read is logged and left
    /// out, so that it does not hold up the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`], also where some are due and none of them can be read.
    async fn claim_deliveries(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

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

    /// Claims notices that are due, in the same way.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn claim_notices(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Notice>, StoreError>;

    /// Forgets a notice that the custodian has heard.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn notice_heard(&self, notice: &Notice) -> Result<(), StoreError>;

    /// Notes a failed attempt, and when to try again.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn notice_failed(
        &self,
        notice: &Notice,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// When the delivery that has waited longest was put into the outbox, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn oldest_delivery(&self) -> Result<Option<Timestamp>, StoreError>;

    /// How much waits in the outbox.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError>;
}
