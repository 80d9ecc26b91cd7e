//! A storage in memory, for tests.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portal_seal::SecretBytes;

use super::{BackupStorage, KEY_BYTES};
use crate::{BackupError, KeyName};

/// A storage that lasts as long as the value: for tests.
#[derive(Default)]
pub struct MemoryStorage {
    keys: Mutex<BTreeMap<KeyName, SecretBytes>>,
}

impl MemoryStorage {
    /// Loses every key, as a cloud account that is closed does.
    pub fn clear(&self) {
        self.keys().clear();
    }

    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<KeyName, SecretBytes>> {
        // No holder of the lock leaves the map half changed, even by a panic.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStorage({} keys)", self.keys().len())
    }
}

#[async_trait]
impl BackupStorage for MemoryStorage {
    async fn write(&self, name: &KeyName, key: &SecretBytes) -> Result<(), BackupError> {
        // Its length only.
        if key.expose().len() > KEY_BYTES {
            return Err(BackupError::KeyTooLarge { name: name.clone() });
        }
        self.keys().insert(name.clone(), key.clone());
        Ok(())
    }

    async fn read(&self, name: &KeyName) -> Result<Option<SecretBytes>, BackupError> {
        Ok(self.keys().get(name).cloned())
    }

    async fn delete(&self, name: &KeyName) -> Result<(), BackupError> {
        self.keys().remove(name);
        Ok(())
    }
}
