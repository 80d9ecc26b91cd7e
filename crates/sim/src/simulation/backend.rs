//! The customer's backend: the shipped routes over a storage in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portal_custodian::{
    CustodianStore, Digest, InsertError, NewCipherText, NewShare, StoreError, StoredCipher,
    StoredShare,
};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use rand::CryptoRng;

use super::faults::Faults;
use super::network::BACKEND;

/// What the backend keeps; outlives its processes.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    shares: Vec<(ClientId, StoredShare, Digest)>,
    cipher_texts: Vec<(ClientId, StoredCipher)>,
    released: Vec<(ClientId, BackupSharePairId)>,
    heard: Vec<String>,
}

impl Kept {
    /// The catastrophe: everything is gone.
    pub(crate) fn lose(&self) {
        *self.lock() = State::default();
    }

    /// Whether both shares and a cipher text of a pair are here.
    pub(crate) fn holds(&self, ids: PerCurve<BackupSharePairId>) -> bool {
        let state = self.lock();
        let has_share = |id| {
            let mut shares = state.shares.iter();
            shares.any(|(_, share, _)| share.backup_share_pair_id == id)
        };
        ids.into_array().into_iter().all(has_share)
            && state
                .cipher_texts
                .iter()
                .any(|(_, cipher)| cipher.backup_share_pair_ids == ids)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The storage as the backend's process sees it.
pub(crate) struct FaultyBackend {
    pub(crate) kept: Kept,
    pub(crate) faults: Faults,
}

/// What a storage that fails looks like.
const FAILED: StoreError = StoreError::Corrupt {
    table: "simulated",
    column: "simulated",
};

impl FaultyBackend {
    async fn around<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let work = async { Ok(work(&mut self.kept.lock())) };
        self.faults.around(BACKEND, || FAILED, work).await
    }
}

#[async_trait]
impl CustodianStore for FaultyBackend {
    async fn insert_share(
        &self,
        new: NewShare,
        _now: Timestamp,
        _rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Digest, InsertError> {
        let digest = new.share.digest();
        let inserted = self.around(|state| {
            let earlier = state.shares.iter().find(|(client, share, _)| {
                *client == new.client_id && share.backup_share_pair_id == new.backup_share_pair_id
            });
            if let Some((.., earlier)) = earlier {
                return if *earlier == digest {
                    Ok(digest)
                } else {
                    Err(InsertError::Taken)
                };
            }
            let share = StoredShare {
                backup_share_pair_id: new.backup_share_pair_id,
                wallet_id: new.wallet_id,
                curve: new.curve,
                generation: new.generation,
                share: new.share.clone(),
                delivery: new.delivery,
            };
            state.shares.push((new.client_id, share, digest));
            Ok(digest)
        });
        inserted.await?
    }

    async fn shares_of(&self, client_id: ClientId) -> Result<Vec<StoredShare>, StoreError> {
        self.around(|state| {
            let theirs = state.shares.iter().rev();
            let theirs = theirs.filter(|(client, ..)| *client == client_id);
            theirs.map(|(_, share, _)| share.clone()).collect()
        })
        .await
    }

    async fn share_of_pair(
        &self,
        client_id: ClientId,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredShare>, StoreError> {
        self.around(|state| {
            let mut shares = state.shares.iter();
            let found = shares.find(|(client, share, _)| {
                *client == client_id && share.backup_share_pair_id == pair_id
            });
            found.map(|(_, share, _)| share.clone())
        })
        .await
    }

    async fn release(
        &self,
        client_id: ClientId,
        pair_ids: PerCurve<BackupSharePairId>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        self.around(|state| {
            for id in pair_ids.into_array() {
                state.released.push((client_id, id));
            }
        })
        .await
    }

    async fn released(&self, client_id: ClientId) -> Result<Vec<BackupSharePairId>, StoreError> {
        self.around(|state| {
            let theirs = state.released.iter();
            let theirs = theirs.filter(|(client, _)| *client == client_id);
            theirs.map(|(_, id)| *id).collect()
        })
        .await
    }

    async fn hear(
        &self,
        webhook_id: &str,
        _now: Timestamp,
        _forgotten_before: Timestamp,
    ) -> Result<bool, StoreError> {
        self.around(|state| {
            let is_new = state.heard.iter().all(|heard| heard != webhook_id);
            state.heard.push(webhook_id.to_owned());
            is_new
        })
        .await
    }

    async fn insert_cipher_text(
        &self,
        new: NewCipherText,
        now: Timestamp,
    ) -> Result<StoredCipher, InsertError> {
        let inserted = self.around(|state| {
            let earlier = state.cipher_texts.iter().find(|(client, cipher)| {
                *client == new.client_id
                    && cipher.backup_share_pair_ids == new.backup_share_pair_ids
            });
            if let Some((_, earlier)) = earlier {
                return if earlier.cipher_text == new.cipher_text {
                    Ok(earlier.clone())
                } else {
                    Err(InsertError::Taken)
                };
            }
            let cipher = StoredCipher {
                backup_method: new.backup_method,
                backup_share_pair_ids: new.backup_share_pair_ids,
                cipher_text: new.cipher_text.clone(),
                created_at: now,
            };
            state.cipher_texts.push((new.client_id, cipher.clone()));
            Ok(cipher)
        });
        inserted.await?
    }

    async fn newest_cipher_text(
        &self,
        client_id: ClientId,
        method: BackupMethod,
    ) -> Result<Option<StoredCipher>, StoreError> {
        self.around(|state| {
            let mut newest = state.cipher_texts.iter().rev();
            let found = newest
                .find(|(client, cipher)| *client == client_id && cipher.backup_method == method);
            found.map(|(_, cipher)| cipher.clone())
        })
        .await
    }

    async fn cipher_text_of_pair(
        &self,
        client_id: ClientId,
        method: BackupMethod,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredCipher>, StoreError> {
        self.around(|state| {
            let mut texts = state.cipher_texts.iter();
            let found = texts.find(|(client, cipher)| {
                *client == client_id
                    && cipher.backup_method == method
                    && cipher.backup_share_pair_ids.into_array().contains(&pair_id)
            });
            found.map(|(_, cipher)| cipher.clone())
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.around(|_| ()).await
    }
}
