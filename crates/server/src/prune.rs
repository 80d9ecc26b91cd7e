//! Forgets what is over: answers that were kept long enough, and who has called.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::{App, idempotency};

const INTERVAL: Duration = Duration::from_secs(60);
const TAKE: u32 = 1_000;

/// Forgets, until the service stops.
pub(crate) async fn work(app: App) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = app.draining() => return,
            _ = ticks.tick() => {}
        }
        app.rates.prune();
        if let Err(error) = idempotency::forget(&app, TAKE).await {
            tracing::error!(%error, "answers that are over cannot be forgotten");
        }
    }
}
