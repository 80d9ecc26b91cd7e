//! A device's keychain and a user's storage that fail on demand; a keychain's copies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portal_backup::{BackupError, BackupStorage, KeyName};
use portal_keychain::{EntryName, Failed, Keychain, KeychainError, MemoryKeychain};
use portal_sdk::MemoryStorage;
use portal_seal::SecretBytes;

/// What happens to the write that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is written.
    Lost,
    /// It is written all the same.
    Applied,
}

/// A keychain whose n-th write fails, once.
pub(crate) struct FaultyKeychain {
    kept: Arc<MemoryKeychain>,
    writes: AtomicUsize,
    fault: Mutex<Option<(usize, Fault)>>,
}

impl FaultyKeychain {
    /// `nth` counts from 1.
    pub(crate) fn new(kept: Arc<MemoryKeychain>, nth: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            kept,
            writes: AtomicUsize::new(0),
            fault: Mutex::new(Some((nth, fault))),
        })
    }

    /// Whether the fault has happened.
    pub(crate) fn has_failed(&self) -> bool {
        self.fault.lock().expect("no panic").is_none()
    }

    fn fault_of_next_write(&self) -> Option<Fault> {
        let now = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fault = self.fault.lock().expect("no panic");
        fault.take_if(|(nth, _)| *nth == now).map(|(_, what)| what)
    }
}

#[async_trait]
impl Keychain for FaultyKeychain {
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        let fault = self.fault_of_next_write();
        if fault != Some(Fault::Lost) {
            self.kept.write(entry, secret).await?;
        }
        match fault {
            None => Ok(()),
            Some(_) => Err(KeychainError::Backend {
                failed: Failed::Write,
                problem: "the test's fault".to_owned(),
            }),
        }
    }

    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
        self.kept.read(entry).await
    }

    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError> {
        self.kept.delete(entry).await
    }

    async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
        self.kept.list().await
    }
}

/// Every entry of a keychain.
pub(crate) async fn entries(keychain: &dyn Keychain) -> Vec<(EntryName, SecretBytes)> {
    let mut entries = Vec::new();
    for name in keychain.list().await.expect("names") {
        let secret = keychain.read(&name).await.expect("readable");
        entries.push((name, secret.expect("an entry")));
    }
    entries
}

/// A copy: a cloned device, or one to roll back to.
pub(crate) async fn copy_of(keychain: &dyn Keychain) -> Arc<MemoryKeychain> {
    let copy = MemoryKeychain::new();
    for (name, secret) in entries(keychain).await {
        copy.write(&name, &secret).await.expect("room");
    }
    Arc::new(copy)
}

/// A storage that takes no backup's key, but passes its self-test.
pub(crate) struct FullStorage(pub(crate) MemoryStorage);

#[async_trait]
impl BackupStorage for FullStorage {
    async fn write(&self, name: &KeyName, key: &SecretBytes) -> Result<(), BackupError> {
        if name.as_str().starts_with("portal-backup.") {
            return Err(BackupError::Backend {
                problem: "the storage is full".to_owned(),
            });
        }
        self.0.write(name, key).await
    }

    async fn read(&self, name: &KeyName) -> Result<Option<SecretBytes>, BackupError> {
        self.0.read(name).await
    }

    async fn delete(&self, name: &KeyName) -> Result<(), BackupError> {
        self.0.delete(name).await
    }
}
