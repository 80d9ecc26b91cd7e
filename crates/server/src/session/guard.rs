//! One ECDSA step at a time for each wallet, and a strike that nothing can undo (E12).
//!
//! A client that cheats in an OT extension learns one bit of the pair's set-up from whether it
//! is answered. So no step of a wallet is answered while another one's check is open, and the
//! task that runs a step freezes the pair itself: a client that hangs up, a session that runs
//! out of time, or a server that is told to stop cannot come between a failed check and the
//! freeze.
//!
//! Within one process a lock holds that; between processes the database's own turn does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use portal_lifecycle::ids::{ClientId, SigningSharePairId};
use portal_lifecycle::{Curve, ErrorId, Event};
use portal_mpc::{Abort, Machine, Step};
use portal_store::Secrets;
use portal_store::audit::Actor;

use super::{RunError, step};
use crate::{ApiError, App, trace};

const RETRY: Duration = Duration::from_millis(200);

/// The wallets that sign at present.
#[derive(Default)]
pub(crate) struct SigningTurns(Mutex<HashMap<ClientId, Weak<Turn>>>);

/// A wallet's turn: whoever holds the lock runs a step.
type Turn = tokio::sync::Mutex<Banned>;

/// Pairs whose client was caught cheating since this wallet's turns began.
type Banned = Vec<SigningSharePairId>;

impl SigningTurns {
    fn of(&self, client: ClientId) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&client).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::default());
        turns.insert(client, Arc::downgrade(&turn));
        turn
    }
}

/// The pair that a session signs with.
#[derive(Clone, Copy)]
pub(crate) struct Signing {
    pub(crate) client: ClientId,
    pub(crate) curve: Curve,
    pub(crate) pair: SigningSharePairId,
}

impl Signing {
    pub(crate) const fn event(self) -> Event {
        Event::Sign {
            curve: self.curve,
            pair: self.pair,
        }
    }

    const fn strike(self) -> Event {
        Event::Strike {
            curve: self.curve,
            pair: self.pair,
        }
    }
}

/// Runs one step in the wallet's turn. When this returns a step, the pair was still allowed to
/// sign after every check before it; when it returns a strike, the pair is durably frozen.
pub(super) async fn guarded_step<M>(
    app: &App,
    signing: Signing,
    machine: M,
    message: Vec<u8>,
) -> Result<Step<M>, RunError>
where
    M: Machine + Send + 'static,
    M::Output: Send,
{
    let app = app.clone();
    // A task of its own: dropping the session does not drop it.
    let tasks = app.tasks.clone();
    let task = tasks.spawn(trace::carried(async move {
        let turn = app.signing_turns.of(signing.client);
        let mut banned = turn.lock().await;
        if banned.contains(&signing.pair) {
            return Err(RunError::Other(frozen()));
        }
        // Taken after the process's own, so that one process holds one connection a wallet.
        let mut elsewhere = app
            .store
            .signing_turn(signing.client)
            .await
            .map_err(ApiError::from)?;
        app.wallets.check(signing.client, signing.event()).await?;
        let stepped = step(&app, machine, message).await?;
        if let Err(abort) = &stepped
            && abort.is_strike()
        {
            banned.push(signing.pair);
            freeze(&app, signing, abort).await;
        }
        if stepped.is_ok() && !elsewhere.is_held().await {
            // Another node may have caught the client meanwhile.
            let what = "the wallet's turn was lost; try again";
            return Err(RunError::Other(ApiError::new(ErrorId::Unavailable, what)));
        }
        stepped.map_err(RunError::Protocol)
    }));
    task.await
        .unwrap_or_else(|_| Err(ApiError::internal("a protocol step did not end").into()))
}

/// Tries until the freeze is durable: nobody is answered before.
async fn freeze(app: &App, signing: Signing, abort: &Abort) {
    tracing::warn!(%abort, "the client cheated; its pair is frozen");
    while let Err(error) = app
        .wallets
        .apply(
            Actor::Client(signing.client),
            signing.client,
            signing.strike(),
            Secrets::Unchanged,
        )
        .await
    {
        if error.id() == ErrorId::NotFound {
            // The database was put back to before this pair: it signs nothing any more.
            return;
        }
        tracing::error!(id = %error.id(), "the freeze is not durable yet");
        tokio::time::sleep(RETRY).await;
    }
}

fn frozen() -> ApiError {
    ApiError::new(
        ErrorId::SigningShareFrozen,
        "this pair was frozen after its client cheated in a signing session; recover or refresh",
    )
}
