//! What every request and session works with.

use std::sync::Arc;
use std::time::Duration;

use portal_api::limits::BODY_BYTES;
use portal_store::Store;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::metrics::{CountedWebhooks, Metrics};
use crate::rates::{RateLimits, Rates};
use crate::readiness::Readiness;
use crate::session::SigningTurns;
use crate::wallets::Wallets;
use crate::webhook::{HttpWebhooks, WebhookClient, WebhookPolicy, WebhookTransport};

/// The service, cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wallets: Arc<Wallets>,
    pub(crate) webhooks: Arc<WebhookClient>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) rates: Arc<Rates>,
    /// Protocol steps that may compute at once.
    pub(crate) computing: Arc<Semaphore>,
    /// Sessions that may be open at once.
    pub(crate) sessions: Arc<Semaphore>,
    /// WebSockets that may be open while nobody has said who it is.
    pub(crate) strangers: Arc<Semaphore>,
    pub(crate) readiness: Arc<Readiness>,
    /// The wallets that sign at present.
    pub(crate) signing_turns: Arc<SigningTurns>,
    /// Sessions, and what they leave to be done when they are cut off.
    pub(crate) tasks: TaskTracker,
    phase: Arc<watch::Sender<Phase>>,
}

/// How far the service is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// What is under way may finish; nothing new begins.
    Draining,
    /// What is still under way is cut off.
    Stopping,
}

/// Times and numbers that an operator may set.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest wait for a client's next frame.
    pub frame_timeout: Duration,
    /// Longest session; the wallet's lease lasts as long.
    pub session_timeout: Duration,
    /// How long an unused client session lives.
    pub session_idle: Duration,
    /// How long a client session lives at most.
    pub session_life: Duration,
    /// How often the outbox is looked through.
    pub outbox_interval: Duration,
    /// How often all wallets are gone over for what is to be given up.
    pub garbage_interval: Duration,
    /// How often a client is pinged during a session.
    pub ping_interval: Duration,
    /// How long sessions may go on when the service is told to stop.
    pub drain_timeout: Duration,
    /// How long new requests are still taken when the service is told to stop, and says that it is
    /// not ready.
    pub drain_delay: Duration,
    /// Longest wait for the first frame of a session, before anybody has said who it is.
    pub first_frame_timeout: Duration,
    /// Sessions that may be open at once.
    pub sessions: usize,
    /// WebSockets besides these whose first frame has not said yet who it is.
    pub strangers: usize,
    /// How long an answer of the KMS about its health is believed.
    pub kms_check_interval: Duration,
    /// A delivery that waits longer than this is told as late.
    pub late_delivery: Duration,
    /// How often a caller may call.
    pub rates: RateLimits,
    /// How many proxies of the operator's own each request comes through; each of them notes in
    /// `X-Forwarded-For` who called it.
    pub proxies: u8,
    /// Whether only the operator says where webhooks go, and no API key does.
    pub fixed_webhooks: bool,
    /// Largest body of a request; at least
    /// [`LEAST_BODY_BYTES`](portal_api::limits::LEAST_BODY_BYTES).
    pub body_bytes: usize,
}

/// What a service is made of besides its storage; a simulation brings its own.
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where webhooks may go.
    pub policy: WebhookPolicy,
    /// Carries calls to custodians' backends.
    pub webhooks: Arc<dyn WebhookTransport>,
    /// Times and numbers.
    pub limits: Limits,
    /// Where everything is counted.
    pub metrics: Metrics,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_timeout: Duration::from_secs(30),
            session_timeout: Duration::from_secs(120),
            session_idle: Duration::from_secs(24 * 3600),
            session_life: Duration::from_secs(7 * 24 * 3600),
            outbox_interval: Duration::from_secs(1),
            garbage_interval: Duration::from_secs(3600),
            ping_interval: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(25),
            drain_delay: Duration::ZERO,
            first_frame_timeout: Duration::from_secs(10),
            sessions: 2_000,
            strangers: 200,
            kms_check_interval: Duration::from_secs(15),
            late_delivery: Duration::from_secs(15 * 60),
            rates: RateLimits::default(),
            proxies: 0,
            fixed_webhooks: false,
            body_bytes: BODY_BYTES,
        }
    }
}

impl App {
    /// Joins the parts of the service.
    ///
    /// # Errors
    ///
    /// Where the HTTP client for webhooks cannot be made.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        policy: WebhookPolicy,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        let parts = Parts {
            clock,
            policy,
            webhooks: Arc::new(HttpWebhooks::new(policy)?),
            limits,
            metrics: Metrics::default(),
        };
        Ok(Self::of_parts(store, parts))
    }

    /// The same, of any parts.
    #[must_use]
    pub fn of_parts(store: Arc<dyn Store>, parts: Parts) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let clock = parts.clock;
        let carrying = Arc::new(CountedWebhooks {
            inner: parts.webhooks,
            metrics: parts.metrics.clone(),
        });
        let webhooks = WebhookClient::new(
            parts.policy,
            carrying,
            Arc::clone(&clock),
            Arc::clone(&store),
        );
        Self {
            wallets: Arc::new(Wallets::new(Arc::clone(&store), Arc::clone(&clock))),
            store,
            clock,
            webhooks: Arc::new(webhooks),
            limits: parts.limits,
            metrics: parts.metrics,
            rates: Arc::new(Rates::new(parts.limits.rates)),
            computing: Arc::new(Semaphore::new(cores)),
            sessions: Arc::new(Semaphore::new(parts.limits.sessions)),
            strangers: Arc::new(Semaphore::new(parts.limits.strangers)),
            readiness: Arc::default(),
            signing_turns: Arc::default(),
            tasks: TaskTracker::new(),
            phase: Arc::new(watch::Sender::new(Phase::Serving)),
        }
    }

    /// Lets what is under way finish, and begins nothing new.
    pub(crate) fn drain(&self) {
        self.become_at_least(Phase::Draining);
    }

    /// Tells every session and worker to end.
    pub(crate) fn stop(&self) {
        self.become_at_least(Phase::Stopping);
    }

    fn become_at_least(&self, phase: Phase) {
        self.phase.send_modify(|now| *now = (*now).max(phase));
    }

    /// Whether the service was told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Returns when the service is told to stop.
    pub(crate) async fn draining(&self) {
        self.at_least(Phase::Draining).await;
    }

    /// Returns when what is under way is cut off.
    pub(crate) async fn stopped(&self) {
        self.at_least(Phase::Stopping).await;
    }

    async fn at_least(&self, phase: Phase) {
        // An error would mean that the sender is gone, and with it the service.
        let mut phases = self.phase.subscribe();
        let _ = phases.wait_for(|now| *now >= phase).await;
    }
}
