//! The store in one SQLite file.

mod cipher_texts;
mod driver;
mod export;
mod recovery;
mod released;
mod sealed_share;
mod shares;

use core::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use portal_seal::SealingKey;
use rand::CryptoRng;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use self::driver::failed;
pub use self::export::ExportedShares;
use crate::{
    CustodianStore, Digest, InsertError, NewCipherText, NewShare, OpenStoreError, StoreError,
    StoredCipher, StoredShare,
};

/// Spent at most twice in a call, waiting for a connection and for SQLite's lock: under the 10 s
/// that Portal waits, so that it hears "unavailable" instead of nothing.
const PATIENCE: Duration = Duration::from_secs(4);
const READERS: u32 = 4;

/// [`CustodianStore`] in one SQLite file, in WAL mode, synced on every commit.
///
/// Shares lie sealed ([`portal_seal`]), each bound to its client, pair, wallet and curve. One
/// process at a time should hold the file; back it up together with its `-wal`.
pub struct SqliteCustodianStore {
    /// One connection: writers queue here in order, instead of polling for SQLite's lock.
    writer: SqlitePool,
    readers: SqlitePool,
    key: SealingKey,
}

impl SqliteCustodianStore {
    /// Opens the store, making the file (readable by its owner only) if it is not there.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`]; [`OpenStoreError::WrongKey`] if `key` is not the one that the newest
    /// share was sealed under, so that no share is taken in that later cannot be given back.
    pub async fn open(path: impl AsRef<Path>, key: SealingKey) -> Result<Self, OpenStoreError> {
        let path = path.as_ref();
        make_private(path).map_err(|source| OpenStoreError::File { source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections);
        let writer = pool(1)
            .acquire_timeout(PATIENCE)
            .connect_with(options.clone())
            .await
            .map_err(|source| OpenStoreError::Database { source })?;
        sqlx::migrate!("./migrations")
            .run(&writer)
            .await
            .map_err(|source| OpenStoreError::Migration { source })?;
        let readers = pool(READERS)
            .acquire_timeout(PATIENCE)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|source| OpenStoreError::Database { source })?;
        let store = Self {
            writer,
            readers,
            key,
        };
        if store.newest_share_is_under_another_key().await? {
            return Err(OpenStoreError::WrongKey);
        }
        Ok(store)
    }

    /// Closes the file once all calls have ended; later calls fail.
    pub async fn close(&self) {
        self.readers.close().await;
        // Last, so that the last connection to close can fold the WAL into the file.
        self.writer.close().await;
    }
}

impl fmt::Debug for SqliteCustodianStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteCustodianStore")
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl CustodianStore for SqliteCustodianStore {
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
        sqlx::query("SELECT 1 FROM backup_share LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

/// Makes the file before SQLite would, which makes it readable by everybody. SQLite gives its
/// `-wal` and `-shm` the rights of the file.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
