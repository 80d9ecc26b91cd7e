//! Why storage did not do what it was asked.

use core::error::Error;

use crate::KeptSecret;

/// What a storage's driver said.
pub type DriverError = Box<dyn Error + Send + Sync + 'static>;

/// Storage failed; nothing of the transaction is left.
///
/// # Security
///
/// Nothing in it, its sources included, holds a share or a cipher text: it is logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Storage cannot be reached, is full or busy; the same call may succeed later.
    #[error("the share store does not answer")]
    Unavailable {
        /// What the driver said.
        #[source]
        source: DriverError,
    },
    /// A statement failed.
    #[error("a statement of the share store failed")]
    Failed {
        /// What the driver said.
        #[source]
        source: DriverError,
    },
    /// A row does not mean anything: it was edited by hand, or by a newer version.
    #[error("column {column} of table {table} holds something that is not understood")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A value that the column cannot hold.
    #[error("column {column} of table {table} cannot hold so large a value")]
    TooLarge {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A sealed share does not open.
    #[error("a share of table {table} does not open")]
    Unsealing {
        /// The table.
        table: &'static str,
        /// Why.
        #[source]
        source: portal_seal::OpenError,
    },
}

/// Something was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// Something else is stored under these ids, and stays.
    #[error("something else is stored under these ids")]
    Taken,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The file cannot be made.
    #[error("the share store's file cannot be made")]
    File {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be opened or reached.
    #[error("the share store's database cannot be opened")]
    Database {
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error(
        "the share store's schema could not be brought up to date; a role that may not change it \
         needs one that owns it to do so first (`portal custodian migrate`)"
    )]
    Migration {
        /// What the migrator said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The shares in it were sealed under another key.
    #[error("the shares in this store were sealed under another key")]
    WrongKey,
    /// A first read failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A service is not given the secrets of its database.
#[derive(Debug, thiserror::Error)]
pub enum KeptSecretsError {
    /// Others than it was started with last, or older ones.
    #[error(
        "expected the secrets that this database was served with last, got another {}",
        .secrets.iter().map(KeptSecret::to_string).collect::<Vec<_>>().join(", ")
    )]
    Others {
        /// Which.
        secrets: Vec<KeptSecret>,
    },
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
