//! E9, E10, E18: goes over all wallets and gives up what has been of no use for long enough.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{Effect, Event, Timestamp, Wallet};
use portal_store::audit::Actor;
use portal_store::{Secrets, Store, StoreError};
use tokio::time::{Instant, MissedTickBehavior};

use crate::{App, trace};

const PAGE: u32 = 100;

const CALLS_KEPT: u32 = 10_000;
const CALLS_KEPT_MS: u64 = 30 * 24 * 3_600 * 1_000;

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
        if let Err(error) = forget_calls(&app).await {
            tracing::error!(%error, "the log of webhook calls cannot be pruned");
        }
    }
}

/// The log of webhook calls is kept for a month, and so many calls of each environment at most.
async fn forget_calls(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let oldest = Timestamp::from_ms(now.as_ms().saturating_sub(CALLS_KEPT_MS));
    app.store.prune_webhooks(now, oldest, CALLS_KEPT).await
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
            trace::begun("collection", None, collect(app, client)).await;
        }
    }
}

async fn collect(app: &App, client: ClientId) {
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
