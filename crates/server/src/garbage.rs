//! E9, E10, E18: goes over all wallets and gives up what has been of no use for long enough.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{Effect, Event, Wallet};
use portal_store::audit::Actor;
use portal_store::{Secrets, Store, StoreError};
use tokio::time::{Instant, MissedTickBehavior};

use crate::App;

const PAGE: u32 = 100;

/// Collects, until the service stops. Any node may: a wallet's version decides who was first.
pub(crate) async fn work(app: App) {
    // Not at once: a server that was started on a database that was put back, before anybody said
    // so, must not take what is old in the copy for what is old.
    let every = app.limits.garbage_interval;
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = app.draining() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = pass(&app).await {
            tracing::error!(%error, "the wallets cannot be gone over");
        }
    }
}

async fn pass(app: &App) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = app.store.clients_with_wallets(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(*last);
        for client in page {
            if app.is_draining() {
                return Ok(());
            }
            let collected = app
                .wallets
                .apply(Actor::Worker, client, Event::Collect, Secrets::Unchanged)
                .await;
            match collected.map(|collected| collected.effect) {
                Ok(Effect::Collect(garbage)) if !garbage.is_empty() => {
                    tracing::info!(pairs = garbage.len(), "given up");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(id = %error.id(), "a wallet was not gone over"),
            }
        }
    }
}

/// Shows every wallet to `see`, page by page.
///
/// # Errors
///
/// [`StoreError`].
pub(crate) async fn for_each_wallet(
    store: &dyn Store,
    mut see: impl FnMut(ClientId, &Wallet),
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.clients_with_wallets(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(*last);
        for client in page {
            if let Some(stored) = store.wallet(client).await? {
                see(client, &stored.wallet);
            }
        }
    }
}
