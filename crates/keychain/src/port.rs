//! The port: what every keychain can do.

use async_trait::async_trait;
use portal_seal::SecretBytes;

use crate::{EntryName, KeychainError};

/// Largest secret of one entry, in bytes; every backend takes that much and refuses more.
pub const SECRET_BYTES: usize = 64 * 1024;

/// Where a device keeps its shares: secrets of at most [`SECRET_BYTES`] under checked names.
///
/// An operation whose future is dropped may or may not happen, but it happens before any
/// operation that is called later on the same keychain.
#[async_trait]
pub trait Keychain: Send + Sync {
    /// Stores `secret` under `entry`, in place of what was there.
    ///
    /// Durable on return. A crash leaves the old secret or the new one, never a mix or nothing.
    ///
    /// # Errors
    ///
    /// [`KeychainError`]; the entry then holds the old secret or the new one.
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError>;

    /// The secret under `entry`, exactly as it was written; `None` if there is certainly none.
    ///
    /// # Errors
    ///
    /// [`KeychainError`] wherever it cannot be told whether there is one, and for one that was
    /// changed, moved from another entry, or stored under another key.
    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError>;

    /// Removes `entry` durably; one that is absent stays so.
    ///
    /// # Errors
    ///
    /// [`KeychainError`]; the entry is then there or not.
    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError>;

    /// The names of all entries, in ascending order.
    ///
    /// # Errors
    ///
    /// [`KeychainError`]; a list is whole or not given.
    async fn list(&self) -> Result<Vec<EntryName>, KeychainError>;
}
