//! Read a wallet, let the lifecycle decide, commit what it decided.

use std::sync::Arc;

use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{Effect, Event, PerCurve, Refusal, Timestamp, Transition, Wallet};
use portal_store::audit::{Actor, AuditAct, Origin};
use portal_store::{
    CommitError, Grounds, Secrets, Store, StoredWallet, WalletCommit, WalletVersion,
};

use crate::clock::Clock;
use crate::{ApiError, entropy, trace};

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

/// Why an act was not done.
enum Undone {
    Refused(ApiError),
    Commit(CommitError),
}

impl From<ApiError> for Undone {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Refusal> for Undone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<CommitError> for Undone {
    fn from(error: CommitError) -> Self {
        Self::Commit(error)
    }
}

impl From<Undone> for ApiError {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Refused(error) => error,
            Undone::Commit(error) => error.into(),
        }
    }
}

impl Wallets {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Applies an event, and makes durable what it leads to, `secrets` included; the audit log says
    /// that `actor` did it.
    pub(crate) async fn apply(
        &self,
        actor: Actor,
        client: ClientId,
        event: Event,
        secrets: Secrets,
    ) -> Result<Applied, ApiError> {
        for _ in 0..TRIES {
            let (before, expected) = self.read(client).await?;
            let now = self.clock.now();
            let transition = before.apply(event.clone(), now)?;
            let secrets = secrets_of(&transition.effect, secrets.clone(), now);
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
                acts: acts(&before, &transition.wallet),
                wallet: transition.wallet,
                secrets,
                origin: origin(actor),
                grounds: None,
                now,
            };
            match self.store.commit_wallet(commit).await {
                Ok(_) => return Ok(applied),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Decides an event that an act of `actor` follows from, and writes the line of that act
    /// together with what else changes, against the very state that was decided on.
    pub(crate) async fn audited(
        &self,
        actor: Actor,
        client: ClientId,
        event: Event,
        act: AuditAct,
    ) -> Result<(), ApiError> {
        Ok(self.decided(actor, client, event, act, None).await?)
    }

    /// The same for a signature (E11), and against what it was allowed by; says whether that still
    /// stands. Nothing is done where it does not.
    pub(crate) async fn signed(
        &self,
        client: ClientId,
        event: Event,
        act: AuditAct,
        grounds: &Grounds,
    ) -> Result<bool, ApiError> {
        let actor = Actor::Client(client);
        let decided = self.decided(actor, client, event, act, Some(grounds));
        match decided.await {
            Ok(()) => Ok(true),
            Err(Undone::Commit(CommitError::Overtaken)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn decided(
        &self,
        actor: Actor,
        client: ClientId,
        event: Event,
        act: AuditAct,
        grounds: Option<&Grounds>,
    ) -> Result<(), Undone> {
        let origin = origin(actor);
        for _ in 0..TRIES {
            let (before, expected) = self.read(client).await?;
            let now = self.clock.now();
            let Transition { wallet, effect } = before.apply(event.clone(), now)?;
            let expected = expected.ok_or_else(ApiError::not_found)?;
            let written = if wallet == before {
                let store = &self.store;
                store
                    .audit(client, expected, origin, act, grounds, now)
                    .await
            } else {
                let commit = WalletCommit {
                    client_id: client,
                    expected: Some(expected),
                    wallet,
                    secrets: secrets_of(&effect, Secrets::Unchanged, now),
                    origin,
                    acts: vec![act],
                    grounds: grounds.cloned(),
                    now,
                };
                self.store.commit_wallet(commit).await.map(|_| ())
            };
            match written {
                Err(CommitError::Conflict) => {}
                written => return Ok(written?),
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

/// What the audit log says of a commit, besides what became of the pairs.
fn acts(before: &Wallet, next: &Wallet) -> Vec<AuditAct> {
    let is_proved_anew = next.proved_in != before.proved_in;
    let proved = AuditAct::WalletProved {
        epoch: next.proved_in,
    };
    is_proved_anew.then_some(proved).into_iter().collect()
}

/// Where the acts of this task come from.
pub(crate) fn origin(actor: Actor) -> Origin {
    Origin {
        actor,
        trace_id: trace::current(),
    }
}

/// The secrets that an effect moves by itself; `given` where it moves none.
fn secrets_of(effect: &Effect, given: Secrets, now: Timestamp) -> Secrets {
    match effect {
        Effect::EraseOutbox(ids) => Secrets::EraseOutbox { ids: *ids },
        Effect::Collect(garbage) if !garbage.is_empty() => Secrets::Collect {
            garbage: garbage.clone(),
            due_at: now,
        },
        _ => given,
    }
}
