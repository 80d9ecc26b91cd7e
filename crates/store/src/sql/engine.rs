//! The two databases behind one face: statements, their values, rows, transactions.
//!
//! Every statement of this crate is one text for both. Where they differ by a word (how a row
//! is locked), the transaction says it.

use portal_lifecycle::Timestamp;
use sqlx::postgres::{PgArguments, PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Decode, Row as _, Type};
use tracing::Span;
use uuid::Uuid;

use super::row::ms;
use crate::{DatabaseConnections, StoreError};

/// Connections to one database.
#[derive(Debug, Clone)]
pub(super) enum Engine {
    Sqlite {
        /// One connection: SQLite has one writer at a time, and a queue is fairer than its polling.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres {
        pool: PgPool,
        /// Apart, because whoever holds a turn needs another connection to go on.
        turns: PgPool,
    },
}

impl Engine {
    /// A transaction that writes; rolled back unless committed.
    ///
    /// On SQLite nobody else writes beside it. On Postgres (READ COMMITTED) it is alone with the
    /// rows that it has locked or changed.
    pub(super) async fn write(&self) -> Result<Transaction, StoreError> {
        let span = around(true);
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                Transaction::sqlite(writer.begin_with("BEGIN IMMEDIATE").await?, span)
            }
            Self::Postgres { pool, .. } => Transaction::postgres(pool.begin().await?, span),
        })
    }

    /// A transaction that sees one state of the database and changes nothing.
    pub(super) async fn read(&self) -> Result<Transaction, StoreError> {
        let span = around(false);
        Ok(match self {
            Self::Sqlite { readers, .. } => Transaction::sqlite(readers.begin().await?, span),
            Self::Postgres { pool, .. } => Transaction::postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
                span,
            ),
        })
    }

    /// The version of the newest migration that was run on it; 0 where none ever was.
    pub(super) async fn schema_version(&self) -> Result<i64, StoreError> {
        let mut transaction = self.read().await?;
        let newest = "SELECT max(version) AS version FROM _sqlx_migrations WHERE success";
        match query(newest).fetch_optional(&mut transaction).await {
            Ok(row) => {
                let version = row.map(|row| row.get::<Option<i64>>("version"));
                Ok(version.transpose()?.flatten().unwrap_or(0))
            }
            // There is no such table.
            Err(error) => match StoreError::from(error) {
                StoreError::Statement { .. } => Ok(0),
                error => Err(error),
            },
        }
    }

    pub(super) fn connections(&self) -> DatabaseConnections {
        let (first, second) = match self {
            Self::Sqlite { writer, readers } => (of_pool(writer), of_pool(readers)),
            Self::Postgres { pool, turns } => (of_pool(pool), of_pool(turns)),
        };
        DatabaseConnections {
            open: first.open.saturating_add(second.open),
            in_use: first.in_use.saturating_add(second.in_use),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { pool, turns } => {
                turns.close().await;
                pool.close().await;
            }
        }
    }
}

/// A transaction's span: from before the wait for a connection to the end. Where nobody asked for
/// the transaction, as where a worker looks for work, there is none.
fn around(writes: bool) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    tracing::debug_span!("transaction", writes)
}

fn of_pool<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> DatabaseConnections {
    let open = pool.size();
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    DatabaseConnections {
        open,
        in_use: open.saturating_sub(idle),
    }
}

/// A transaction of either database.
pub(super) struct Transaction {
    of: Either,
    /// Around it, for whoever records spans.
    _span: Span,
}

enum Either {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    const fn sqlite(transaction: sqlx::Transaction<'static, Sqlite>, span: Span) -> Self {
        Self {
            of: Either::Sqlite(transaction),
            _span: span,
        }
    }

