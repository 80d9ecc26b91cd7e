//! What every request and session works with.

use std::sync::Arc;
use std::time::Duration;

use portal_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::session::SigningTurns;
use crate::wallets::Wallets;
use crate::webhook::{WebhookClient, WebhookPolicy};

/// The service, cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wallets: Arc<Wallets>,
    pub(crate) webhooks: Arc<WebhookClient>,
    pub(crate) limits: Limits,
    /// Protocol steps that may compute at once.
    pub(crate) computing: Arc<Semaphore>,
    /// The wallets that sign at present.
    pub(crate) signing_turns: Arc<SigningTurns>,
    stopping: Arc<watch::Sender<bool>>,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_timeout: Duration::from_secs(30),
            session_timeout: Duration::from_secs(120),
            session_idle: Duration::from_secs(24 * 3600),
            session_life: Duration::from_secs(7 * 24 * 3600),
            outbox_interval: Duration::from_secs(1),
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            wallets: Arc::new(Wallets::new(Arc::clone(&store), Arc::clone(&clock))),
            store,
            clock,
            webhooks: Arc::new(WebhookClient::new(policy)?),
            limits,
            computing: Arc::new(Semaphore::new(cores)),
            signing_turns: Arc::default(),
            stopping: Arc::new(watch::Sender::new(false)),
        })
    }

    /// Tells every session and worker to end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the service was told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns when the service is told to stop.
    pub(crate) async fn stopped(&self) {
        // An error would mean that the sender is gone, and with it the service.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }
}
