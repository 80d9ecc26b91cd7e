//! Managed mode: the custodian's shares and the cipher texts, kept here.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupStatus, Curve, PerCurve, Timestamp};
use portal_seal::SecretBytes;

use super::{MemoryStore, State, tenants};
use crate::audit::{AuditAct, Digest, Origin};
use crate::sealed::{Place, SealedSecrets};
use crate::{ManagedBackupStore, StoreError, WalletCommit};

#[async_trait]
impl ManagedBackupStore for MemoryStore {
    async fn custodian_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: BackupSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        let found = {
            let state = self.lock();
            let share = state.managed_shares.get(&(curve, pair));
            let share = share.filter(|(owner, _)| *owner == client).cloned();
            let stored = state.wallets.get(&client);
            share.zip(stored.map(|stored| *stored.wallet.ids.of(curve)))
        };
        let Some(((_, sealed), wallet)) = found else {
            return Ok(None);
        };
        let place = Place::ManagedShare {
            client,
            wallet,
            pair,
            curve,
        };
        self.sealer.open(&place, &sealed).await.map(Some)
    }

    async fn keep_cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        cipher_text: &str,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let known = state.wallets.get(&client);
        let Some(pair) = known.and_then(|stored| stored.wallet.backup_pair_of(ids)) else {
            let table = "backup_share_pairs";
            return Err(StoreError::NoSuchRow { table });
        };
        if pair.status == BackupStatus::Purged {
            let guard = "the pair of this cipher text is purged";
            return Err(StoreError::Refused { guard });
        }
        let place = (client, ids.secp256k1, ids.ed25519);
        if let Some(stored) = state.cipher_texts.get(&place) {
            return Ok(stored == cipher_text);
        }
        let act = AuditAct::CipherTextKept {
            ids,
            cipher_text: Digest::of(cipher_text.as_bytes()),
        };
        tenants::append_about(&mut state, client, act, origin, now)?;
        state.cipher_texts.insert(place, cipher_text.to_owned());
        Ok(true)
    }

    async fn cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<String>, StoreError> {
        let place = (client, ids.secp256k1, ids.ed25519);
        Ok(self.lock().cipher_texts.get(&place).cloned())
    }
}

/// Stores the custodian's share of a new pair, with the pair; E18: erases both halves of a purged
/// one.
pub(super) fn write(
    state: &mut State,
    commit: &WalletCommit,
    secrets: &SealedSecrets,
) -> Result<(), StoreError> {
    for pair in &commit.wallet.backup_pairs {
        if pair.status == BackupStatus::Purged {
            for (curve, id) in pair.ids.iter() {
                state.managed_shares.remove(&(curve, *id));
            }
            let place = (commit.client_id, pair.ids.secp256k1, pair.ids.ed25519);
            state.cipher_texts.remove(&place);
        }
    }
    let SealedSecrets::StoreCustodianShare { ids, sealed } = secrets else {
        return Ok(());
    };
    let Some(pair) = commit.wallet.backup_pair_of(*ids) else {
        let table = "backup_share_pairs";
        return Err(StoreError::NoSuchRow { table });
    };
    if pair.status == BackupStatus::Purged {
        let guard = "the pair of this custodian share is purged";
        return Err(StoreError::Refused { guard });
    }
    for (curve, sealed) in sealed.iter() {
        let place = (curve, *ids.of(curve));
        if state.managed_shares.contains_key(&place) {
            let guard = "custodian shares are insert-only";
            return Err(StoreError::Refused { guard });
        }
        let share = (commit.client_id, sealed.clone());
        state.managed_shares.insert(place, share);
    }
    Ok(())
}
