//! The checks of this memory's keys, one of each KMS.

use core::sync::atomic::Ordering;

use super::MemoryStore;
use super::outbox::OwnedPlace;
use crate::StoreError;
use crate::key_check::KmsRole;

impl MemoryStore {
    pub(super) fn is_under_a_key(&self, role: KmsRole) -> bool {
        let noted = self.lock().key_checks.contains_key(&role);
        noted || self.secrets_of(role).next().is_some()
    }

    pub(super) async fn claim_key(&self, role: KmsRole) -> Result<(), StoreError> {
        let noted = self.lock().key_checks.get(&role).cloned();
        let check = match noted {
            Some(check) => check,
            None => {
                if let Some((place, stored)) = self.secrets_of(role).next() {
                    self.sealer.try_key(&place.as_place(), &stored).await?;
                }
                let check = self.sealer.seal_check(role).await?;
                let mut state = self.lock();
                state.key_checks.entry(role).or_insert(check).clone()
            }
        };
        self.sealer.open_check(role, &check).await?;
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

    fn secrets_of(&self, role: KmsRole) -> impl Iterator<Item = (OwnedPlace, Vec<u8>)> {
        let secrets = self.sealed_secrets().into_iter();
        secrets.filter(move |(place, _)| {
            !matches!(place, OwnedPlace::Check(_)) && place.as_place().role() == role
        })
    }
}
