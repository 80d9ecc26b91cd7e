//! What is on its way to the custodians, and the sealed secrets of everything.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId};
use portal_lifecycle::{BackupMode, BackupStatus, Curve, PerCurve, Timestamp};
use uuid::Uuid;

use super::{MemoryStore, Queued, QueuedNotice, State};
use crate::sealed::{Place, SealedSecrets};
use crate::{Delivery, KmsRole, Notice, OutboxDepth, OutboxStore, StoreError, WalletCommit};

#[async_trait]
impl OutboxStore for MemoryStore {
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError> {
        let queued = self.lock().outbox.get(&ids.secp256k1).cloned();
        match queued.filter(|queued| queued.client == client && queued.ids == ids) {
            Some(queued) => self.open_delivery(queued).await.map(Some),
            None => Ok(None),
        }
    }

    async fn due_environments(&self, now: Timestamp) -> Result<Vec<EnvironmentId>, StoreError> {
        let state = self.lock();
        let deliveries = state.outbox.values();
        let deliveries = deliveries.map(|queued| (queued.due_at, queued.client));
        let notices = state.notices.values();
        let notices = notices.map(|queued| (queued.due_at, queued.notice.client_id));
        let mut due: Vec<_> = deliveries
            .chain(notices)
            .filter(|(due_at, _)| *due_at <= now)
            .filter_map(|(due_at, client)| {
                Some((due_at, state.clients.get(&client)?.environment_id))
            })
            .collect();
        due.sort();
        let mut environments = Vec::new();
        for (_, environment) in due {
            if !environments.contains(&environment) {
                environments.push(environment);
            }
        }
        Ok(environments)
    }

    async fn claim_deliveries(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claimed = {
            let mut state = self.lock();
            let State {
                outbox, clients, ..
            } = &mut *state;
            let is_its = |client: &ClientId| {
                let client = clients.get(client);
                client.is_some_and(|client| client.environment_id == environment)
            };
            let mut due: Vec<_> = outbox
                .values_mut()
                .filter(|queued| queued.due_at <= now && is_its(&queued.client))
                .collect();
            due.sort_by_key(|queued| (queued.due_at, queued.ids.secp256k1));
            due.truncate(take as usize);
            due.into_iter()
                .map(|queued| {
                    queued.due_at = claimed_until;
                    queued.clone()
                })
                .collect::<Vec<_>>()
        };
        let mut deliveries = Vec::with_capacity(claimed.len());
        let mut first_error = None;
        for queued in claimed {
            match self.open_delivery(queued).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    tracing::error!(%error, "a delivery in the outbox cannot be read");
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if deliveries.is_empty() => Err(error),
            _ => Ok(deliveries),
        }
    }

    async fn delivery_failed(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        let queued = state.outbox.get_mut(&ids.secp256k1);
        if let Some(queued) = queued.filter(|queued| queued.client == client && queued.ids == ids) {
            queued.attempts = queued.attempts.saturating_add(1);
            queued.due_at = next_due_at;
        }
        Ok(())
    }

