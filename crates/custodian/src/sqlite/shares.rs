//! The table of shares.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{Generation, Timestamp};
use portal_seal::{OpenError, SecretBytes, open, seal};
use rand::CryptoRng;
use sqlx::sqlite::SqliteRow;
use zeroize::Zeroizing;

use super::SqliteCustodianStore;
use super::driver::{BEGIN, TableRow, failed, stored_ms};
use super::sealed_share::Place;
use crate::{Digest, InsertError, NewShare, ShareText, StoreError, StoredShare};

const TABLE: &str = "backup_share";

impl SqliteCustodianStore {
    pub(super) async fn insert_share(
        &self,
        new: &NewShare,
        now: Timestamp,
        mut rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Digest, InsertError> {
        let digest = new.share.digest();
        let generation = i64::try_from(new.generation.0).map_err(|_| StoreError::TooLarge {
            table: TABLE,
            column: "generation",
        })?;
        let place = Place {
            client_id: new.client_id,
            backup_share_pair_id: new.backup_share_pair_id,
            wallet_id: new.wallet_id,
            curve: new.curve,
        };
        // Exposed to be encrypted, before anything is awaited.
        let sealed = seal(
            &self.key,
            &place.associated_data(),
            new.share.expose().as_bytes(),
            &mut rng,
        );
        let mut transaction = self.writer.begin_with(BEGIN).await.map_err(failed)?;
        let earlier = sqlx::query(
            "SELECT client_id, backup_share_pair_id, wallet_id, curve, generation, digest,
                 delivery_digest
             FROM backup_share WHERE client_id = ? AND backup_share_pair_id = ?",
        )
        .bind(new.client_id.to_string())
        .bind(new.backup_share_pair_id.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(row) = earlier {
            return if is_the_same(&row, new, digest)? {
                Ok(digest)
            } else {
                Err(InsertError::Taken)
            };
        }
        sqlx::query(
            "INSERT INTO backup_share (client_id, backup_share_pair_id, wallet_id, curve,
                 generation, backup_method, digest, delivery_digest, sealed_share, created_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.client_id.to_string())
        .bind(new.backup_share_pair_id.to_string())
        .bind(new.wallet_id.to_string())
        .bind(new.curve.as_str())
        .bind(generation)
        .bind(new.backup_method.as_str())
        .bind(digest.0.to_vec())
        .bind(new.delivery.map(|delivery| delivery.0.to_vec()))
        .bind(sealed)
        .bind(stored_ms(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(digest)
    }

    pub(super) async fn shares_of(
        &self,
        client_id: ClientId,
    ) -> Result<Vec<StoredShare>, StoreError> {
        let rows = sqlx::query(
            "SELECT client_id, backup_share_pair_id, wallet_id, curve, generation, delivery_digest,
                 sealed_share
             FROM backup_share WHERE client_id = ?
             ORDER BY generation DESC, curve DESC, backup_share_pair_id DESC",
        )
        .bind(client_id.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let (mut shares, mut unreadable) = (Vec::with_capacity(rows.len()), None);
        for row in &rows {
            match self.share_of_row(row) {
                Ok(share) => shares.push(share),
                Err(fault) => {
                    tracing::error!(%fault, "a share is left out");
                    unreadable = Some(fault);
                }
            }
        }
        // One damaged share must not stand in the way of the others: the one that is asked for
        // may be among them. Where nothing opens, the fault is not a row's.
        match unreadable {
            Some(fault) if shares.is_empty() => Err(fault),
            _ => Ok(shares),
        }
    }

    /// Only the key's commitment is asked: a share that was tampered with says nothing of the key.
    pub(super) async fn newest_share_is_under_another_key(&self) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT client_id, backup_share_pair_id, wallet_id, curve, sealed_share
             FROM backup_share ORDER BY rowid DESC LIMIT 1",
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        let Some(row) = row else {
            return Ok(false);
        };
        Ok(match self.unseal(&row) {
            Err(StoreError::Unsealing { source, .. }) => source == OpenError::WrongKey,
            _ => false,
        })
    }

    pub(super) fn share_of_row(&self, row: &SqliteRow) -> Result<StoredShare, StoreError> {
        let place = place_of_row(row)?;
        let row_of = TableRow { table: TABLE, row };
        let secret = self.unseal(row)?;
        // Exposed to become the text that Portal asks for.
        let share = core::str::from_utf8(secret.expose())
            .ok()
            .and_then(|text| ShareText::new(Zeroizing::new(text.to_owned())).ok())
            .ok_or_else(|| row_of.corrupt("sealed_share"))?;
        Ok(StoredShare {
            backup_share_pair_id: place.backup_share_pair_id,
            wallet_id: place.wallet_id,
            curve: place.curve,
            generation: Generation(row_of.number("generation")?),
            share,
            delivery: delivery_of(row_of)?,
        })
    }

    fn unseal(&self, row: &SqliteRow) -> Result<SecretBytes, StoreError> {
        let sealed: &[u8] = TableRow { table: TABLE, row }.value("sealed_share")?;
        open(&self.key, &place_of_row(row)?.associated_data(), sealed).map_err(|source| {
            StoreError::Unsealing {
                table: TABLE,
                source,
            }
        })
    }
}

fn place_of_row(row: &SqliteRow) -> Result<Place, StoreError> {
    let row = TableRow { table: TABLE, row };
    Ok(Place {
        client_id: row.text("client_id", |text| text.parse().ok())?,
        backup_share_pair_id: row.text("backup_share_pair_id", |text| text.parse().ok())?,
        wallet_id: row.text("wallet_id", |text| text.parse().ok())?,
        curve: row.text("curve", |text| text.parse().ok())?,
    })
}

/// Whether what was stored first is what comes now. The place counts as well as the text: the
/// receipt says "stored for this wallet, curve and generation".
fn is_the_same(row: &SqliteRow, new: &NewShare, digest: Digest) -> Result<bool, StoreError> {
    let place = place_of_row(row)?;
    let row = TableRow { table: TABLE, row };
    Ok(row.value::<&[u8]>("digest")? == digest.0
        && delivery_of(row)? == new.delivery
        && row.number("generation")? == new.generation.0
        && place.wallet_id == new.wallet_id
        && place.curve == new.curve)
}

fn delivery_of(row: TableRow<'_>) -> Result<Option<Digest>, StoreError> {
    row.value::<Option<&[u8]>>("delivery_digest")?
        .map(|bytes| {
            let bytes = bytes.try_into();
            bytes
                .map(Digest)
                .map_err(|_| row.corrupt("delivery_digest"))
        })
        .transpose()
}
