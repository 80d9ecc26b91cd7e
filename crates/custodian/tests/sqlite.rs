//! A SQLite file in a directory of its own.

use async_trait::async_trait;
use portal_custodian::conformance::Backend;
use portal_custodian::{OpenStoreError, SqlCustodianStore};
use portal_seal::SealingKey;
use tempfile::TempDir;

/// One database file; gone with its directory when dropped.
pub(crate) struct SqliteBackend {
    directory: TempDir,
}

impl SqliteBackend {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    type Store = SqlCustodianStore;

    async fn open(&self, key: SealingKey) -> Result<SqlCustodianStore, OpenStoreError> {
        SqlCustodianStore::sqlite(self.directory.path().join("custodian.db"), key).await
    }
}
