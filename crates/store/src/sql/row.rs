//! Between columns and the types of the house.

use portal_lifecycle::Timestamp;
use sqlx::postgres::Postgres;
use sqlx::sqlite::Sqlite;
use sqlx::{Decode, Type};
use uuid::Uuid;

use super::engine::AnyRow;
use crate::StoreError;

/// One row of a table; names the table where the row means nothing.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    table: &'static str,
    row: &'r AnyRow,
}

impl<'r> Row<'r> {
    pub(super) const fn new(table: &'static str, row: &'r AnyRow) -> Self {
        Self { table, row }
    }

    pub(super) fn value<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: for<'d> Decode<'d, Sqlite> + Type<Sqlite>,
        T: for<'d> Decode<'d, Postgres> + Type<Postgres>,
    {
        self.row.get(column).map_err(|_| self.corrupt(column))
    }

    pub(super) fn id<T>(
        &self,
        column: &'static str,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<T, StoreError> {
        self.value(column).map(make)
    }

    pub(super) fn counter(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.value::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn optional_counter(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        self.value::<Option<i64>>(column)?
            .map(|_| self.counter(column))
            .transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.counter(column).map(Timestamp::from_ms)
    }

    pub(super) fn optional_time(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.value::<Option<i64>>(column)?
            .map(|_| self.time(column))
            .transpose()
    }

    /// A value that is stored by its name.
    pub(super) fn named<T>(
        &self,
        column: &'static str,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_name(&self.value::<String>(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// SHA-256 of something.
    pub(super) fn hash(&self, column: &'static str) -> Result<[u8; 32], StoreError> {
        let bytes: Vec<u8> = self.value(column)?;
        bytes.try_into().map_err(|_| self.corrupt(column))
    }

    pub(super) const fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            column,
        }
    }
}

/// A time as it is stored. The end of time, as far as a column reaches, is far enough.
pub(super) fn ms(time: Timestamp) -> i64 {
    i64::try_from(time.as_ms()).unwrap_or(i64::MAX)
}

/// A count as it is stored.
pub(super) fn count(
    number: u64,
    table: &'static str,
    column: &'static str,
) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange { table, column })
}

/// An id that a foreign key did not find is a row that must be there.
pub(super) fn refers_to(table: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(database) if database.is_foreign_key_violation() => StoreError::NoSuchRow { table },
        _ => error.into(),
    }
}
