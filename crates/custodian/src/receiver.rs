//! What a receiver is built from.

use core::fmt;
use std::sync::Arc;

use axum::Router;
use portal_api::limits::BODY_BYTES;
use portal_lifecycle::Timestamp;
use rand::CryptoRng;

use crate::ambient;
use crate::router::{Shared, routes};
use crate::{AppAuth, Approver, CustodianStore, Sealing, WebhookAuth};

/// Where the randomness of one request comes from.
pub(crate) type Entropy = dyn Fn() -> Box<dyn CryptoRng + Send> + Send + Sync;
pub(crate) type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// The receiver, to be served alone or mounted with [`Router::nest`].
///
/// | route | for | there with |
/// |---|---|---|
/// | POST `/backup`, `/backup/fetch`, `/backup/prove`, `/backup/released` | Portal, by its webhook's secret | |
/// | POST `/sign/approve` | Portal, the same | [`approver`](ReceiverBuilder::approver) |
/// | PUT, GET `/app/clients/{clientId}/cipher-texts/{backupMethod}` | apps, by their login | [`app_auth`](ReceiverBuilder::app_auth) |
/// | POST `/backup/recover` | Portal, while a recovery of the client is open | [`sealing`](ReceiverBuilder::sealing) |
/// | GET `/app/sealing-keys` | apps, which pin what they get | the same |
/// | GET, DELETE `/app/clients/{clientId}/recovery` | the client's own app | both |
/// | POST, GET, DELETE `/backend/clients/{clientId}/recoveries` | the app's own backend, by its secret | the same |
/// | GET `/live`, `/ready` | whoever watches the process | |
///
/// Nest it under a path whose first segment is fixed, and do not merge it: it answers unknown
/// paths under its own root, with a problem document like every error, and axum refuses two
/// routers that both do that in one place.
///
/// # Security
///
/// It has no limit of its own on requests a minute: that belongs to the proxy or the app around
/// it. Connections and TLS are the business of who serves it; [`serve_through`](crate::serve_through)
/// does.
#[derive(Debug)]
pub struct Receiver(());

impl Receiver {
    /// Begins with what every receiver needs: where shares lie, and how Portal's calls are known.
    pub fn builder(
        store: Arc<dyn CustodianStore>,
        webhook_auth: impl Into<WebhookAuth>,
    ) -> ReceiverBuilder {
        ReceiverBuilder {
            store,
            webhook_auth: webhook_auth.into(),
            app_auth: None,
            approver: None,
            sealing: None,
            plain_backups: false,
            body_bytes: BODY_BYTES,
            clock: Arc::new(ambient::now),
            entropy: Arc::new(|| Box::new(ambient::rng())),
        }
    }
}

/// A receiver that is being built.
#[must_use = "nothing is served before it is built"]
pub struct ReceiverBuilder {
    store: Arc<dyn CustodianStore>,
    webhook_auth: WebhookAuth,
    app_auth: Option<Arc<dyn AppAuth>>,
    approver: Option<Arc<dyn Approver>>,
    sealing: Option<Sealing>,
    plain_backups: bool,
    body_bytes: usize,
    clock: Arc<Clock>,
    entropy: Arc<Entropy>,
}

impl ReceiverBuilder {
    /// Keeps cipher texts for apps, which are known by this login.
    pub fn app_auth(mut self, app_auth: Arc<dyn AppAuth>) -> Self {
        self.app_auth = Some(app_auth);
        self
    }

    /// Answers Portal's question before each signature. Without it that path does not exist, so a
    /// signing policy that asks denies every signature.
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.approver = Some(approver);
        self
    }

    /// Takes sealed backups.
    pub fn sealing(mut self, sealing: Sealing) -> Self {
        self.sealing = Some(sealing);
        self
    }

    /// Whether plain backups are taken: for an environment that makes such, or that changes from
    /// one mode to the other. Otherwise a plain share is refused, for who sends one held it.
    pub const fn plain_backups(mut self, taken: bool) -> Self {
        self.plain_backups = taken;
        self
    }

    /// Largest body of a request, instead of 64 KiB; with less than
    /// [`LEAST_BODY_BYTES`](portal_api::limits::LEAST_BODY_BYTES) some cipher texts are refused.
    pub const fn body_bytes(mut self, most: usize) -> Self {
        self.body_bytes = most;
        self
    }

    /// Another clock than the machine's, for simulations and tests.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of randomness than the machine's, asked once a request, for simulations and
    /// tests.
    pub fn entropy(
        mut self,
        entropy: impl Fn() -> Box<dyn CryptoRng + Send> + Send + Sync + 'static,
    ) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// The receiver.
    pub fn build(self) -> Router {
        let shared = Shared {
            store: self.store,
            webhook_auth: Arc::new(self.webhook_auth),
            app_auth: self.app_auth,
            approver: self.approver,
            takes_plain: self.plain_backups,
            sealing: self.sealing,
            clock: self.clock,
            entropy: self.entropy,
        };
        routes(shared, self.body_bytes)
    }
}

impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverBuilder")
            .field("webhook_auth", &self.webhook_auth)
            .field("app_auth", &self.app_auth.is_some())
            .field("approver", &self.approver.is_some())
            .field("sealing", &self.sealing.is_some())
            .field("plain_backups", &self.plain_backups)
            .finish_non_exhaustive()
    }
}
