//! What is counted of operations, webhooks, the KMS and the outbox.
//!
//! Every label is a word of this program: a kind, an outcome, an error id. No id of a client, a
//! wallet, a pair or a custodian is one, and none can be: labels are `&'static str`.

mod kms;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use portal_api::session::Operation;
use portal_lifecycle::{Curve, ErrorId};
use portal_serving::LATENCY_SECONDS;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use kms::CountedKms;
pub(crate) use webhooks::CountedWebhooks;

use crate::App;

/// Counts; cheap to clone. One that was not registered counts for nobody.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    operations: Family<Outcome, Counter>,
    operation_seconds: Latencies<Kind>,
    sessions: Gauge,
    webhook_seconds: Latencies<CallOutcome>,
    kms_seconds: Latencies<CallOutcome>,
    deliveries: Gauge,
    notices: Gauge,
    oldest_delivery: Gauge<f64, AtomicU64>,
    unanswered: Counter,
}

type Latencies<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallOutcome {
    call: &'static str,
    outcome: &'static str,
}

impl Default for Counted {
    fn default() -> Self {
        let latency: fn() -> Histogram = || Histogram::new(LATENCY_SECONDS);
        Self {
            operations: Family::default(),
            operation_seconds: Family::new_with_constructor(latency),
            sessions: Gauge::default(),
            webhook_seconds: Family::new_with_constructor(latency),
            kms_seconds: Family::new_with_constructor(latency),
            deliveries: Gauge::default(),
            notices: Gauge::default(),
            oldest_delivery: Gauge::default(),
            unanswered: Counter::default(),
        }
    }
}

impl Metrics {
    /// Begins to count, in `registry`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let counted = &metrics.0;
        registry.register(
            "portal_mpc_operations",
            "MPC operations by kind, and by what came of them: ok, cut_off, or the id of a problem",
            counted.operations.clone(),
        );
        registry.register(
            "portal_mpc_operation_duration_seconds",
            "Time from an operation's start frame to its end, the client's share of it included",
            counted.operation_seconds.clone(),
        );
        registry.register(
            "portal_mpc_sessions_open",
            "MPC sessions that are open",
            counted.sessions.clone(),
        );
        registry.register(
            "portal_webhook_call_duration_seconds",
            "Calls to custodians' backends, by call and outcome",
            counted.webhook_seconds.clone(),
        );
        registry.register(
            "portal_kms_call_duration_seconds",
            "Calls of the KMS, by call and outcome",
            counted.kms_seconds.clone(),
        );
        registry.register(
            "portal_outbox_deliveries",
            "Backup pairs whose custodian has not acknowledged them yet",
            counted.deliveries.clone(),
        );
        registry.register(
            "portal_outbox_notices",
            "Notices that no custodian has heard yet",
            counted.notices.clone(),
        );
        registry.register(
            "portal_outbox_oldest_delivery_age_seconds",
            "How long the oldest delivery has waited; 0 where none waits",
            counted.oldest_delivery.clone(),
        );
        registry.register(
            "portal_outbox_unreadable",
            "Scrapes at which the outbox could not be read; its gauges are then as they were",
            counted.unanswered.clone(),
        );
        metrics
    }

    /// An MPC session that begins.
    pub(crate) fn session(&self) -> OpenSession {
        self.0.sessions.inc();
        OpenSession(self.0.sessions.clone())
    }

    /// An operation that begins.
    pub(crate) fn operation(&self, operation: &Operation) -> Running {
        Running {
            metrics: self.clone(),
            kind: kind_of(operation),
            begun: Instant::now(),
            outcome: "cut_off",
        }
    }

    /// Brings up to date what is only known when it is asked for.
    pub async fn look_at_outbox(&self, app: &App) {
        let (depth, oldest) = tokio::join!(app.store.outbox_depth(), app.store.oldest_delivery());
        let (Ok(depth), Ok(oldest)) = (depth, oldest) else {
            self.0.unanswered.inc();
            return;
        };
        let gauge = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.0.deliveries.set(gauge(depth.deliveries));
        self.0.notices.set(gauge(depth.notices));
        let age_ms = oldest.map_or(0, |since| app.clock.now().ms_since(since));
        let age = std::time::Duration::from_millis(age_ms);
        self.0.oldest_delivery.set(age.as_secs_f64());
    }
}

/// A session, counted until it is dropped.
pub(crate) struct OpenSession(Gauge);

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// An operation, counted when it is dropped: also where it is cut off.
pub(crate) struct Running {
    metrics: Metrics,
    kind: &'static str,
    begun: Instant,
    outcome: &'static str,
}

impl Running {
    /// What it does.
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// What came of it, in one word.
    pub(crate) const fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// Notes what came of it.
    pub(crate) fn ended<T>(&mut self, ended: &Result<T, crate::ApiError>) {
        self.outcome = match ended {
            Ok(_) => "ok",
            Err(error) => ErrorId::as_str(error.id()),
        };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Counted {
            operations,
            operation_seconds,
            ..
        } = &*self.metrics.0;
        let (operation, outcome) = (self.kind, self.outcome);
        operations
            .get_or_create(&Outcome { operation, outcome })
            .inc();
        let elapsed = self.begun.elapsed().as_secs_f64();
        operation_seconds
            .get_or_create(&Kind { operation })
            .observe(elapsed);
    }
}

/// What an operation does, in one word.
const fn kind_of(operation: &Operation) -> &'static str {
    match operation {
        Operation::Generate => "generate",
        Operation::Backup { .. } => "backup",
        Operation::Recover { .. } => "recover",
        Operation::Refresh { .. } => "refresh",
        Operation::Sign {
            curve: Curve::Secp256k1,
            ..
        } => "sign_secp256k1",
        Operation::Sign {
            curve: Curve::Ed25519,
            ..
        } => "sign_ed25519",
        Operation::CheckBackup { .. } => "check_backup",
    }
}
