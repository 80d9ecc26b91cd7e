//! What the server asks of its storage. Each method is one transaction.

mod audit;
mod client;
mod custodian;
mod idempotency;
mod maintenance;
mod managed;
mod outbox;
mod wallet;

use async_trait::async_trait;

pub use audit::AuditStore;
pub use client::ClientStore;
pub use custodian::CustodianStore;
pub use idempotency::IdempotencyStore;
pub use maintenance::Maintenance;
pub use managed::ManagedBackupStore;
pub use outbox::OutboxStore;
pub use wallet::WalletStore;

use crate::{StoreError, WebhookStore};

/// Everything that the server stores.
#[async_trait]
pub trait Store:
    CustodianStore
    + WebhookStore
    + ClientStore
    + WalletStore
    + OutboxStore
    + ManagedBackupStore
    + IdempotencyStore
    + AuditStore
    + Maintenance
{
    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn ping(&self) -> Result<(), StoreError>;

    /// Whether each KMS wraps a key and opens it again. The key is drawn for this and thrown away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Kms`].
    async fn try_kms(&self) -> Result<(), StoreError>;
}
