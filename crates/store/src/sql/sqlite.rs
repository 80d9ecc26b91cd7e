//! The backend for one machine: one file, how it is made, opened and brought up to date.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::engine::Engine;
use crate::StoreError;
use crate::error::{SQLITE_BUSY, sqlite_code};

/// Forward only: a released migration is never edited, and none has a way back.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const WAL_ATTEMPTS: u32 = 20;
const WAL_PAUSE: Duration = Duration::from_millis(50);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the file, and brings its schema up to date.
pub(super) async fn open(path: &Path) -> Result<Engine, StoreError> {
    let unavailable = |source| StoreError::Unavailable { source };
    // Absolute, because SQLite takes `:memory:` and `file:…` for something else than a path.
    let path = std::path::absolute(path)
        .map_err(sqlx::Error::Io)
        .map_err(unavailable)?;
    make_file(&path)
        .map_err(sqlx::Error::Io)
        .map_err(unavailable)?;
    let options = options(&path);
    let mut first = options.connect().await.map_err(unavailable)?;
    turn_to_wal(&mut first).await.map_err(unavailable)?;
    migrate(&mut first).await?;
    first.close().await.map_err(unavailable)?;
    let options = options.journal_mode(SqliteJournalMode::Wal);
    let writer = pool(1)
        .connect_with(options.clone())
        .await
        .map_err(unavailable)?;
    let readers = pool(READERS)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(unavailable)?;
    Ok(Engine::Sqlite { writer, readers })
}

/// Opens a file that is there, and changes nothing in it.
pub(super) async fn open_to_read(path: &Path) -> Result<Engine, StoreError> {
    let unavailable = |source| StoreError::Unavailable { source };
    let path = std::path::absolute(path)
        .map_err(sqlx::Error::Io)
        .map_err(unavailable)?;
    let options = options(&path).read_only(true);
    let readers = pool(READERS)
        .connect_with(options)
        .await
        .map_err(unavailable)?;
    let writer = readers.clone(); // that cannot
    Ok(Engine::Sqlite { writer, readers })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // P2: what was answered survives a power cut, so each commit is flushed.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // An erased share is overwritten, not only unlinked.
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        // The driver logs a statement's text and never what was bound to it; still, nothing
        // that passes through here belongs into a log.
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file has no peer that drops connections.
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Makes an empty file that only its owner reads; SQLite would ask nothing but the umask, and
/// gives its side files (`-wal`, `-shm`) the mode of this one.
fn make_file(path: &Path) -> io::Result<()> {
    // Closing a file drops the locks that *any* connection of this process holds on it
    // (fcntl(2)), so nobody may open the file between its making and its closing here.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Turns a new file to write-ahead logging, which it then keeps; later it is nothing to do.
///
/// Of several that turn the same file at once, SQLite sends all but one away without waiting,
/// because they would wait for each other.
async fn turn_to_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut attempts = 1;
    loop {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            Err(error) if sqlite_code(&error) == Some(SQLITE_BUSY) && attempts < WAL_ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(WAL_PAUSE).await;
            }
            turned => return turned.map(|_| ()),
        }
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let unavailable = |source| StoreError::Unavailable { source };
    // sqlx has no lock between migrators on SQLite: the transaction around them is one.
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(unavailable)?;
    // `run` would do, but its future is not `Send` ("`Acquire` is not general enough").
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|source| StoreError::Migration { source })?;
    transaction.commit().await.map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::sqlite::SqlitePool;

    async fn pragma(pool: &SqlitePool, name: &'static str) -> String {
        let text = sqlx::query_scalar::<_, String>(name).fetch_one(pool).await;
        match text {
            Ok(text) => text,
            Err(_) => sqlx::query_scalar::<_, i64>(name)
                .fetch_one(pool)
                .await
                .unwrap()
                .to_string(),
        }
    }

    #[tokio::test]
    async fn every_connection_has_the_promised_settings() {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(&directory.path().join("portal.db")).await.unwrap();
        let Engine::Sqlite { writer, readers } = engine else {
            panic!("another engine");
        };
        for (pool, query_only) in [(&writer, "0"), (&readers, "1")] {
            for (name, expected) in [
                ("PRAGMA journal_mode", "wal"),
                ("PRAGMA synchronous", "2"),
                ("PRAGMA foreign_keys", "1"),
                ("PRAGMA busy_timeout", "5000"),
                ("PRAGMA secure_delete", "1"),
                ("PRAGMA trusted_schema", "0"),
                ("PRAGMA query_only", query_only),
            ] {
                assert_eq!(pragma(pool, name).await, expected, "{name}");
            }
        }
    }
}
