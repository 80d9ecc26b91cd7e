//! The checks of this database's keys, one of each KMS.

use core::sync::atomic::Ordering;

use super::SqlStore;
use super::engine::{Transaction, query};
use super::maintenance::TABLES;
use super::row::Row;
use crate::key_check::KmsRole;
use crate::sealed::Place;
use crate::{Rewrapped, SealedAt, StoreError};

const TABLE: &str = "key_checks";

impl SqlStore {
    pub(super) async fn is_under_a_key(&self, role: KmsRole) -> Result<bool, StoreError> {
        let mut transaction = self.engine.read().await?;
        if stored(&mut transaction, role).await?.is_some() {
            return Ok(true);
        }
        // Of before there were checks.
        for table in TABLES.iter().filter(|table| table.role == role) {
            if table.first(&mut transaction).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn claim_key(&self, role: KmsRole) -> Result<(), StoreError> {
        let sealed = match self.check(role).await? {
            Some(sealed) => sealed,
            None => {
                self.open_first_secrets(role).await?;
                let check = self.sealer.seal_check(role).await?;
                self.note(role, &check).await?;
                let noted = self.check(role).await?;
                noted.ok_or(StoreError::NoSuchRow { table: TABLE })?
            }
        };
        self.sealer.open_check(role, &sealed).await?;
        if role == KmsRole::ManagedBackups {
            self.claimed_backups.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whoever is about to store the custodian's share of a managed backup: another server must
    /// be able to read it.
    pub(super) async fn claim_backups_once(&self) -> Result<(), StoreError> {
        if self.claimed_backups.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.claim_key(KmsRole::ManagedBackups).await
    }

    /// The checks come first: from then on nobody starts who has a former key alone.
    pub(super) async fn rewrap_checks(&self) -> Result<Rewrapped, StoreError> {
        let mut done = Rewrapped {
            next: Some(SealedAt::FIRST),
            ..Rewrapped::NOTHING
        };
        for role in KmsRole::ALL {
            let Some(sealed) = self.check(role).await? else {
                continue;
            };
            done.seen = done.seen.saturating_add(1);
            let place = Place::KeyCheck { role };
            if let Some(anew) = self.sealer.rewrap(&place, &sealed).await? {
                let mut transaction = self.engine.write().await?;
                query("UPDATE key_checks SET sealed = $3 WHERE kms = $1 AND sealed = $2")
                    .bind(role.as_str())
                    .bind(&sealed)
                    .bind(&anew)
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await?;
                done.rewrapped = done.rewrapped.saturating_add(1);
            }
        }
        Ok(done)
    }

    /// Of a database of before there were checks: its key opens what lies there.
    async fn open_first_secrets(&self, role: KmsRole) -> Result<(), StoreError> {
        for table in TABLES.iter().filter(|table| table.role == role) {
            let mut transaction = self.engine.read().await?;
            let row = table.first(&mut transaction).await?;
            drop(transaction);
            let Some(row) = row else { continue };
            let secrets = (table.secrets)(Row::new(table.name, &row))?;
            if let Some(secret) = secrets.first() {
                let place = secret.place.as_place();
                self.sealer.try_key(&place, &secret.stored).await?;
            }
        }
        Ok(())
    }

    async fn check(&self, role: KmsRole) -> Result<Option<Vec<u8>>, StoreError> {
        stored(&mut self.engine.read().await?, role).await
    }

    /// Another process may be faster; its key counts.
    async fn note(&self, role: KmsRole, check: &[u8]) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        if stored(&mut transaction, role).await?.is_none() {
            query("INSERT INTO key_checks (kms, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(role.as_str())
                .bind(check)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await
    }
}

async fn stored(
    transaction: &mut Transaction,
    role: KmsRole,
) -> Result<Option<Vec<u8>>, StoreError> {
    query("SELECT sealed FROM key_checks WHERE kms = $1")
        .bind(role.as_str())
        .fetch_optional(transaction)
        .await?
        .map(|row| Row::new(TABLE, &row).value("sealed"))
        .transpose()
}
