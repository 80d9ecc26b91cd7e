//! Read a wallet, let the lifecycle decide, commit what it decided.

use std::sync::Arc;

use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{Effect, Event, PerCurve, Wallet};
use portal_store::{
    AuditRecord, CommitError, Secrets, Store, StoredWallet, WalletCommit, WalletVersion,
};

use crate::clock::Clock;
use crate::{ApiError, entropy};

/// How often a decision is made anew when another request changed the wallet meanwhile.
const TRIES: usize = 8;

/// The wallets of all clients.
pub(crate) struct Wallets {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// What an event made of a wallet; it is durable.
pub(crate) struct Applied {
    pub(crate) wallet: Wallet,
    pub(crate) effect: Effect,
}

impl Wallets {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Applies an event, and makes durable what it leads to, `secrets` included.
    pub(crate) async fn apply(
        &self,
        client: ClientId,
        event: Event,
        secrets: Secrets,
    ) -> Result<Applied, ApiError> {
        for _ in 0..TRIES {
            let (before, expected) = self.read(client).await?;
            let now = self.clock.now();
            let transition = before.apply(event.clone(), now)?;
            let secrets = match &transition.effect {
                Effect::EraseOutbox(ids) => Secrets::EraseOutbox { ids: *ids },
                Effect::Collect(garbage) if !garbage.is_empty() => Secrets::Collect {
                    garbage: garbage.clone(),
                    due_at: now,
                },
                _ => secrets.clone(),
            };
            let applied = Applied {
                wallet: transition.wallet.clone(),
                effect: transition.effect.clone(),
            };
            if transition.wallet == before && matches!(secrets, Secrets::Unchanged) {
                return Ok(applied);
            }
            let commit = WalletCommit {
                client_id: client,
                expected,
                wallet: transition.wallet,
                secrets,
                audit: None,
                now,
            };
            match self.store.commit_wallet(commit).await {
                Ok(_) => return Ok(applied),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Decides an event that an audit record follows from, and writes that record together with
    /// what else changes, against the very state that was decided on (E11).
    pub(crate) async fn audited(
        &self,
        client: ClientId,
        event: Event,
        record: AuditRecord,
    ) -> Result<(), ApiError> {
        for _ in 0..TRIES {
            let (before, expected) = self.read(client).await?;
            let now = self.clock.now();
            let wallet = before.apply(event.clone(), now)?.wallet;
            let expected = expected.ok_or_else(ApiError::not_found)?;
            let written = if wallet == before {
                let record = record.clone();
                self.store.audit(client, expected, record, now).await
            } else {
                let commit = WalletCommit {
                    client_id: client,
                    expected: Some(expected),
                    wallet,
                    secrets: Secrets::Unchanged,
                    audit: Some(record.clone()),
                    now,
                };
                self.store.commit_wallet(commit).await.map(|_| ())
            };
            match written {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Decides an event without storing anything.
    pub(crate) async fn check(&self, client: ClientId, event: Event) -> Result<Wallet, ApiError> {
        let (wallet, _) = self.read(client).await?;
        Ok(wallet.apply(event, self.clock.now())?.wallet)
    }

    /// A client's wallet as it is stored, if any operation on it ever began.
    pub(crate) async fn stored(&self, client: ClientId) -> Result<Option<StoredWallet>, ApiError> {
        Ok(self.store.wallet(client).await?)
    }

    async fn read(&self, client: ClientId) -> Result<(Wallet, Option<WalletVersion>), ApiError> {
        Ok(match self.store.wallet(client).await? {
            Some(stored) => (stored.wallet, Some(stored.version)),
            None => {
                let id = || WalletId::make(self.clock.now(), entropy::bytes());
                let epoch = self.store.epoch().await?;
                (Wallet::new(PerCurve::new(id(), id()), epoch), None)
            }
        })
    }
}
