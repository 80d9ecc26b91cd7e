//! The table of shares.

use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Generation, Timestamp};
use portal_seal::{OpenError, SecretBytes, open, seal};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::SqlCustodianStore;
use super::engine::{AnyRow, Transaction, query};
use super::place::{Place, SEAL_VERSION};
use super::row::TableRow;
use crate::{Digest, InsertError, NewShare, ShareText, StoreError, StoredShare};

const TABLE: &str = "backup_share";

/// Named one by one: another process may add a column, and a statement that is prepared must go on.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT client_id, backup_share_pair_id, wallet_id, curve, generation, digest,
                 delivery_digest, seal_version, sealed_share
             FROM backup_share ",
            $rest
        )
    };
}

const OF_PAIR: &str = select!("WHERE client_id = $1 AND backup_share_pair_id = $2");
const OF_CLIENT: &str =
    select!("WHERE client_id = $1 ORDER BY generation DESC, curve DESC, backup_share_pair_id DESC");

impl SqlCustodianStore {
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
        let place = Place::of(new, digest);
        // Exposed to be encrypted, before anything is awaited.
        let sealed = seal(
            &self.key,
            &place.associated_data(),
            new.share.expose().as_bytes(),
            &mut rng,
        );
        let mut transaction = self.engine.write().await?;
        if let Some(is_the_same) = is_there(new, digest, &mut transaction).await? {
            return if_the_same(is_the_same, digest);
        }
        let inserted = query(
            "INSERT INTO backup_share (client_id, backup_share_pair_id, wallet_id, curve,
                 generation, backup_method, digest, delivery_digest, seal_version, sealed_share,
                 created_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        )
        .bind(new.client_id)
        .bind(new.backup_share_pair_id)
        .bind(new.wallet_id)
        .bind(new.curve.as_str())
        .bind(generation)
        .bind(new.backup_method.as_str())
        .bind(digest)
        .bind(new.delivery)
        .bind(SEAL_VERSION)
        .bind(sealed)
        .bind(now)
        .execute(&mut transaction)
        .await?;
        if inserted == 0 {
            // Another process was faster, since the first look.
            let is_the_same = is_there(new, digest, &mut transaction).await?;
            return if_the_same(is_the_same.unwrap_or(false), digest);
        }
        transaction.commit().await?;
        Ok(digest)
    }

    pub(super) async fn shares_of(
        &self,
        client_id: ClientId,
    ) -> Result<Vec<StoredShare>, StoreError> {
        let rows = self.rows_of(client_id).await?;
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

    pub(super) async fn share_of_pair(
        &self,
        client_id: ClientId,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredShare>, StoreError> {
        let found = query(OF_PAIR).bind(client_id).bind(pair_id);
        let row = found.read(&self.engine).await?;
        row.map(|row| self.share_of_row(&row)).transpose()
    }

    /// Every row of a client, the newest generation first.
    pub(super) async fn rows_of(&self, client_id: ClientId) -> Result<Vec<AnyRow>, StoreError> {
        let found = query(OF_CLIENT).bind(client_id);
        found.read_all(&self.engine).await
    }

    /// Only the key's commitment is asked: a share that was tampered with says nothing of the key.
    pub(super) async fn newest_share_is_under_another_key(&self) -> Result<bool, StoreError> {
        let newest = self.engine.either(
            select!("ORDER BY rowid DESC LIMIT 1"),
            select!("ORDER BY seq DESC LIMIT 1"),
        );
        let row = query(newest).read(&self.engine).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        match self.unseal(&row) {
            Ok(_) => Ok(false),
            Err(StoreError::Unsealing { source, .. }) => Ok(source == OpenError::WrongKey),
            // It says nothing of the key: none is noted as this database's by it.
            Err(error) => Err(error),
        }
    }

    pub(super) fn share_of_row(&self, row: &AnyRow) -> Result<StoredShare, StoreError> {
        let row_of = TableRow { table: TABLE, row };
        let place = place_of_row(row_of)?;
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
            generation: place.generation,
            share,
            delivery: place.delivery,
        })
    }

    fn unseal(&self, row: &AnyRow) -> Result<SecretBytes, StoreError> {
        let row = TableRow { table: TABLE, row };
        if row.number("seal_version")? != u64::from(SEAL_VERSION) {
            return Err(row.corrupt("seal_version"));
        }
        let associated_data = place_of_row(row)?.associated_data();
        let sealed: Vec<u8> = row.value("sealed_share")?;
        open(&self.key, &associated_data, &sealed).map_err(|source| StoreError::Unsealing {
            table: TABLE,
            source,
        })
    }
}

fn place_of_row(row: TableRow<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        client_id: row.text("client_id", |text| text.parse().ok())?,
        backup_share_pair_id: row.text("backup_share_pair_id", |text| text.parse().ok())?,
        wallet_id: row.text("wallet_id", |text| text.parse().ok())?,
        curve: row.text("curve", |text| text.parse().ok())?,
        generation: Generation(row.number("generation")?),
        digest: row.digest("digest")?,
        delivery: row.optional_digest("delivery_digest")?,
    })
}

/// Whether something is stored under the ids of what comes now, and if so, whether it is the same.
/// The place counts as well as the text: the receipt says "stored for this wallet, curve and
/// generation".
async fn is_there(
    new: &NewShare,
    digest: Digest,
    transaction: &mut Transaction,
) -> Result<Option<bool>, StoreError> {
    let found = query(OF_PAIR)
        .bind(new.client_id)
        .bind(new.backup_share_pair_id);
    let Some(row) = found.fetch(transaction).await? else {
        return Ok(None);
    };
    let place = place_of_row(TableRow {
        table: TABLE,
        row: &row,
    })?;
    Ok(Some(
        place.digest == digest
            && place.delivery == new.delivery
            && place.generation == new.generation
            && place.wallet_id == new.wallet_id
            && place.curve == new.curve,
    ))
}

const fn if_the_same(is_the_same: bool, digest: Digest) -> Result<Digest, InsertError> {
    if is_the_same {
        Ok(digest)
    } else {
        Err(InsertError::Taken)
    }
}
