//! The customer's backend: the shipped routes over a storage in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portal_api::sealed::{PinnedSealingKey, RecoveryTicket};
use portal_custodian::{
    BackendSecret, CustodianStore, Digest, InsertError, NewCipherText, NewShare, Receiver,
    RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore, RecoveryWindow, Sealing,
    SealingKeys, StoreError, StoredCipher, StoredShare, WebhookSecret,
};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use portal_seal::recipient::OpeningKey;
use portal_server::clock::Clock as _;
use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng as _};
use zeroize::Zeroizing;

use super::context::{Backups, Context};
use super::faults::Faults;
use super::network::{BACKEND, Listening};
use super::record::Record;

pub(crate) const WEBHOOK_SECRET: &str = "the webhook's secret of a simulation";
/// By which the app's own backend lets a client recover.
pub(crate) const BACKEND_SECRET: &str = "the secret of a simulated backend";

/// The backend's process.
pub(crate) async fn serve(context: Context) -> turmoil::Result {
    let store = Arc::new(FaultyBackend {
        kept: context.kept.clone(),
        faults: context.faults.clone(),
        record: context.record.clone(),
    });
    let tokens = Arc::clone(&context.app_tokens);
    let secret = WebhookSecret::new(WEBHOOK_SECRET)?;
    let clock = context.clock.clone();
    let receiver = Receiver::builder(store.clone(), secret)
        .app_auth(tokens)
        .clock(move || clock.now())
        .entropy({
            let context = context.clone();
            move || Box::new(StdRng::seed_from_u64(context.draw(u32::MAX).into()))
        });
    let router = match context.backups {
        Backups::Plain => receiver.plain_backups(true).build(),
        Backups::Sealed(_) => {
            let keys = SealingKeys::new(vec![opening_key()])?;
            let secret = BackendSecret::new(BACKEND_SECRET)?;
            receiver.sealing(Sealing::new(keys, store, secret)).build()
        }
    };
    axum::serve(Listening::bind(context.connections.clone()).await?, router).await?;
    Ok(())
}

/// What opens sealed backups.
fn opening_key() -> OpeningKey {
    OpeningKey::from_bytes(Zeroizing::new([3; 32]))
}

/// What the apps pin.
pub(crate) fn sealing_key() -> Option<PinnedSealingKey> {
    let public = opening_key().public().ok()?;
    Some(PinnedSealingKey(public.0))
}

/// What the backend keeps; outlives its processes.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    shares: Vec<(ClientId, StoredShare, Digest)>,
    cipher_texts: Vec<(ClientId, StoredCipher)>,
    released: Vec<(ClientId, BackupSharePairId)>,
    heard: Vec<String>,
    windows: Vec<(ClientId, RecoveryWindow)>,
    uses: Vec<RecoveryRequest>,
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
    pub(crate) record: Record,
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
        self.record.is_the_custodians(new.curve, &new.share);
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

#[async_trait]
impl RecoveryStore for FaultyBackend {
    async fn open_recovery(
        &self,
        client_id: ClientId,
        policy: RecoveryPolicy,
        now: Timestamp,
    ) -> Result<RecoveryWindow, StoreError> {
        self.around(|state| {
            // Another for each window is enough: nobody here guesses.
            let ticket = Digest::of(&state.windows.len().to_be_bytes());
            let window = RecoveryWindow {
                opened_at: now,
                closes_at: now.plus_ms(policy.window_ms),
                closed_at: None,
                uses_allowed: policy.uses,
                uses: 0,
                ticket: RecoveryTicket(Zeroizing::new(ticket.0)),
            };
            state.windows.push((client_id, window.clone()));
            window
        })
        .await
    }

    async fn recoveries(&self, client_id: ClientId) -> Result<Vec<RecoveryWindow>, StoreError> {
        self.around(|state| {
            let theirs = state.windows.iter().rev();
            let theirs = theirs.filter(|(client, _)| *client == client_id);
            theirs.map(|(_, window)| window.clone()).collect()
        })
        .await
    }

    async fn recovery_in_force(
        &self,
        client_id: ClientId,
        now: Timestamp,
    ) -> Result<RecoveryWindow, RecoveryError> {
        let window = self.around(|state| {
            let window = state.open_window(client_id, now);
            window.map(|window| window.clone())
        });
        window.await?.ok_or(RecoveryError::NotOpen)
    }

    async fn close_recovery(&self, client_id: ClientId, now: Timestamp) -> Result<(), StoreError> {
        self.around(|state| {
            if let Some(window) = state.open_window(client_id, now) {
                window.closed_at = Some(now);
            }
        })
        .await
    }

    async fn use_recovery(
        &self,
        client_id: ClientId,
        request: RecoveryRequest,
        now: Timestamp,
    ) -> Result<(), RecoveryError> {
        let used = self.around(|state| {
            let uses = state.uses.clone();
            let window = state
                .open_window(client_id, now)
                .ok_or(RecoveryError::NotOpen)?;
            let is_same = |earlier: &&RecoveryRequest| {
                earlier.request == request.request || earlier.blinds == request.blinds
            };
            match uses.iter().find(is_same) {
                Some(earlier) if earlier.request == request.request => return Ok(()),
                Some(_) => return Err(RecoveryError::Replayed),
                None => {}
            }
            if window.uses >= window.uses_allowed {
                return Err(RecoveryError::NotOpen);
            }
            window.uses += 1;
            state.uses.push(request);
            Ok(())
        });
        used.await?
    }
}

impl State {
    /// The newest window of a client, if it is open.
    fn open_window(&mut self, client_id: ClientId, now: Timestamp) -> Option<&mut RecoveryWindow> {
        let mut newest = self.windows.iter_mut().rev();
        let newest = newest.find(|(client, _)| *client == client_id);
        newest
            .map(|(_, window)| window)
            .filter(|window| window.is_open(now))
    }
}

#[cfg(test)]
mod tests {
    use portal_custodian::OpenStoreError;
    use portal_custodian::conformance::{Backend, recoveries};
    use portal_seal::SealingKey;

    use super::super::faults::Rates;
    use super::*;

    struct InMemory(Kept);

    #[async_trait]
    impl Backend for InMemory {
        type Store = FaultyBackend;

        async fn open(&self, _key: SealingKey) -> Result<FaultyBackend, OpenStoreError> {
            let none = Rates {
                refused: 0.0,
                unheard: 0.0,
                slow: 0.0,
                fatal: 0.0,
            };
            Ok(FaultyBackend {
                kept: self.0.clone(),
                faults: Faults::new(0, none),
                record: Record::default(),
            })
        }
    }

    /// Each on a backend of its own.
    #[tokio::test]
    async fn recoveries_are_as_every_store_keeps_them() {
        let empty = || InMemory(Kept::default());
        recoveries::nothing_is_open_unless_it_was_opened(&empty()).await;
        recoveries::uses_are_counted_and_repeats_are_not(&empty()).await;
        recoveries::blinds_serve_one_request(&empty()).await;
        recoveries::the_newest_window_counts(&empty()).await;
        recoveries::a_closed_window_stays_closed(&empty()).await;
    }
}
