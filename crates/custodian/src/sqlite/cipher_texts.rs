//! The table of cipher texts.

use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::SqliteCustodianStore;
use super::driver::{BEGIN, TableRow, failed, stored_ms};
use crate::{CipherText, InsertError, NewCipherText, StoreError, StoredCipher};

const TABLE: &str = "cipher_text";

impl SqliteCustodianStore {
    pub(super) async fn insert_cipher_text(
        &self,
        new: NewCipherText,
        now: Timestamp,
    ) -> Result<StoredCipher, InsertError> {
        let pair_ids = new.backup_share_pair_ids;
        let mut transaction = self.writer.begin_with(BEGIN).await.map_err(failed)?;
        let earlier = sqlx::query(
            "SELECT * FROM cipher_text
             WHERE client_id = ? AND secp256k1_backup_share_pair_id = ?
               AND ed25519_backup_share_pair_id = ?",
        )
        .bind(new.client_id.to_string())
        .bind(pair_ids.secp256k1.to_string())
        .bind(pair_ids.ed25519.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(row) = earlier {
            let stored = of_row(&row)?;
            // Under another method it would not be found where this call says it is.
            return if stored.cipher_text == new.cipher_text
                && stored.backup_method == new.backup_method
            {
                Ok(stored)
            } else {
                Err(InsertError::Taken)
            };
        }
        sqlx::query(
            "INSERT INTO cipher_text (client_id, secp256k1_backup_share_pair_id,
                 ed25519_backup_share_pair_id, backup_method, cipher_text, created_at_ms)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(new.client_id.to_string())
        .bind(pair_ids.secp256k1.to_string())
        .bind(pair_ids.ed25519.to_string())
        .bind(new.backup_method.as_str())
        .bind(new.cipher_text.as_str())
        .bind(stored_ms(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(StoredCipher {
            backup_method: new.backup_method,
            backup_share_pair_ids: pair_ids,
            cipher_text: new.cipher_text,
            created_at: now,
        })
    }

    pub(super) async fn newest_cipher_text(
        &self,
        client_id: ClientId,
        method: BackupMethod,
    ) -> Result<Option<StoredCipher>, StoreError> {
        sqlx::query(
            "SELECT * FROM cipher_text WHERE client_id = ? AND backup_method = ?
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(client_id.to_string())
        .bind(method.as_str())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(|row| of_row(&row))
        .transpose()
    }

    pub(super) async fn cipher_text_of_pair(
        &self,
        client_id: ClientId,
        method: BackupMethod,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredCipher>, StoreError> {
        sqlx::query(
            "SELECT * FROM cipher_text WHERE client_id = ? AND backup_method = ?
               AND ? IN (secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id)
             ORDER BY seq ASC LIMIT 1",
        )
        .bind(client_id.to_string())
        .bind(method.as_str())
        .bind(pair_id.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(|row| of_row(&row))
        .transpose()
    }
}

fn of_row(row: &SqliteRow) -> Result<StoredCipher, StoreError> {
    let row = TableRow { table: TABLE, row };
    Ok(StoredCipher {
        backup_method: row.text("backup_method", BackupMethod::from_wire)?,
        backup_share_pair_ids: PerCurve::new(
            row.text("secp256k1_backup_share_pair_id", |text| text.parse().ok())?,
            row.text("ed25519_backup_share_pair_id", |text| text.parse().ok())?,
        ),
        cipher_text: row.text("cipher_text", |text| CipherText::new(text.to_owned()).ok())?,
        created_at: Timestamp::from_ms(row.number("created_at_ms")?),
    })
}
