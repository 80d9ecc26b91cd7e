//! Whether the secrets beside the database are those that it was served with last.
//!
//! The database is under its key ([`super::key_check`]) and holds nothing of the others: a service
//! that had lost one of them and drew another would start, and refuse whom it let in before. So each
//! start leaves a seal of their digests, and another start must come with the same.

use portal_seal::{open, seal};

use super::SqlCustodianStore;
use super::engine::{Transaction, query};
use super::row::TableRow;
use crate::framing::framed;
use crate::{Digest, GivenSecret, KeptSecret, KeptSecretsError, StoreError, ambient};

const TABLE: &str = "kept_secret";
const NEWEST: &str = "SELECT sealed FROM kept_secret WHERE name = $1 ORDER BY seq DESC LIMIT 1";

impl SqlCustodianStore {
    /// Refuses secrets among which the one that was in use at the last start is not any more; notes
    /// those that are in use now. One that the database knows nothing of yet is taken as it is, and so
    /// are those in `replaced`.
    ///
    /// A secret that was put above the former one, as in a rotation, is taken: the former one is
    /// still there. From then on it may not be missing.
    ///
    /// # Errors
    ///
    /// [`KeptSecretsError`]; nothing is noted then.
    ///
    /// # Security
    ///
    /// What is noted lies sealed under the key of the database: who can read it there finds nothing
    /// at which a secret could be guessed.
    pub async fn check_secrets(
        &self,
        given: &[GivenSecret],
        replaced: &[KeptSecret],
    ) -> Result<(), KeptSecretsError> {
        let mut transaction = self.engine.write().await?;
        // So that of two first starts the one is held against the other.
        transaction.alone_over("portal custodian secrets").await?;
        let mut others = Vec::new();
        for GivenSecret { secret, digests } in given {
            let known = self.kept(*secret, &mut transaction).await?;
            if known.is_some_and(|known| !digests.contains(&known)) && !replaced.contains(secret) {
                others.push(*secret);
            } else if known.as_ref() != digests.first()
                && let Some(in_use) = digests.first()
            {
                self.keep(*secret, *in_use, &mut transaction).await?;
            }
        }
        if others.is_empty() {
            return Ok(transaction.commit().await?);
        }
        Err(KeptSecretsError::Others { secrets: others })
    }

    /// The one that was in use at the last start.
    async fn kept(
        &self,
        secret: KeptSecret,
        on: &mut Transaction,
    ) -> Result<Option<Digest>, StoreError> {
        let row = query(NEWEST).bind(secret.as_str()).fetch(on).await?;
        let Some(row) = row else { return Ok(None) };
        let row = TableRow {
            table: TABLE,
            row: &row,
        };
        let sealed: Vec<u8> = row.value("sealed")?;
        let opened = open(&self.key, &associated_data(secret), &sealed);
        let opened = opened.map_err(|_| row.corrupt("sealed"))?;
        let digest = opened.expose().try_into(); // to be compared
        let digest = digest.map_err(|_| row.corrupt("sealed"))?;
        Ok(Some(Digest(digest)))
    }

    async fn keep(
        &self,
        secret: KeptSecret,
        in_use: Digest,
        on: &mut Transaction,
    ) -> Result<(), StoreError> {
        let place = associated_data(secret);
        let sealed = seal(&self.key, &place, &in_use.0, &mut ambient::rng());
        query("INSERT INTO kept_secret (name, sealed) VALUES ($1, $2)")
            .bind(secret.as_str())
            .bind(sealed)
            .execute(on)
            .await?;
        Ok(())
    }
}

/// A seal of one secret is none of another.
fn associated_data(secret: KeptSecret) -> Vec<u8> {
    framed(&[
        b"portal custodian secret check v1",
        secret.as_str().as_bytes(),
    ])
}
