//! The backend for one machine: one SQLite file.
//!
//! # Architecture invariants
//!
//! Every write runs in a transaction that takes the write lock at its beginning (`BEGIN
//! IMMEDIATE`), so what it reads first is still true when it writes, whichever process
//! writes beside it. Reads see one snapshot.
//!
//! Nobody deletes a wallet, a pair or a line of the audit log; the schema's triggers
//! refuse it even to a person with a prompt.

mod client;
mod custodian;
mod open;
mod outbox;
mod pairs;
mod row;
mod wallet;
mod wallet_rows;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use portal_seal::SealingKey;
use sqlx::sqlite::{Sqlite, SqlitePool};
use sqlx::{Executor as _, Transaction};

use crate::sealed::Sealer;
use crate::{Store, StoreError};

/// Storage in one SQLite file; a clone shares its connections.
///
/// # Security
///
/// Shares and webhook secrets lie sealed under the key given to [`open`](Self::open). The
/// file is made readable for its owner only.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// One connection: SQLite has one writer at a time, and a queue is fairer than its polling.
    writer: SqlitePool,
    readers: SqlitePool,
    sealer: Arc<Sealer>,
}

impl SqliteStore {
    /// Opens the database at `path`, made if missing, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where the file cannot be made, opened, or is no database;
    /// [`StoreError::Migration`] where its schema is newer than this program, or was altered.
    pub async fn open(path: &Path, key: SealingKey) -> Result<Self, StoreError> {
        let (writer, readers) = open::open(path).await?;
        Ok(Self {
            writer,
            readers,
            sealer: Arc::new(Sealer::new(key)),
        })
    }

    /// Waits for what is under way, then closes the file. Every later call of this store or
    /// of a clone is refused as [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that nobody else writes beside; rolled back unless committed.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A transaction that sees one state of the database.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // Reads the file's first page; `SELECT 1` alone would not touch the file.
        self.readers
            .execute("SELECT count(*) FROM sqlite_schema")
            .await
            .map(|_| ())
            .map_err(|source| StoreError::Unavailable { source })
    }
}
