//! The table of cipher texts.

use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};

use super::SqlCustodianStore;
use super::engine::{AnyRow, Transaction, query};
use super::row::TableRow;
use crate::{CipherText, InsertError, NewCipherText, StoreError, StoredCipher};

const TABLE: &str = "cipher_text";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id, backup_method,
                 cipher_text, created_at_ms
             FROM cipher_text ",
            $rest
        )
    };
}

impl SqlCustodianStore {
    pub(super) async fn insert_cipher_text(
        &self,
        new: NewCipherText,
        now: Timestamp,
    ) -> Result<StoredCipher, InsertError> {
        let mut transaction = self.engine.write().await?;
        // No constraint of a table sees an id in two columns.
        transaction.alone_with(new.client_id).await?;
        if let Some(earlier) = under_an_id_of(&new, &mut transaction).await? {
            return if_the_same(earlier, &new);
        }
        query(
            "INSERT INTO cipher_text (client_id, secp256k1_backup_share_pair_id,
                 ed25519_backup_share_pair_id, backup_method, cipher_text, created_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(new.client_id)
        .bind(new.backup_share_pair_ids.secp256k1)
        .bind(new.backup_share_pair_ids.ed25519)
        .bind(new.backup_method.as_str())
        .bind(new.cipher_text.as_str())
        .bind(now)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(StoredCipher {
            backup_method: new.backup_method,
            backup_share_pair_ids: new.backup_share_pair_ids,
            cipher_text: new.cipher_text,
            created_at: now,
        })
    }

    pub(super) async fn newest_cipher_text(
        &self,
        client_id: ClientId,
        method: BackupMethod,
    ) -> Result<Option<StoredCipher>, StoreError> {
        let row = query(select!(
            "WHERE client_id = $1 AND backup_method = $2 ORDER BY seq DESC LIMIT 1"
        ))
        .bind(client_id)
        .bind(method.as_str())
        .read(&self.engine)
        .await?;
        row.map(|row| of_row(&row)).transpose()
    }

    pub(super) async fn cipher_text_of_pair(
        &self,
        client_id: ClientId,
        method: BackupMethod,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredCipher>, StoreError> {
        let row = query(select!(
            "WHERE client_id = $1 AND backup_method = $2
               AND $3 IN (secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id)
             ORDER BY seq ASC LIMIT 1"
        ))
        .bind(client_id)
        .bind(method.as_str())
        .bind(pair_id)
        .read(&self.engine)
        .await?;
        row.map(|row| of_row(&row)).transpose()
    }
}

/// A text under half of a pair would hide the whole pair's own, whichever of the two came first.
async fn under_an_id_of(
    new: &NewCipherText,
    transaction: &mut Transaction,
) -> Result<Option<StoredCipher>, StoreError> {
    let row = query(select!(
        "WHERE client_id = $1
           AND ($2 IN (secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id)
             OR $3 IN (secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id))
         ORDER BY seq ASC LIMIT 1"
    ))
    .bind(new.client_id)
    .bind(new.backup_share_pair_ids.secp256k1)
    .bind(new.backup_share_pair_ids.ed25519)
    .fetch(transaction)
    .await?;
    row.map(|row| of_row(&row)).transpose()
}

/// Under another method, or for half of the pair, it would not be found where the call says it is.
fn if_the_same(stored: StoredCipher, new: &NewCipherText) -> Result<StoredCipher, InsertError> {
    let is_same = stored.cipher_text == new.cipher_text
        && stored.backup_method == new.backup_method
        && stored.backup_share_pair_ids == new.backup_share_pair_ids;
    if is_same {
        Ok(stored)
    } else {
        Err(InsertError::Taken)
    }
}

fn of_row(row: &AnyRow) -> Result<StoredCipher, StoreError> {
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