    async fn claim_notices(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Notice>, StoreError> {
        let mut state = self.lock();
        let State {
            notices, clients, ..
        } = &mut *state;
        let is_its = |client: &ClientId| {
            let client = clients.get(client);
            client.is_some_and(|client| client.environment_id == environment)
        };
        let mut due: Vec<_> = notices
            .values_mut()
            .filter(|queued| queued.due_at <= now && is_its(&queued.notice.client_id))
            .collect();
        due.sort_by_key(|queued| (queued.due_at, queued.notice.ids.secp256k1));
        due.truncate(take as usize);
        let claimed = due.into_iter().map(|queued| {
            queued.due_at = claimed_until;
            queued.notice.clone()
        });
        Ok(claimed.collect())
    }

    async fn notice_heard(&self, notice: &Notice) -> Result<(), StoreError> {
        let key = (notice.ids.secp256k1, notice.status);
        self.lock().notices.remove(&key);
        Ok(())
    }

    async fn notice_failed(
        &self,
        notice: &Notice,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = (notice.ids.secp256k1, notice.status);
        if let Some(queued) = self.lock().notices.get_mut(&key) {
            queued.notice.attempts = queued.notice.attempts.saturating_add(1);
            queued.due_at = next_due_at;
        }
        Ok(())
    }

    async fn oldest_delivery(&self) -> Result<Option<Timestamp>, StoreError> {
        let state = self.lock();
        Ok(state.outbox.values().map(|queued| queued.created_at).min())
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        let state = self.lock();
        let count = |length| u64::try_from(length).unwrap_or(u64::MAX);
        Ok(OutboxDepth {
            deliveries: count(state.outbox.len()),
            notices: count(state.notices.len()),
        })
    }
}

impl MemoryStore {
    async fn open_delivery(&self, queued: Queued) -> Result<Delivery, StoreError> {
        let (environment_id, wallet) = {
            let state = self.lock();
            let client = state.clients.get(&queued.client);
            let stored = state.wallets.get(&queued.client);
            let found = client.map(|client| client.environment_id).zip(stored);
            let (environment, stored) = found.ok_or(StoreError::NoSuchRow { table: "wallets" })?;
            (environment, stored.wallet.clone())
        };
        let pair = wallet
            .backup_pair_of(queued.ids)
            .ok_or(StoreError::NoSuchRow {
                table: "backup_share_pairs",
            })?;
        let place = |curve| Place::OutboxShare {
            client: queued.client,
            wallet: *wallet.ids.of(curve),
            pair: *queued.ids.of(curve),
            curve,
        };
        let places = PerCurve::new(place(Curve::Secp256k1), place(Curve::Ed25519));
        let sealed = &queued.sealed;
        let secp256k1 = self.sealer.open(&places.secp256k1, &sealed.secp256k1);
        let secp256k1 = secp256k1.await?;
        let ed25519 = self.sealer.open(&places.ed25519, &sealed.ed25519).await?;
        Ok(Delivery {
            client_id: queued.client,
            environment_id,
            ids: queued.ids,
            wallet_ids: wallet.ids,
            generation: pair.generation,
            method: pair.method,
            shares: PerCurve::new(secp256k1, ed25519),
            blinds: queued.blinds,
            attempts: queued.attempts,
            trace_id: Some(queued.trace_id),
        })
    }

    /// Every sealed secret, with where it lies.
    pub(super) fn sealed_secrets(&self) -> Vec<(OwnedPlace, Vec<u8>)> {
        let state = self.lock();
        let mut secrets = Vec::new();
        for (role, check) in &state.key_checks {
            secrets.push((OwnedPlace::Check(*role), check.clone()));
        }
        for (client, stored) in &state.wallets {
            for pair in &stored.wallet.signing_pairs {
                for (curve, id) in pair.ids.iter() {
                    if let Some(sealed) = state.signing_shares.get(&(curve, id.0)) {
                        let place = Place::SigningShare {
                            client: *client,
                            wallet: *stored.wallet.ids.of(curve),
                            pair: *id,
                            curve,
                        };
                        secrets.push((OwnedPlace::Signing(curve, *id, place), sealed.clone()));
                    }
                }
            }
        }
        for queued in state.outbox.values() {
            let Some(stored) = state.wallets.get(&queued.client) else {
                continue;
            };
            for (curve, sealed) in queued.sealed.iter() {
                let place = Place::OutboxShare {
                    client: queued.client,
                    wallet: *stored.wallet.ids.of(curve),
                    pair: *queued.ids.of(curve),
                    curve,
                };
                let at = OwnedPlace::Outbox(queued.ids.secp256k1, curve, place);
                secrets.push((at, sealed.clone()));
            }
        }
        for ((curve, id), (client, sealed)) in &state.managed_shares {
            let Some(stored) = state.wallets.get(client) else {
                continue;
            };
            let place = Place::ManagedShare {
                client: *client,
                wallet: *stored.wallet.ids.of(*curve),
                pair: *id,
                curve: *curve,
            };
            secrets.push((OwnedPlace::Managed(*curve, *id, place), sealed.clone()));
        }
        for (id, environment) in &state.environments {
            if let Some(webhook) = &environment.webhook {
                for sealed in webhook.sealed() {
                    let place = OwnedPlace::Webhook(*id, webhook.base_url.clone());
                    secrets.push((place, sealed.clone()));
                }
            }
        }
        for (id, once) in &state.once {
            if let Some(sealed) = &once.sealed_answer {
                let place = Place::answer(&once.request);
                secrets.push((OwnedPlace::Answer(*id, place), sealed.clone()));
            }
        }
        secrets
    }

