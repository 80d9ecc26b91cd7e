//! Whether the key is that of this database.
//!
//! A row that was sealed when the database was first opened. Without it two processes that begin
//! on an empty database, each with a key of its own, would take in shares that the other cannot
//! give back.

use portal_seal::{OpenError, open, seal};

use super::SqlCustodianStore;
use super::engine::{Engine, query};
use super::row::TableRow;
use crate::{OpenStoreError, StoreError, ambient};

const TABLE: &str = "key_check";
const FIND: &str = "SELECT sealed FROM key_check WHERE only_row = 1";
const ASSOCIATED_DATA: &[u8] = b"portal custodian key check v1";

impl SqlCustodianStore {
    /// Refuses another key than the one of before; notes this one where there was none.
    pub(super) async fn check_key(&self) -> Result<(), OpenStoreError> {
        if query(FIND).read(&self.engine).await?.is_none() {
            // Of before there were such rows.
            if self.newest_share_is_under_another_key().await? {
                return Err(OpenStoreError::WrongKey);
            }
            self.note_key().await?;
        }
        let row = query(FIND).read(&self.engine).await?;
        let missing = StoreError::Corrupt {
            table: TABLE,
            column: "sealed",
        };
        let row = row.ok_or(missing)?;
        let row = TableRow {
            table: TABLE,
            row: &row,
        };
        let sealed: Vec<u8> = row.value("sealed")?;
        match open(&self.key, ASSOCIATED_DATA, &sealed) {
            Ok(_) => Ok(()),
            Err(OpenError::WrongKey) => Err(OpenStoreError::WrongKey),
            Err(_) => Err(row.corrupt("sealed").into()),
        }
    }

    /// Another process may be faster; its key counts.
    async fn note_key(&self) -> Result<(), StoreError> {
        let sealed = seal(&self.key, ASSOCIATED_DATA, b"", &mut ambient::rng());
        let mut transaction = self.engine.write().await?;
        if query(FIND).fetch(&mut transaction).await?.is_none() {
            query("INSERT INTO key_check (only_row, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING")
                .bind(sealed)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await
    }
}

/// Whether the database was opened under a key before.
pub(super) async fn has_key(engine: &Engine) -> Result<bool, StoreError> {
    let noted = query(FIND).read(engine).await?;
    Ok(noted.is_some())
}
