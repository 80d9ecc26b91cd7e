//! The two databases behind one face: statements, their values, rows, transactions.
//!
//! Every statement of this store is one text for both.

use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use sqlx::postgres::{PgArguments, PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Decode, Row as _, Type};

use super::row::failed;
use crate::{Digest, StoreError};

/// Connections to one database.
pub(super) enum Engine {
    Sqlite {
        /// One connection: writers queue here in order, instead of polling for SQLite's lock.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Engine {
    /// A transaction that writes; rolled back unless committed.
    ///
    /// On SQLite nobody else writes beside it: it takes the lock at once, since one that read
    /// first and wrote then could be refused in its middle. On Postgres (READ COMMITTED) others do.
    pub(super) async fn write(&self) -> Result<Transaction, StoreError> {
        let begun = match self {
            Self::Sqlite { writer, .. } => writer
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map(Transaction::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Transaction::Postgres),
        };
        begun.map_err(failed)
    }

    /// The text of a statement that differs.
    pub(super) const fn either<'s>(&self, sqlite: &'s str, postgres: &'s str) -> &'s str {
        match self {
            Self::Sqlite { .. } => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                // Last, so that the last connection to close can fold the WAL into the file.
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction of either database.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(failed)
    }

    /// From here to its end this transaction is alone with what belongs to a client, among those
    /// that ask for the same. On SQLite every one that writes is alone.
    pub(super) async fn alone_with(&mut self, client_id: ClientId) -> Result<(), StoreError> {
        self.alone_over(&client_id.to_string()).await
    }

    /// The same, with what has that name.
    pub(super) async fn alone_over(&mut self, name: &str) -> Result<(), StoreError> {
        if let Self::Postgres(transaction) = self {
            // Two names of one number would only wait for each other.
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind(name)
                .execute(&mut **transaction)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// A statement with its values, `$1` first.
pub(super) struct Query {
    sql: &'static str,
    values: Vec<Value>,
}

/// A value of a statement.
pub(super) enum Value {
    Number(i64),
    Text(String),
    Bytes(Option<Vec<u8>>),
}

pub(super) const fn query(sql: &'static str) -> Query {
    Query {
        sql,
        values: Vec::new(),
    }
}

macro_rules! bound {
    ($query:ident) => {{
        let mut statement = sqlx::query::<_>($query.sql);
        for value in $query.values {
            statement = match value {
                Value::Number(value) => statement.bind(value),
                Value::Text(value) => statement.bind(value),
                Value::Bytes(value) => statement.bind(value),
            };
        }
        statement
    }};
}

impl Query {
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        bound!(self)
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        bound!(self)
    }

    /// Runs it; says how many rows it changed.
    pub(super) async fn execute(self, on: &mut Transaction) -> Result<u64, StoreError> {
        match on {
            Transaction::Sqlite(on) => {
                let done = self.for_sqlite().execute(&mut **on).await;
                done.map(|done| done.rows_affected())
            }
            Transaction::Postgres(on) => {
                let done = self.for_postgres().execute(&mut **on).await;
                done.map(|done| done.rows_affected())
            }
        }
        .map_err(failed)
    }

    /// The row that it finds in a transaction.
    pub(super) async fn fetch(self, on: &mut Transaction) -> Result<Option<AnyRow>, StoreError> {
        match on {
            Transaction::Sqlite(on) => {
                let row = self.for_sqlite().fetch_optional(&mut **on).await;
                row.map(|row| row.map(AnyRow::Sqlite))
            }
            Transaction::Postgres(on) => {
                let row = self.for_postgres().fetch_optional(&mut **on).await;
                row.map(|row| row.map(AnyRow::Postgres))
            }
        }
        .map_err(failed)
    }

    /// The row that it finds, by itself.
    pub(super) async fn read(self, on: &Engine) -> Result<Option<AnyRow>, StoreError> {
        match on {
            Engine::Sqlite { readers, .. } => {
                let row = self.for_sqlite().fetch_optional(readers).await;
                row.map(|row| row.map(AnyRow::Sqlite))
            }
            Engine::Postgres(pool) => {
                let row = self.for_postgres().fetch_optional(pool).await;
                row.map(|row| row.map(AnyRow::Postgres))
            }
        }
        .map_err(failed)
    }

    /// Every row that it finds, by itself.
    pub(super) async fn read_all(self, on: &Engine) -> Result<Vec<AnyRow>, StoreError> {
        match on {
            Engine::Sqlite { readers, .. } => {
                let rows = self.for_sqlite().fetch_all(readers).await;
                rows.map(|rows| rows.into_iter().map(AnyRow::Sqlite).collect())
            }
            Engine::Postgres(pool) => {
                let rows = self.for_postgres().fetch_all(pool).await;
                rows.map(|rows| rows.into_iter().map(AnyRow::Postgres).collect())
            }
        }
        .map_err(failed)
    }
}

/// A row of either database.
pub(super) enum AnyRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl AnyRow {
    pub(super) fn get<T>(&self, column: &str) -> Result<T, sqlx::Error>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite>,
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

macro_rules! values {
    ($($from:ty => $variant:ident, $value:ident => $made:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($made)
            }
        })*
    };
}

values! {
    i64 => Number, value => value;
    u32 => Number, value => i64::from(value);
    // The last time that a column holds stands for all later ones.
    Timestamp => Number, value => i64::try_from(value.as_ms()).unwrap_or(i64::MAX);
    String => Text, value => value;
    &str => Text, value => value.to_owned();
    ClientId => Text, value => value.to_string();
    BackupSharePairId => Text, value => value.to_string();
    WalletId => Text, value => value.to_string();
    Digest => Bytes, value => Some(value.0.to_vec());
    Option<Digest> => Bytes, value => value.map(|digest| digest.0.to_vec());
    Vec<u8> => Bytes, value => Some(value);
}
