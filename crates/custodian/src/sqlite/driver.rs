//! What the driver says, in the store's words.

use portal_lifecycle::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::StoreError;

/// Takes the write lock at once: a transaction that read first and wrote then could be refused
/// in its middle.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Primary result codes (sqlite.org/rescode.html) of what may pass: BUSY, LOCKED, NOMEM,
/// IOERR, FULL, CANTOPEN.
const PASSING: [u32; 6] = [5, 6, 7, 10, 13, 14];

pub(super) fn failed(source: sqlx::Error) -> StoreError {
    let may_pass = match &source {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        sqlx::Error::Database(error) => error
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            // The lowest byte of an extended code is its primary code.
            .is_some_and(|code| PASSING.contains(&(code & 0xff))),
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
    pub(super) row: &'r SqliteRow,
}

impl<'r> TableRow<'r> {
    /// The value of a column.
    ///
    /// The driver's own error is left out: it may repeat what the column holds.
    pub(super) fn value<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// The value of a column, as `read` understands its text.
    pub(super) fn text<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        read(self.value(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// The value of a column that holds a number from 0 on.
    pub(super) fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.value::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            column,
        }
    }
}

/// A time as it is stored; the last one there is stands for all later ones.
pub(super) fn stored_ms(now: Timestamp) -> i64 {
    i64::try_from(now.as_ms()).unwrap_or(i64::MAX)
}
