//! The backend for more than one process or machine: a Postgres database.

use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::PATIENCE;
use super::engine::Engine;
use crate::OpenStoreError;

/// Forward only, as SQLite's.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

const CONNECTIONS: u32 = 16;

/// What was answered survives a power cut, and who waited for a lock sees what its holder wrote,
/// whatever the server's own configuration says.
const RELIED_ON: [(&str, &str); 2] = [
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
];

/// As long as [`PATIENCE`]. A process that is cut off must not keep its locks either.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "4s"),
    ("lock_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "60s"),
];

/// Connects, and brings the schema up to date; of several processes that start at once, one does.
pub(super) async fn open(url: &str) -> Result<Engine, OpenStoreError> {
    let no_database = |source| OpenStoreError::Database { source };
    let options = PgConnectOptions::from_str(url)
        .map_err(no_database)?
        .application_name("portal-custodian")
        .options(RELIED_ON)
        // The driver logs a statement's text and never what was bound to it; still, nothing that
        // passes through here belongs into a log.
        .disable_statement_logging();
    let failed = |source| OpenStoreError::Migration { source };
    // A migration may take its time, and waits for another process that migrates.
    let first = pool(1).connect_with(options.clone()).await;
    let first = first.map_err(no_database)?;
    // Who may not change the schema need not, where somebody else brought it up to date.
    if !is_up_to_date(&first).await.map_err(no_database)? {
        MIGRATIONS.run(&first).await.map_err(failed)?;
    }
    first.close().await;
    let pool = pool(CONNECTIONS)
        .connect_with(options.options(LIMITS))
        .await;
    pool.map(Engine::Postgres).map_err(no_database)
}

/// Whether every migration of this program was made, and no other.
async fn is_up_to_date(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(pool)
        .await?;
    if !is_there {
        return Ok(false);
    }
    let made: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version",
    )
    .fetch_all(pool)
    .await?;
    let known = MIGRATIONS.iter();
    let known = known.map(|known| (known.version, known.checksum.as_ref()));
    Ok(known.eq(made
        .iter()
        .map(|(version, checksum)| (*version, checksum.as_slice()))))
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
}
