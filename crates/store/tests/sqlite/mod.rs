//! A database in a directory of its own, and SQL past the store.

#![expect(
    clippy::unwrap_used,
    reason = "what fails while a test is set up fails the test"
)]

mod files;
mod handles;
mod schema;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use portal_store::SqlStore;
use portal_store::conformance::Backend;
use portal_store::kms::Kms;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// One database file; gone with its directory when dropped.
pub(crate) struct SqliteBackend {
    directory: TempDir,
}

impl SqliteBackend {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("portal.db")
    }

    /// A connection of somebody who has the file and a prompt.
    pub(crate) async fn prompt(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path())
            .connect()
            .await
            .unwrap()
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    type Store = SqlStore;

    async fn open(&self, kms: Arc<dyn Kms>) -> SqlStore {
        SqlStore::sqlite(&self.path(), kms).await.unwrap()
    }

    async fn open_with(&self, kms: Arc<dyn Kms>, backup_kms: Arc<dyn Kms>) -> SqlStore {
        self.open(kms).await.with_backup_kms(backup_kms)
    }
}
