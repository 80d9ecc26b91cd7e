//! Where the user keeps things: keychains and cloud, each of whose calls may fail.

use std::sync::Arc;

use async_trait::async_trait;
use portal_keychain::{EntryName, Failed, Keychain, KeychainError, MemoryKeychain};
use portal_sdk::{BackupStorage, MemoryStorage};
use portal_seal::SecretBytes;

use super::faults::Faults;

/// A device's keychain, as the app on that device sees it.
pub(crate) struct FaultyKeychain {
    pub(crate) inner: Arc<MemoryKeychain>,
    pub(crate) faults: Faults,
    pub(crate) host: &'static str,
}

fn broken(failed: Failed) -> KeychainError {
    KeychainError::Backend {
        failed,
        problem: "simulated".to_owned(),
    }
}

#[async_trait]
impl Keychain for FaultyKeychain {
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        let work = self.inner.write(entry, secret);
        let failed = || broken(Failed::Write);
        self.faults.around(self.host, failed, work).await
    }

    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
        let failed = || broken(Failed::Read);
        self.faults
            .around(self.host, failed, self.inner.read(entry))
            .await
    }

    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError> {
        let failed = || broken(Failed::Write);
        self.faults
            .around(self.host, failed, self.inner.delete(entry))
            .await
    }

    async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
        let failed = || broken(Failed::Read);
        self.faults
            .around(self.host, failed, self.inner.list())
            .await
    }
}

/// The user's cloud, as the app on one device sees it.
pub(crate) struct FaultyCloud {
    pub(crate) inner: Arc<MemoryStorage>,
    pub(crate) faults: Faults,
    pub(crate) host: &'static str,
}

type CloudError = portal_backup::BackupError;

fn unreachable_cloud() -> CloudError {
    CloudError::Backend {
        problem: "simulated".to_owned(),
    }
}

#[async_trait]
impl BackupStorage for FaultyCloud {
    async fn write(
        &self,
        name: &portal_backup::KeyName,
        key: &SecretBytes,
    ) -> Result<(), CloudError> {
        let work = self.inner.write(name, key);
        self.faults.around(self.host, unreachable_cloud, work).await
    }

    async fn read(&self, name: &portal_backup::KeyName) -> Result<Option<SecretBytes>, CloudError> {
        let work = self.inner.read(name);
        self.faults.around(self.host, unreachable_cloud, work).await
    }

    async fn delete(&self, name: &portal_backup::KeyName) -> Result<(), CloudError> {
        let work = self.inner.delete(name);
        self.faults.around(self.host, unreachable_cloud, work).await
    }
}
