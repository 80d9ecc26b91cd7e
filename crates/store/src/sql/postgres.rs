//! The backend for more than one machine: a Postgres database, or one that speaks its protocol.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::engine::Engine;
use crate::StoreError;

/// Forward only: a released migration is never edited, and none has a way back.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

const CONNECTIONS: u32 = 16;
/// Connections of who only reads.
const READERS: u32 = 2;
/// Wallets that may compute a step of an ECDSA signature at once, or wait for their turn.
const TURNS: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// What every connection is told, so that the server's own configuration cannot weaken it.
const SETTINGS: [(&str, &str); 4] = [
    // P2: what was answered survives a power cut.
    ("synchronous_commit", "on"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    // A node that is cut off must not keep its locks.
    ("idle_in_transaction_session_timeout", "60s"),
];

/// Connects, and brings the schema up to date; of several nodes that start at once, one does.
pub(super) async fn open(url: &str) -> Result<Engine, StoreError> {
    let options = options(url)?;
    let pool = pool(CONNECTIONS, &options).await?;
    MIGRATIONS
        .run(&pool)
        .await
        .map_err(|source| StoreError::Migration { source })?;
    let turns = self::pool(TURNS, &options).await?;
    Ok(Engine::Postgres { pool, turns })
}

/// Connects to a database that is there, and changes nothing in it.
pub(super) async fn open_to_read(url: &str) -> Result<Engine, StoreError> {
    let options = options(url)?.options([("default_transaction_read_only", "on")]);
    let pool = pool(READERS, &options).await?;
    let turns = pool.clone(); // nobody signs
    Ok(Engine::Postgres { pool, turns })
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|source| StoreError::Unavailable { source })?
        .application_name("portal")
        .options(SETTINGS)
        // The driver logs a statement's text and never what was bound to it; still, nothing
        // that passes through here belongs into a log.
        .disable_statement_logging())
}

async fn pool(connections: u32, options: &PgConnectOptions) -> Result<PgPool, StoreError> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(|source| StoreError::Unavailable { source })
}
