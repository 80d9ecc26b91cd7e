//! A keychain in memory, for tests.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portal_seal::SecretBytes;

use crate::{EntryName, Keychain, KeychainError, SECRET_BYTES};

/// A keychain that lasts as long as the value: for tests, and for wallets meant to be lost.
#[derive(Default)]
pub struct MemoryKeychain {
    entries: Mutex<BTreeMap<EntryName, SecretBytes>>,
}

impl MemoryKeychain {
    /// An empty keychain.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<EntryName, SecretBytes>> {
        // No holder of the lock leaves the map half changed, even by a panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryKeychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryKeychain({} entries)", self.entries().len())
    }
}

#[async_trait]
impl Keychain for MemoryKeychain {
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        let given_bytes = secret.expose().len(); // its length only
        if given_bytes > SECRET_BYTES {
            return Err(KeychainError::SecretTooLarge {
                entry: entry.clone(),
                given_bytes,
            });
        }
        self.entries().insert(entry.clone(), secret.clone());
        Ok(())
    }

    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
        Ok(self.entries().get(entry).cloned())
    }

    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError> {
        self.entries().remove(entry);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
        Ok(self.entries().keys().cloned().collect())
    }
}
