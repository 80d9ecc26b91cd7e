//! The routes of a receiver, and how a program serves them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use portal_api::limits::APPROVAL_BYTES;
use portal_lifecycle::Timestamp;
use portal_serving::Door;
use rand::CryptoRng;

use crate::receiver::{Clock, Entropy};
use crate::refusal::Refusal;
use crate::routes::{app, approve, health, sealed, webhook};
use crate::trace::traced;
use crate::{AppAuth, Approver, CustodianStore, Sealing, WebhookAuth};

/// How long requests may go on when the service is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn CustodianStore>,
    pub(crate) webhook_auth: Arc<WebhookAuth>,
    /// None where no cipher texts are kept.
    pub(crate) app_auth: Option<Arc<dyn AppAuth>>,
    /// None where nobody is asked before a signature.
    pub(crate) approver: Option<Arc<dyn Approver>>,
    /// None where sealed backups are not taken.
    pub(crate) sealing: Option<Sealing>,
    /// Whether plain backups are taken.
    pub(crate) takes_plain: bool,
    pub(crate) clock: Arc<Clock>,
    pub(crate) entropy: Arc<Entropy>,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A generator of its own for one request.
    pub(crate) fn rng(&self) -> Box<dyn CryptoRng + Send> {
        (self.entropy)()
    }
}

pub(crate) fn routes(shared: Shared, body_bytes: usize) -> Router {
    let mut router = Router::new()
        .route("/backup", post(webhook::store_share))
        .route("/backup/fetch", post(webhook::fetch_shares))
        .route("/backup/prove", post(webhook::prove_shares))
        .route("/backup/released", post(webhook::release_pair))
        .route("/backup/recover", post(sealed::recover))
        .route("/app/sealing-keys", get(sealed::keys))
        .route(
            "/backend/clients/{clientId}/recoveries",
            post(sealed::open_recovery)
                .get(sealed::recoveries)
                .delete(sealed::close_recovery),
        )
        .route("/live", get(health::live))
        .route("/ready", get(health::ready));
    if shared.app_auth.is_some() {
        router = router.route(
            "/app/clients/{clientId}/cipher-texts/{backupMethod}",
            put(app::store_cipher_text).get(app::read_cipher_text),
        );
        router = router.route(
            "/app/clients/{clientId}/recovery",
            get(sealed::own_recovery).delete(sealed::close_own_recovery),
        );
    }
    if shared.approver.is_some() {
        let asked = post(approve::approve).layer(DefaultBodyLimit::max(APPROVAL_BYTES));
        router = router.route("/sign/approve", asked);
    }
    router
        .fallback(async || Refusal::NoSuchPath)
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(from_fn(caught))
        .layer(from_fn_with_state(shared.clone(), traced))
        .with_state(shared)
}

/// Answers in the place of a handler that panicked: the app's own login and rules run in them.
async fn caught(request: Request, next: Next) -> Response {
    portal_serving::caught(request, next, || Refusal::Panicked.into_response()).await
}

/// Serves a router until `shutdown` resolves, with the usual limits and over plain HTTP; requests
/// under way are answered first.
///
/// # Errors
///
/// None at present; a listener that fails is tried again.
pub async fn serve(
    listener: tokio::net::TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_through(&Door::default(), listener, router, shutdown).await
}

/// The same, with limits and TLS of one's own. What is not answered 25 seconds after `shutdown` is
/// cut off.
///
/// # Errors
///
/// None at present; a listener that fails is tried again.
pub async fn serve_through(
    door: &Door,
    listener: tokio::net::TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let open = door.serve(listener, router, shutdown).await;
    if tokio::time::timeout(DRAIN_TIMEOUT, open.finish())
        .await
        .is_err()
    {
        tracing::warn!("requests are cut off: they took longer than the time to finish");
    }
    Ok(())
}
