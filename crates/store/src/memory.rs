//! The backend in memory, for tests and simulations: what a database promises, without one.
//!
//! # Architecture invariants
//!
//! A transaction works on a copy of what it changes and puts it back at its end: whoever is cut
//! off in the midst of one leaves nothing. Secrets lie sealed here too, and the guards of the
//! databases' schemas hold here as well: this backend passes the same suite.

mod audit;
mod guards;
mod idempotency;
mod key_check;
mod managed;
mod outbox;
mod tenants;
mod wallets;
mod webhook;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, CustodianId, EnvironmentId, TraceId, WebhookDeliveryId,
};
use portal_lifecycle::{BackupMode, BackupStatus, Curve, Epoch, PerCurve, Timestamp};
use uuid::Uuid;

use crate::audit::{AuditAct, AuditLine, Origin};
use crate::kms::Kms;
use crate::sealed::Sealer;
use crate::{
    ClientRecord, KmsRole, Notice, Rewrapped, SealedAt, Store, StoreError, StoredWallet,
    WebhookAttempt,
};

/// Storage in memory; a clone shares it.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// A wallet's turn, of those that were asked for.
    turns: Arc<Mutex<BTreeMap<ClientId, Arc<tokio::sync::Mutex<()>>>>>,
    sealer: Sealer,
    /// Whether this backup KMS was found to be the storage's.
    claimed_backups: Arc<AtomicBool>,
}

impl MemoryStore {
    /// An empty storage.
    #[must_use]
    pub fn new(kms: Arc<dyn Kms>) -> Self {
        Self {
            state: Arc::default(),
            turns: Arc::default(),
            sealer: Sealer::new(kms),
            claimed_backups: Arc::default(),
        }
    }

    /// The same storage, its secrets opened and sealed by another KMS.
    #[must_use]
    pub fn reopened(&self, kms: Arc<dyn Kms>) -> Self {
        Self {
            state: Arc::clone(&self.state),
            turns: Arc::clone(&self.turns),
            sealer: Sealer::new(kms),
            claimed_backups: Arc::default(),
        }
    }

    /// The same storage, with another KMS for the custodian's shares of managed backups.
    #[must_use]
    pub fn with_backup_kms(self, backup_kms: Arc<dyn Kms>) -> Self {
        Self {
            sealer: self.sealer.with_backup_kms(backup_kms),
            claimed_backups: Arc::default(),
            ..self
        }
    }

    /// A copy of everything as it is now, as of a database that is copied away.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.lock().clone())),
            turns: Arc::default(),
            sealer: self.sealer.clone(),
            claimed_backups: Arc::default(),
        }
    }

    /// Puts a copy in the place of what is here, as of a database that is put back.
    pub fn put_back(&self, copy: &Self) {
        let state = copy.lock().clone();
        *self.lock() = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone)]
struct State {
    epoch: Epoch,
    key_checks: BTreeMap<KmsRole, Vec<u8>>,
    custodians: BTreeMap<CustodianId, String>,
    environments: BTreeMap<EnvironmentId, Environment>,
    custodian_keys: BTreeMap<[u8; 32], ApiKey>,
    clients: BTreeMap<ClientId, ClientRecord>,
    client_keys: BTreeMap<[u8; 32], ClientId>,
    sessions: BTreeMap<[u8; 32], Session>,
    signing_policies: BTreeMap<ClientId, String>,
    web_otps: BTreeMap<[u8; 32], WebOtp>,
    once: BTreeMap<Uuid, idempotency::Once>,
    wallets: BTreeMap<ClientId, StoredWallet>,
    /// By the id of the pair on the curve.
    signing_shares: BTreeMap<(Curve, Uuid), Vec<u8>>,
    outbox: BTreeMap<BackupSharePairId, Queued>,
    managed_shares: BTreeMap<(Curve, BackupSharePairId), (ClientId, Vec<u8>)>,
    cipher_texts: BTreeMap<(ClientId, BackupSharePairId, BackupSharePairId), String>,
    notices: BTreeMap<(BackupSharePairId, BackupStatus), QueuedNotice>,
    audit_log: BTreeMap<EnvironmentId, Vec<Arc<AuditLine>>>,
    webhook_attempts: BTreeMap<WebhookDeliveryId, WebhookAttempt>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            epoch: Epoch::FIRST,
            key_checks: BTreeMap::new(),
            custodians: BTreeMap::new(),
            environments: BTreeMap::new(),
            custodian_keys: BTreeMap::new(),
            clients: BTreeMap::new(),
            client_keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
            signing_policies: BTreeMap::new(),
            web_otps: BTreeMap::new(),
            once: BTreeMap::new(),
            wallets: BTreeMap::new(),
            signing_shares: BTreeMap::new(),
            outbox: BTreeMap::new(),
            managed_shares: BTreeMap::new(),
            cipher_texts: BTreeMap::new(),
            notices: BTreeMap::new(),
            audit_log: BTreeMap::new(),
            webhook_attempts: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone)]
struct Environment {
    custodian: CustodianId,
    name: String,
    backup_mode: BackupMode,
    webhook: Option<webhook::Webhook>,
    signing_policy: Option<String>,
}

/// A custodian's.
#[derive(Debug, Clone, Copy)]
struct ApiKey {
    environment: EnvironmentId,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct WebOtp {
    client: ClientId,
    is_taken: bool,
    expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    client: ClientId,
    idle_until: Timestamp,
    expires_at: Timestamp,
}

/// A custodian share on its way.
#[derive(Debug, Clone)]
struct Queued {
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
    sealed: PerCurve<Vec<u8>>,
    blinds: Option<PerCurve<Vec<u8>>>,
    attempts: u32,
    due_at: Timestamp,
    created_at: Timestamp,
    trace_id: TraceId,
}

#[derive(Debug, Clone)]
struct QueuedNotice {
    notice: Notice,
    due_at: Timestamp,
}

#[async_trait]
impl Store for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn try_kms(&self) -> Result<(), StoreError> {
        self.sealer.try_kms().await
    }
}

#[async_trait]
impl crate::Maintenance for MemoryStore {
    async fn raise_epoch(&self, now: Timestamp, origin: Origin) -> Result<Epoch, StoreError> {
        let mut state = self.lock();
        state.epoch = Epoch {
            number: Epoch::number_at(now).max(state.epoch.number.saturating_add(1)),
            began_at: now,
        };
        let epoch = state.epoch;
        let raised = AuditAct::EpochRaised {
            epoch: epoch.number,
        };
        let environments: Vec<_> = state.environments.keys().copied().collect();
        for environment in environments {
            audit::append(&mut state, environment, None, &[raised], origin, now);
        }
        Ok(epoch)
    }

    async fn depends_on(&self, role: KmsRole) -> Result<bool, StoreError> {
        Ok(self.is_under_a_key(role))
    }

    async fn claim(&self, role: KmsRole) -> Result<(), StoreError> {
        self.claim_key(role).await
    }

    /// In one step: nothing here is so large that it must be split.
    async fn rewrap(&self, _from: Option<SealedAt>, _take: u32) -> Result<Rewrapped, StoreError> {
        let (mut seen, mut rewrapped, mut unreadable) = (0, 0, 0);
        for (place, stored) in self.sealed_secrets() {
            seen += 1;
            match self.sealer.rewrap(&place.as_place(), &stored).await {
                Ok(None) => {}
                Ok(Some(anew)) => {
                    self.replace_sealed(&place, &stored, anew);
                    rewrapped += 1;
                }
                Err(StoreError::Unsealing { .. }) => unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(Rewrapped {
            seen,
            rewrapped,
            unreadable,
            next: None,
        })
    }
}
