//! The store in a database: one SQLite file for one process, Postgres beyond.
//!
//! # Architecture invariants
//!
//! One text of SQL for both. What differs (how a connection is made, a transaction is alone, the
//! newest row is found) is in [`engine`], [`sqlite`] and [`postgres`].
//!
//! Nothing that a backup needs is replaced or deleted; the schemas' triggers refuse it even to a person with a prompt.

mod cipher_texts;
mod engine;
mod export;
mod heard;
mod kept;
mod key_check;
mod place;
mod postgres;
mod recovery;
mod released;
mod row;
mod shares;
mod sqlite;

use core::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use portal_seal::SealingKey;
use rand::CryptoRng;

use self::engine::{Engine, query};
pub use self::export::ExportedShares;
use crate::{
    CustodianStore, Digest, InsertError, NewCipherText, NewShare, OpenStoreError, StoreError,
    StoredCipher, StoredShare,
};

/// Spent at most twice in a call, waiting for a connection and for a lock: under the 10 s that
/// Portal waits, so that it hears "unavailable" instead of nothing.
const PATIENCE: Duration = Duration::from_secs(4);

/// [`CustodianStore`] in a database.
///
/// Shares lie sealed ([`portal_seal`]), each bound to its client, pair, wallet, curve and generation,
/// and to the digests that stand beside it.
pub struct SqlCustodianStore {
    engine: Engine,
    key: SealingKey,
}

impl SqlCustodianStore {
    /// Opens a SQLite file, making it (readable by its owner only) if it is not there. It is in WAL
    /// mode and synced on every commit.
    ///
    /// One process at a time should hold the file; back it up together with its `-wal`.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`]; [`OpenStoreError::WrongKey`] if `key` is not the one under which it was
    /// opened first, so that no share is taken in that later cannot be given back.
    pub async fn sqlite(path: impl AsRef<Path>, key: SealingKey) -> Result<Self, OpenStoreError> {
        Self::opened(sqlite::open(path.as_ref()).await?, key).await
    }

    /// Connects to the Postgres database at `url` (`postgres://user@host/database`), and makes its
    /// schema, unless it is there and up to date. Any number of processes with the same key may.
    ///
    /// # Errors
    ///
    /// As [`sqlite`](Self::sqlite).
    pub async fn postgres(url: &str, key: SealingKey) -> Result<Self, OpenStoreError> {
        Self::opened(postgres::open(url).await?, key).await
    }

    /// Makes the schema of the Postgres database at `url`, or brings it up to date, and nothing else:
    /// as the role that owns it, for services whose own role may not. They open it then.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`].
    pub async fn migrate_postgres(url: &str) -> Result<(), OpenStoreError> {
        postgres::open(url).await?.close().await;
        Ok(())
    }

    /// Whether the Postgres database at `url` was opened under a key before: a new one is of no use
    /// there then.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`].
    pub async fn postgres_has_key(url: &str) -> Result<bool, OpenStoreError> {
        let engine = postgres::open(url).await?;
        let has_key = key_check::has_key(&engine).await;
        engine.close().await;
        Ok(has_key?)
    }

    async fn opened(engine: Engine, key: SealingKey) -> Result<Self, OpenStoreError> {
        let store = Self { engine, key };
        store.check_key().await?;
        Ok(store)
    }

    /// A setting of one of its connections to Postgres, as the database tells it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; also on SQLite, which has none.
    #[cfg(feature = "conformance")]
    pub async fn setting(&self, name: &str) -> Result<String, StoreError> {
        let row = query("SELECT current_setting($1) AS setting").bind(name);
        let row = row.read(&self.engine).await?.ok_or(StoreError::Corrupt {
            table: "settings",
            column: "setting",
        })?;
        row::TableRow {
            table: "settings",
            row: &row,
        }
        .value("setting")
    }

    /// Closes the database once all calls have ended; later calls fail.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

impl fmt::Debug for SqlCustodianStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlCustodianStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl CustodianStore for SqlCustodianStore {
    async fn insert_share(
        &self,
        new: NewShare,
        now: Timestamp,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Digest, InsertError> {
        self.insert_share(&new, now, rng).await
    }

    async fn shares_of(&self, client_id: ClientId) -> Result<Vec<StoredShare>, StoreError> {
        self.shares_of(client_id).await
    }

    async fn share_of_pair(
        &self,
        client_id: ClientId,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredShare>, StoreError> {
        self.share_of_pair(client_id, pair_id).await
    }

    async fn release(
        &self,
        client_id: ClientId,
        pair_ids: PerCurve<BackupSharePairId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.release(client_id, pair_ids, now).await
    }

    async fn released(&self, client_id: ClientId) -> Result<Vec<BackupSharePairId>, StoreError> {
        self.released(client_id).await
    }

    async fn hear(
        &self,
        webhook_id: &str,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError> {
        self.hear(webhook_id, now, forgotten_before).await
    }

    async fn insert_cipher_text(
        &self,
        new: NewCipherText,
        now: Timestamp,
    ) -> Result<StoredCipher, InsertError> {
        self.insert_cipher_text(new, now).await
    }

    async fn newest_cipher_text(
        &self,
        client_id: ClientId,
        method: BackupMethod,
    ) -> Result<Option<StoredCipher>, StoreError> {
        self.newest_cipher_text(client_id, method).await
    }

    async fn cipher_text_of_pair(
        &self,
        client_id: ClientId,
        method: BackupMethod,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredCipher>, StoreError> {
        self.cipher_text_of_pair(client_id, method, pair_id).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        query("SELECT 1 AS one FROM backup_share LIMIT 1")
            .read(&self.engine)
            .await
            .map(|_| ())
    }
}
