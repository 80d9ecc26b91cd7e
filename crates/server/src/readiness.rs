//! Whether this server can do its work, and what it found when it looked.

use std::time::{Duration, Instant};

use portal_store::StoreError;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::App;

/// Longest wait for one answer: whoever asks does not wait longer either.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the KMS said last; it may cost money to ask.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Checked)>>);

/// What `GET /ready` tells.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct Report {
    pub(crate) status: Status,
    pub(crate) checks: Checks,
}

/// How the server is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReadinessStatus)]
pub(crate) enum Status {
    /// It can do all its work.
    Ready,
    /// It can; something that another server could not do better waits.
    Degraded,
    /// Told to stop.
    Draining,
    /// It cannot.
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ReadinessChecks)]
pub(crate) struct Checks {
    database: Checked,
    kms: Checked,
    outbox: OutboxChecked,
}

/// What became of one check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadinessCheck)]
struct Checked {
    ok: bool,
    latency_ms: f64,
}

/// How long the oldest delivery has waited.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutboxReadinessCheck)]
struct OutboxChecked {
    #[serde(flatten)]
    checked: Checked,
    /// None where nothing waits, or where it could not be found out.
    oldest_delivery_age_seconds: Option<u64>,
}

/// Looks at everything.
pub(crate) async fn look(app: &App) -> Report {
    let (database, kms, outbox) = tokio::join!(database(app), kms(app), outbox(app));
    let checks = Checks {
        database,
        kms,
        outbox,
    };
    let status = if !database.ok || !kms.ok {
        Status::Unavailable
    } else if app.is_draining() {
        Status::Draining
    } else if outbox.checked.ok {
        Status::Ready
    } else {
        // A custodian's backend is down. No other server would reach it, so this one stays in.
        Status::Degraded
    };
    Report { status, checks }
}

async fn database(app: &App) -> Checked {
    timed(app.store.ping()).await.0
}

async fn kms(app: &App) -> Checked {
    // Held while it is asked: who comes meanwhile takes the same answer.
    let mut last = app.readiness.0.lock().await;
    if let Some((at, checked)) = *last
        && at.elapsed() < app.limits.kms_check_interval
    {
        return checked;
    }
    let (checked, _) = timed(app.store.try_kms()).await;
    *last = Some((Instant::now(), checked));
    checked
}

async fn outbox(app: &App) -> OutboxChecked {
    let (mut checked, oldest) = timed(app.store.oldest_delivery()).await;
    let age = oldest
        .flatten()
        .map(|since| Duration::from_millis(app.clock.now().ms_since(since)));
    checked.ok &= age.is_none_or(|age| age <= app.limits.late_delivery);
    OutboxChecked {
        checked,
        oldest_delivery_age_seconds: age.map(|age| age.as_secs()),
    }
}

async fn timed<T>(check: impl Future<Output = Result<T, StoreError>>) -> (Checked, Option<T>) {
    let begun = Instant::now();
    let found = match tokio::time::timeout(TIMEOUT, check).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            None
        }
        Err(_) => {
            tracing::error!("not ready: a check took over {} s", TIMEOUT.as_secs());
            None
        }
    };
    let checked = Checked {
        ok: found.is_some(),
        latency_ms: begun.elapsed().as_secs_f64() * 1_000.0,
    };
    (checked, found)
}
