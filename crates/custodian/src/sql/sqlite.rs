//! The backend for one machine: a SQLite file, in WAL mode, synced on every commit.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::PATIENCE;
use super::engine::Engine;
use crate::OpenStoreError;

/// Forward only: a released migration is never edited, and none has a way back.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const READERS: u32 = 4;

/// Opens the file, and brings its schema up to date.
pub(super) async fn open(path: &Path) -> Result<Engine, OpenStoreError> {
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
    MIGRATIONS
        .run(&writer)
        .await
        .map_err(|source| OpenStoreError::Migration { source })?;
    let readers = pool(READERS)
        .acquire_timeout(PATIENCE)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(|source| OpenStoreError::Database { source })?;
    Ok(Engine::Sqlite { writer, readers })
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
