//! What a database says, in the store's words.

use sqlx::postgres::{PgDatabaseError, Postgres};
use sqlx::sqlite::{Sqlite, SqliteError};
use sqlx::{Decode, Type};

use super::engine::AnyRow;
use crate::{Digest, StoreError};

/// Primary result codes (sqlite.org/rescode.html) of what may pass: BUSY, LOCKED, NOMEM,
/// IOERR, FULL, CANTOPEN.
const PASSING_SQLITE_CODES: [u32; 6] = [5, 6, 7, 10, 13, 14];

/// Codes of Postgres, or classes of them, of what may pass: connection exceptions, a standby that
/// is written to, rolled back for another transaction, out of resources, lock not available,
/// cancelled or shut down by an operator
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const PASSING_POSTGRES_CODES: [&str; 7] = ["08", "25006", "25P03", "40", "53", "55P03", "57"];

pub(super) fn failed(source: sqlx::Error) -> StoreError {
    let may_pass = match &source {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<SqliteError>() {
                let code = sqlx::error::DatabaseError::code(error);
                let code = code.and_then(|code| code.parse::<u32>().ok());
                // The lowest byte of an extended code is its primary code.
                code.is_some_and(|code| PASSING_SQLITE_CODES.contains(&(code & 0xff)))
            } else {
                let error = error.try_downcast_ref::<PgDatabaseError>();
                error.is_some_and(|error| {
                    let mut classes = PASSING_POSTGRES_CODES.iter();
                    classes.any(|class| error.code().starts_with(class))
                })
            }
        }
        _ => false,
    };
    let source = source.into();
    if may_pass {
        StoreError::Unavailable { source }
    } else {
        StoreError::Failed { source }
    }
}

/// A row of a table, read column by column.
#[derive(Clone, Copy)]
pub(super) struct TableRow<'r> {
    pub(super) table: &'static str,
    pub(super) row: &'r AnyRow,
}

impl TableRow<'_> {
    /// The value of a column.
    ///
    /// The driver's own error is left out: it may repeat what the column holds.
    pub(super) fn value<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: for<'d> Decode<'d, Sqlite> + Type<Sqlite>,
        T: for<'d> Decode<'d, Postgres> + Type<Postgres>,
    {
        self.row.get(column).map_err(|_| self.corrupt(column))
    }

    /// The value of a column, as `read` understands its text.
    pub(super) fn text<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        read(&self.value::<String>(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// The value of a column that holds a number from 0 on.
    pub(super) fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.value::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    /// The value of a column that holds a digest.
    pub(super) fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        self.optional_digest(column)?
            .ok_or_else(|| self.corrupt(column))
    }

    /// The value of a column that may hold a digest.
    pub(super) fn optional_digest(
        &self,
        column: &'static str,
    ) -> Result<Option<Digest>, StoreError> {
        let bytes = self.value::<Option<Vec<u8>>>(column)?;
        bytes
            .map(|bytes| {
                let bytes = bytes.try_into();
                bytes.map(Digest).map_err(|_| self.corrupt(column))
            })
            .transpose()
    }

    pub(super) const fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            column,
        }
    }
}