    pub(super) const fn postgres(
        transaction: sqlx::Transaction<'static, Postgres>,
        span: Span,
    ) -> Self {
        Self {
            of: Either::Postgres(transaction),
            _span: span,
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self.of {
            Either::Sqlite(transaction) => transaction.commit().await?,
            Either::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Whether rows must be locked one by one: on SQLite the whole database is.
    pub(super) const fn locks_rows(&self) -> bool {
        matches!(self.of, Either::Postgres(_))
    }
}

/// A statement with its values, `$1` first.
pub(super) struct Query<'q> {
    sql: &'static str,
    values: Vec<Value<'q>>,
}

/// A value of a statement.
pub(super) enum Value<'q> {
    Id(Option<Uuid>),
    Number(Option<i64>),
    Flag(bool),
    Text(Option<&'q str>),
    Bytes(Option<&'q [u8]>),
}

pub(super) const fn query<'q>(sql: &'static str) -> Query<'q> {
    Query {
        sql,
        values: Vec::new(),
    }
}

/// The same statement with a word that locks the rows it reads, where rows must be locked.
pub(super) const fn locking<'q>(
    transaction: &Transaction,
    sql: &'static str,
    sql_with_lock: &'static str,
) -> Query<'q> {
    query(if transaction.locks_rows() {
        sql_with_lock
    } else {
        sql
    })
}

macro_rules! bind {
    ($self:ident, $arguments:ty) => {{
        let mut statement = sqlx::query::<_>($self.sql);
        for value in $self.values {
            statement = match value {
                Value::Id(value) => statement.bind(value),
                Value::Number(value) => statement.bind(value),
                Value::Flag(value) => statement.bind(value),
                Value::Text(value) => statement.bind(value),
                Value::Bytes(value) => statement.bind(value),
            };
        }
        statement
    }};
}

impl<'q> Query<'q> {
    pub(super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    fn for_sqlite(self) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
        bind!(self, SqliteArguments)
    }

    fn for_postgres(self) -> sqlx::query::Query<'q, Postgres, PgArguments> {
        bind!(self, PgArguments)
    }

    /// Runs it; says how many rows it changed.
    pub(super) async fn execute(self, transaction: &mut Transaction) -> Result<u64, sqlx::Error> {
        Ok(match &mut transaction.of {
            Either::Sqlite(inner) => self
                .for_sqlite()
                .execute(&mut **inner)
                .await?
                .rows_affected(),
            Either::Postgres(inner) => self
                .for_postgres()
                .execute(&mut **inner)
                .await?
                .rows_affected(),
        })
    }

    pub(super) async fn fetch_optional(
        self,
        transaction: &mut Transaction,
    ) -> Result<Option<AnyRow>, sqlx::Error> {
        Ok(match &mut transaction.of {
            Either::Sqlite(inner) => self
                .for_sqlite()
                .fetch_optional(&mut **inner)
                .await?
                .map(AnyRow::Sqlite),
            Either::Postgres(inner) => self
                .for_postgres()
                .fetch_optional(&mut **inner)
                .await?
                .map(AnyRow::Postgres),
        })
    }

    pub(super) async fn fetch_all(
        self,
        transaction: &mut Transaction,
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        Ok(match &mut transaction.of {
            Either::Sqlite(inner) => {
                let rows = self.for_sqlite().fetch_all(&mut **inner).await?;
                rows.into_iter().map(AnyRow::Sqlite).collect()
            }
            Either::Postgres(inner) => {
                let rows = self.for_postgres().fetch_all(&mut **inner).await?;
                rows.into_iter().map(AnyRow::Postgres).collect()
            }
        })
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
        $(impl<'q> From<$from> for Value<'q> {
            fn from($value: $from) -> Self {
                Self::$variant($made)
            }
        })*
    };
}

values! {
    Uuid => Id, value => Some(value);
    Option<Uuid> => Id, value => value;
    i64 => Number, value => Some(value);
    Option<i64> => Number, value => value;
    u32 => Number, value => Some(i64::from(value));
    Timestamp => Number, value => Some(ms(value));
    Option<Timestamp> => Number, value => value.map(ms);
    bool => Flag, value => value;
    &'q str => Text, value => Some(value);
    &'q String => Text, value => Some(value.as_str());
    Option<&'q str> => Text, value => value;
    &'q [u8] => Bytes, value => Some(value);
    &'q Vec<u8> => Bytes, value => Some(value.as_slice());
    Option<&'q [u8]> => Bytes, value => value;
}
