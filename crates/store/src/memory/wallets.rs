//! Wallets and the server's shares.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, EnvironmentId, SigningSharePairId};
use portal_lifecycle::{BackupPair, Curve, Epoch, SigningPair, SigningStatus, Timestamp, Wallet};
use portal_seal::SecretBytes;
use tokio::sync::OwnedMutexGuard;

use super::{MemoryStore, State, audit, guards, managed, outbox, tenants};
use crate::audit::{AuditAct, Origin, changes};
use crate::history::{Change, backup_changes, signing_changes};
use crate::sealed::{Place, SealedSecrets};
use crate::{
    CommitError, Grounds, HeldTurn, Secrets, SigningTurn, StoreError, StoredWallet, WalletCommit,
    WalletStore, WalletVersion,
};

#[async_trait]
impl WalletStore for MemoryStore {
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError> {
        Ok(stored(&self.lock(), client))
    }

    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError> {
        if matches!(commit.secrets, Secrets::StoreCustodianShare { .. }) {
            self.claim_backups_once().await?;
        }
        let secrets = self.sealer.seal_secrets(&commit).await?;
        let mut state = self.lock();
        // Worked on aside, and put back whole.
        let mut next = state.clone();
        let version = write(&mut next, &commit, &secrets)?;
        *state = next;
        Ok(version)
    }

    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        let found = {
            let state = self.lock();
            let wallet = state.wallets.get(&client);
            let wallet = wallet.filter(|stored| stored.wallet.signing_pair(curve, pair).is_some());
            let share = state.signing_shares.get(&(curve, pair.0)).cloned();
            wallet.map(|stored| *stored.wallet.ids.of(curve)).zip(share)
        };
        let Some((wallet, sealed)) = found else {
            return Ok(None);
        };
        let place = Place::SigningShare {
            client,
            wallet,
            pair,
            curve,
        };
        self.sealer.open(&place, &sealed).await.map(Some)
    }

    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        origin: Origin,
        act: AuditAct,
        grounds: Option<&Grounds>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let mut state = self.lock();
        let version = state.wallets.get(&client).map(|stored| stored.version);
        if version != Some(expected) {
            return Err(CommitError::Conflict);
        }
        let environment = environment_of(&state, client)?;
        check(&state, environment, client, grounds, now)?;
        audit::append(&mut state, environment, Some(client), &[act], origin, now);
        Ok(())
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.lock().epoch)
    }

    async fn clients_with_wallets(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        let state = self.lock();
        let later = state
            .wallets
            .keys()
            .filter(|client| after.is_none_or(|after| **client > after));
        Ok(later.take(take as usize).copied().collect())
    }

    async fn signing_turn(&self, client: ClientId) -> Result<SigningTurn, StoreError> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(client).or_default())
        };
        Ok(SigningTurn::new(turn.lock_owned().await))
    }
}

#[async_trait]
impl HeldTurn for OwnedMutexGuard<()> {
    async fn is_held(&mut self) -> bool {
        true
    }
}

pub(super) fn stored(state: &State, client: ClientId) -> Option<StoredWallet> {
    let mut stored = state.wallets.get(&client)?.clone();
    stored.wallet.epoch = state.epoch;
    Some(stored)
}

fn write(
    state: &mut State,
    commit: &WalletCommit,
    secrets: &SealedSecrets,
) -> Result<WalletVersion, CommitError> {
    let client = commit.client_id;
    let stored = state.wallets.get(&client).cloned();
    if commit.wallet.epoch != state.epoch
        || stored.as_ref().map(|stored| stored.version) != commit.expected
    {
        return Err(CommitError::Conflict);
    }
    let environment = environment_of(state, client)?;
    let grounds = commit.grounds.as_ref();
    check(state, environment, client, grounds, commit.now)?;
    let before = stored.as_ref().map(|stored| &stored.wallet);
    write_shares(state, before, commit, secrets)?;
    guards::check(before, &commit.wallet, &state.signing_shares)?;
    let version = WalletVersion(
        commit
            .expected
            .map_or(1, |expected| expected.0.saturating_add(1)),
    );
    let (signing, backup) = pairs_of(before);
    let mut acts = commit.acts.clone();
    acts.extend(changes::of_pairs(signing, backup, &commit.wallet));
    let wallet = StoredWallet {
        wallet: commit.wallet.clone(),
        version,
        created_at: stored.map_or(commit.now, |stored| stored.created_at),
    };
    state.wallets.insert(client, wallet);
    outbox::write(state, commit, secrets)?;
    managed::write(state, commit, secrets)?;
    let (origin, at) = (commit.origin, commit.now);
    audit::append(state, environment, Some(client), &acts, origin, at);
    Ok(version)
}

fn check(
    state: &State,
    environment: EnvironmentId,
    client: ClientId,
    grounds: Option<&Grounds>,
    now: Timestamp,
) -> Result<(), CommitError> {
    match grounds {
        Some(grounds) if !tenants::stand(state, environment, client, grounds, now)? => {
            Err(CommitError::Overtaken)
        }
        _ => Ok(()),
    }
}

fn environment_of(state: &State, client: ClientId) -> Result<EnvironmentId, StoreError> {
    let client = state.clients.get(&client);
    let client = client.ok_or(StoreError::NoSuchRow { table: "clients" })?;
    Ok(client.environment_id)
}

fn pairs_of(wallet: Option<&Wallet>) -> (&[SigningPair], &[BackupPair]) {
    wallet.map_or((&[], &[]), |wallet| {
        (&wallet.signing_pairs, &wallet.backup_pairs)
    })
}

/// A new pair's share comes, a purged one's goes.
fn write_shares(
    state: &mut State,
    before: Option<&Wallet>,
    commit: &WalletCommit,
    secrets: &SealedSecrets,
) -> Result<(), StoreError> {
    let next = &commit.wallet;
    let (signing, backup) = pairs_of(before);
    let changes = signing_changes(signing, &next.signing_pairs)?;
    backup_changes(backup, &next.backup_pairs)?;
    if let SealedSecrets::StoreSigningShare { ids, sealed } = secrets {
        let is_new = |change: &Change<'_, SigningPair>| matches!(change, Change::Insert(pair) if pair.ids == *ids);
        if !changes.iter().any(is_new) {
            let table = "signing_share_pairs";
            return Err(StoreError::NoSuchRow { table });
        }
        for (curve, sealed) in sealed.iter() {
            let id = ids.of(curve).0;
            state.signing_shares.insert((curve, id), sealed.clone());
        }
    }
    for pair in &next.signing_pairs {
        if pair.status == SigningStatus::Purged {
            for (curve, id) in pair.ids.iter() {
                state.signing_shares.remove(&(curve, id.0));
            }
        }
    }
    Ok(())
}
