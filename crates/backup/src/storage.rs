//! The port: the user's own storage, where the key of a backup lies.

mod folder;
mod memory;
mod self_test;
mod stored_key;

use async_trait::async_trait;
use portal_seal::SecretBytes;

pub use self::folder::FolderStorage;
pub use self::memory::MemoryStorage;
pub use self::self_test::{PROBE_PREFIX, SelfTestStep, self_test};
pub use self::stored_key::{fetch_key, keep_key, parse_key};
use crate::{BackupError, KeyName};

/// Largest key, in bytes; every storage takes that much and refuses more.
pub const KEY_BYTES: usize = 4 * 1024;

/// The user's own storage: keys of at most [`KEY_BYTES`] under checked names.
///
/// [`keep_key`] and [`fetch_key`] say how a key is written; a storage keeps bytes.
/// An operation whose future is dropped may or may not happen, but it happens before any
/// operation that is called later on the same storage.
#[async_trait]
pub trait BackupStorage: Send + Sync {
    /// Stores `key` as `name`, in place of what was there.
    ///
    /// Durable on return. A crash leaves the old key or the new one, never a mix or nothing.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `BACKUP_STORAGE_UNAVAILABLE`.
    async fn write(&self, name: &KeyName, key: &SecretBytes) -> Result<(), BackupError>;

    /// The key `name`, as it was written; `None` if there is certainly none.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `BACKUP_STORAGE_UNAVAILABLE`, wherever it cannot be told
    /// whether there is one.
    async fn read(&self, name: &KeyName) -> Result<Option<SecretBytes>, BackupError>;

    /// Removes the key `name` durably; one that is absent stays so.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `BACKUP_STORAGE_UNAVAILABLE`.
    async fn delete(&self, name: &KeyName) -> Result<(), BackupError>;
}