    /// Puts a secret in the place of the same secret sealed otherwise; not, if that has changed.
    pub(super) fn replace_sealed(&self, at: &OwnedPlace, was: &[u8], anew: Vec<u8>) {
        let mut state = self.lock();
        let sealed = match at {
            OwnedPlace::Check(role) => state.key_checks.get_mut(role),
            OwnedPlace::Signing(curve, id, _) => state.signing_shares.get_mut(&(*curve, id.0)),
            OwnedPlace::Outbox(id, curve, _) => {
                let queued = state.outbox.get_mut(id);
                queued.map(|queued| match curve {
                    Curve::Secp256k1 => &mut queued.sealed.secp256k1,
                    Curve::Ed25519 => &mut queued.sealed.ed25519,
                })
            }
            OwnedPlace::Managed(curve, id, _) => {
                let share = state.managed_shares.get_mut(&(*curve, *id));
                share.map(|(_, sealed)| sealed)
            }
            OwnedPlace::Webhook(id, _) => {
                let environment = state.environments.get_mut(id);
                let webhook = environment.and_then(|environment| environment.webhook.as_mut());
                webhook.and_then(|webhook| webhook.sealed_as(was))
            }
            OwnedPlace::Answer(id, _) => {
                let once = state.once.get_mut(id);
                once.and_then(|once| once.sealed_answer.as_mut())
            }
        };
        if let Some(sealed) = sealed.filter(|sealed| *sealed == was) {
            *sealed = anew;
        }
    }
}

/// Where a sealed secret lies in this memory.
pub(super) enum OwnedPlace {
    Check(KmsRole),
    Signing(Curve, SigningSharePairId, Place<'static>),
    Outbox(BackupSharePairId, Curve, Place<'static>),
    Managed(Curve, BackupSharePairId, Place<'static>),
    Webhook(EnvironmentId, String),
    Answer(Uuid, Place<'static>),
}

impl OwnedPlace {
    pub(super) fn as_place(&self) -> Place<'_> {
        match self {
            Self::Check(role) => Place::KeyCheck { role: *role },
            Self::Signing(.., place)
            | Self::Outbox(.., place)
            | Self::Managed(.., place)
            | Self::Answer(_, place) => *place,
            Self::Webhook(environment, base_url) => Place::WebhookSecret {
                environment: *environment,
                base_url,
            },
        }
    }
}

/// Puts a new pair's custodian share into the outbox, forgets an acknowledged one, or what was
/// collected.
pub(super) fn write(
    state: &mut State,
    commit: &WalletCommit,
    secrets: &SealedSecrets,
) -> Result<(), StoreError> {
    let client = commit.client_id;
    match secrets {
        SealedSecrets::Unchanged
        | SealedSecrets::StoreSigningShare { .. }
        | SealedSecrets::StoreCustodianShare { .. } => {}
        SealedSecrets::Enqueue {
            ids,
            sealed,
            blinds,
            due_at,
        } => {
            if commit.wallet.backup_pair_of(*ids).is_none() {
                let table = "backup_share_pairs";
                return Err(StoreError::NoSuchRow { table });
            }
            if state.outbox.contains_key(&ids.secp256k1) {
                let guard = "a pair is in the outbox once";
                return Err(StoreError::Refused { guard });
            }
            let queued = Queued {
                client,
                ids: *ids,
                sealed: sealed.clone(),
                blinds: blinds.clone(),
                attempts: 0,
                due_at: *due_at,
                created_at: commit.now,
                trace_id: commit.origin.trace_id,
            };
            state.outbox.insert(ids.secp256k1, queued);
        }
        SealedSecrets::EraseOutbox { ids } => {
            let is_theirs = |queued: &Queued| queued.client == client && queued.ids == *ids;
            if state.outbox.get(&ids.secp256k1).is_some_and(is_theirs) {
                state.outbox.remove(&ids.secp256k1);
            }
        }
        SealedSecrets::Collect { garbage, due_at } => {
            for what in garbage {
                let Some((ids, is_purged)) = what.backup() else {
                    continue;
                };
                state.outbox.remove(&ids.secp256k1);
                let pair = commit.wallet.backup_pair_of(ids);
                // Of a managed backup there is no custodian to tell.
                if !is_purged || pair.is_some_and(|pair| pair.mode == BackupMode::Managed) {
                    continue;
                }
                let status = BackupStatus::Purged;
                let notice = notice(state, commit, ids, status)?;
                let queued = QueuedNotice {
                    notice,
                    due_at: *due_at,
                };
                state.notices.insert((ids.secp256k1, status), queued);
            }
        }
    }
    Ok(())
}

fn notice(
    state: &State,
    commit: &WalletCommit,
    ids: PerCurve<BackupSharePairId>,
    status: BackupStatus,
) -> Result<Notice, StoreError> {
    let client_id = commit.client_id;
    let client = state.clients.get(&client_id);
    let client = client.ok_or(StoreError::NoSuchRow { table: "clients" })?;
    Ok(Notice {
        client_id,
        environment_id: client.environment_id,
        ids,
        status,
        attempts: 0,
        trace_id: Some(commit.origin.trace_id),
    })
}
