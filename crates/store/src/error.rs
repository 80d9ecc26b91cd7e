//! Why storage did not do what it was asked.

use crate::key_check::KmsRole;
use crate::kms::KmsError;

/// Storage failed; nothing of the transaction is left.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or does not answer; the same call may work later.
    #[error("the database cannot be reached or opened")]
    Unavailable {
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed, a constraint among them.
    #[error("a statement of the database failed")]
    Statement {
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migration {
        /// What the migrator said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The schema is not the one of this program, and is not to be changed.
    #[error(
        "expected a database with the schema of version {expected}, found version {found}; a server \
         of this program brings an older one up to date when it starts, and a newer one needs a \
         newer program"
    )]
    AnotherSchema {
        /// The version of this program.
        expected: i64,
        /// The version of the database; 0 for none.
        found: i64,
    },
    /// A row does not mean anything: it was edited by hand, or by a newer version.
    #[error("column {column} of table {table} holds something that is not understood")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A sealed secret does not open.
    #[error("a secret of table {table} does not open; is this the key that it was sealed with?")]
    Unsealing {
        /// The table.
        table: &'static str,
        /// Why.
        #[source]
        source: UnsealingError,
    },
    /// The database is under a key that the KMS does not have.
    #[error(
        "this database's {role} are under key {key_id}, and the KMS that this server was told to \
         use has no such key"
    )]
    AnotherKey {
        /// Which KMS.
        role: KmsRole,
        /// The key's name at its own KMS.
        key_id: String,
    },
    /// The KMS did not do what it was asked; the same call may work later.
    #[error("the KMS that guards the data keys failed")]
    Kms {
        /// Why.
        #[source]
        source: KmsError,
    },
    /// A guard of the storage refuses the state that was decided.
    #[error("the storage refuses this state: {guard}")]
    Refused {
        /// What it guards.
        guard: &'static str,
    },
    /// Somebody else acts on the request by now, or has.
    #[error("the claim on this request is over; nothing was done")]
    ClaimLost,
    /// An id that must be there is not.
    #[error("no row with this id in table {table}")]
    NoSuchRow {
        /// The table.
        table: &'static str,
    },
    /// The state to be stored left out a pair or altered one beyond its status.
    #[error("expected every pair of table {table} to be kept as it was made, got another history")]
    HistoryRewritten {
        /// The table.
        table: &'static str,
    },
    /// A number to be stored is larger than its column.
    #[error("column {column} of table {table} is too small for the number given")]
    OutOfRange {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

impl StoreError {
    /// The same, but [`AnotherKey`](Self::AnotherKey) where a secret is under a key that the KMS
    /// does not have, rather than damaged.
    pub(crate) fn of_key(self, role: KmsRole) -> Self {
        match self {
            Self::Unsealing {
                source:
                    UnsealingError::Kms {
                        source: KmsError::UnknownKey { key_id },
                    },
                ..
            } => Self::AnotherKey { role, key_id },
            error => error,
        }
    }
}

/// Why a sealed secret does not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnsealingError {
    /// Its data key does not open.
    #[error(transparent)]
    Kms {
        /// Why.
        source: KmsError,
    },
    /// The secret itself does not open.
    #[error(transparent)]
    Seal {
        /// Why.
        source: portal_seal::OpenError,
    },
    /// Of a version that this code does not know.
    #[error("expected a stored secret of version {expected}, got version {given}")]
    UnknownVersion {
        /// The version of this code.
        expected: u8,
        /// The version byte.
        given: u8,
    },
    /// Cut short, or never sealed.
    #[error("expected a stored secret, got something else")]
    Malformed,
}

/// `SQLITE_BUSY`: somebody else holds a lock (<https://sqlite.org/rescode.html>).
pub(crate) const SQLITE_BUSY: u32 = 5;

/// Result codes of SQLite that say something of now, not of the statement: BUSY, LOCKED,
/// IOERR, FULL, CANTOPEN.
const PASSING_SQLITE_CODES: [u32; 5] = [SQLITE_BUSY, 6, 10, 13, 14];

/// Codes of Postgres, or classes of them, that say something of now: connection exceptions,
/// rolled back for another transaction, out of resources, lock not available, cancelled or shut
/// down by an operator (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const PASSING_POSTGRES_CODES: [&str; 6] = ["08", "25P03", "40", "53", "55P03", "57"];

/// The SQLSTATE, if it was Postgres that said no.
fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    Some(error.code())
}

/// The primary result code, if it was SQLite that said no.
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    let extended: u32 = sqlx::error::DatabaseError::code(error)?.parse().ok()?;
    Some(extended & 0xff)
}

impl From<sqlx::Error> for StoreError {
    /// Failures of the connection are [`Unavailable`](Self::Unavailable), all others are of
    /// the [`Statement`](Self::Statement).
    fn from(source: sqlx::Error) -> Self {
        let passing = match &source {
            sqlx::Error::Configuration(_)
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            sqlx::Error::Database(_) => {
                sqlite_code(&source).is_some_and(|code| PASSING_SQLITE_CODES.contains(&code))
                    || postgres_code(&source).is_some_and(|code| {
                        PASSING_POSTGRES_CODES
                            .iter()
                            .any(|class| code.starts_with(class))
                    })
            }
            _ => false,
        };
        if passing {
            Self::Unavailable { source }
        } else {
            Self::Statement { source }
        }
    }
}

/// A wallet was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed the wallet since it was read: read it and decide again.
    #[error("the wallet was changed since it was read")]
    Conflict,
    /// What it was allowed by stands no longer ([`Grounds`](crate::Grounds)): judge it again.
    #[error("the policies changed, or the credential ended, since it was allowed")]
    Overtaken,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CommitError {
    fn from(source: sqlx::Error) -> Self {
        Self::Store(source.into())
    }
}
