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
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, TraceId};
use portal_store::conformance::{AuditLine, Backend};
use portal_store::kms::Kms;
use portal_store::{SqlStore, WalletVersion};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _};
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

    async fn audit_log(&self, client: ClientId) -> Vec<AuditLine> {
        let number = |value: i64| u64::try_from(value).unwrap();
        sqlx::query("SELECT * FROM audit_events WHERE client_id = ?1 ORDER BY audit_event_id")
            .bind(client.0)
            .fetch_all(&mut self.prompt().await)
            .await
            .unwrap()
            .into_iter()
            .map(|row| AuditLine {
                version: WalletVersion(number(row.get("wallet_version"))),
                action: row.get("action"),
                subject: row.get("subject"),
                digest: row.get::<Vec<u8>, _>("digest").try_into().unwrap(),
                trace_id: TraceId(row.get("trace_id")),
                at: Timestamp::from_ms(number(row.get("created_at"))),
            })
            .collect()
    }
}
