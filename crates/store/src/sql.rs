//! The backends on a database: one SQLite file for one machine, Postgres beyond.
//!
//! # Architecture invariants
//!
//! One text of SQL for both. What differs (how a connection is made, a row is locked, a turn is
//! taken) is in [`engine`], [`sqlite`] and [`postgres`] alone.
//!
//! What a write reads first is still true when it commits: on SQLite the transaction takes the
//! write lock at its beginning (`BEGIN IMMEDIATE`); on Postgres it writes the wallet's row, on
//! condition of its version, before anything else of that wallet. The audit log comes last: from
//! there to the commit an environment has one writer. Reads see one snapshot. No transaction is open
//! while a KMS is asked.
//!
//! Nobody deletes a wallet, a pair or a line of the audit log; the schema's triggers refuse it
//! even to a person with a prompt.

mod audit;
mod client;
mod custodian;
mod engine;
mod idempotency;
mod key_check;
mod maintenance;
mod managed;
mod outbox;
mod pairs;
mod postgres;
mod row;
mod sqlite;
mod wallet;
mod wallet_rows;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use engine::{Engine, query};

use crate::kms::Kms;
use crate::sealed::Sealer;
use crate::{DatabaseConnections, Store, StoreError};

/// Storage in a database; a clone shares its connections.
///
/// # Security
///
/// Shares and webhook secrets lie sealed, each under a data key of its own that the KMS wraps.
#[derive(Debug, Clone)]
pub struct SqlStore {
    engine: Engine,
    sealer: Sealer,
    /// Whether this backup KMS was found to be the database's.
    claimed_backups: Arc<AtomicBool>,
}

impl SqlStore {
    /// Opens the SQLite database at `path`, made if missing and readable for its owner only, and
    /// brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where the file cannot be made, opened, or is no database;
    /// [`StoreError::Migration`] where its schema is newer than this program, or was altered.
    pub async fn sqlite(path: &Path, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        Self::opened(sqlite::open(path).await?, kms).await
    }

    /// Connects to the Postgres database at `url` (`postgres://user@host/database`), and brings
    /// its schema up to date. Any number of processes may.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where it cannot be reached, or the URL is none;
    /// [`StoreError::Migration`] where its schema is newer than this program, or was altered.
    pub async fn postgres(url: &str, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        Self::opened(postgres::open(url).await?, kms).await
    }

    /// Opens the SQLite database at `path` for who only reads it: nothing is made, brought up to
    /// date or written.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where the file is not there, cannot be opened, or is no
    /// database; [`StoreError::AnotherSchema`] where its schema is not this program's.
    pub async fn sqlite_to_read(path: &Path, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        Self::of_this_schema(sqlite::open_to_read(path).await?, kms).await
    }

    /// Connects to the Postgres database at `url` in the same way.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where it cannot be reached, or the URL is none;
    /// [`StoreError::AnotherSchema`] where its schema is not this program's.
    pub async fn postgres_to_read(url: &str, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        Self::of_this_schema(postgres::open_to_read(url).await?, kms).await
    }

    async fn of_this_schema(engine: Engine, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        let migrations = match &engine {
            Engine::Sqlite { .. } => &sqlite::MIGRATIONS,
            Engine::Postgres { .. } => &postgres::MIGRATIONS,
        };
        let expected = migrations.iter().map(|migration| migration.version).max();
        let expected = expected.unwrap_or(0);
        let found = engine.schema_version().await?;
        if found != expected {
            engine.close().await;
            return Err(StoreError::AnotherSchema { expected, found });
        }
        Ok(Self::of(engine, Sealer::new(kms)))
    }

    async fn opened(engine: Engine, kms: Arc<dyn Kms>) -> Result<Self, StoreError> {
        audit::carry_former_lines(&engine).await?;
        Ok(Self::of(engine, Sealer::new(kms)))
    }

    fn of(engine: Engine, sealer: Sealer) -> Self {
        Self {
            engine,
            sealer,
            claimed_backups: Arc::default(),
        }
    }

    /// The same storage, its secrets opened and sealed by another KMS.
    #[must_use]
    pub fn with_kms(self, kms: Arc<dyn Kms>) -> Self {
        Self::of(self.engine, Sealer::new(kms))
    }

    /// The same storage, with another KMS for the custodian's shares of managed backups.
    #[must_use]
    pub fn with_backup_kms(self, backup_kms: Arc<dyn Kms>) -> Self {
        Self::of(self.engine, self.sealer.with_backup_kms(backup_kms))
    }

    /// A setting of one of its connections to Postgres, as the database tells it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; also on SQLite, which has none.
    #[cfg(feature = "conformance")]
    pub async fn setting(&self, name: &str) -> Result<String, StoreError> {
        let mut transaction = self.engine.write().await?;
        let row = query("SELECT current_setting($1) AS setting")
            .bind(name)
            .fetch_optional(&mut transaction)
            .await?
            .ok_or(StoreError::NoSuchRow { table: "settings" })?;
        row::Row::new("settings", &row).value("setting")
    }

    /// How many connections to the database are open, and how many of these are in use.
    #[must_use]
    pub fn connections(&self) -> DatabaseConnections {
        self.engine.connections()
    }

    /// Waits for what is under way, then closes all connections. Every later call of this store
    /// or of a clone is refused as [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // Reads a page of the database; `SELECT 1` alone would not touch SQLite's file.
        let mut transaction = self.engine.read().await?;
        query("SELECT count(*) FROM deployment")
            .fetch_optional(&mut transaction)
            .await
            .map(|_| ())
            .map_err(|source| StoreError::Unavailable { source })
    }

    async fn try_kms(&self) -> Result<(), StoreError> {
        self.sealer.try_kms().await
    }
}
