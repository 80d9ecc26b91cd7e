//! The receiver as an axum router, and how a program serves it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};
use portal_api::limits::BODY_BYTES;
use portal_serving::Door;

use crate::refusal::Refusal;
use crate::routes::{app, health, sealed, webhook};
use crate::trace::traced;
use crate::{AppAuth, CustodianStore, Sealing, WebhookAuth};

/// How long requests may go on when the service is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn CustodianStore>,
    pub(crate) app_auth: Arc<dyn AppAuth>,
    pub(crate) webhook_auth: Arc<WebhookAuth>,
    /// None where sealed backups are not taken.
    pub(crate) sealing: Option<Sealing>,
}

/// The receiver, to be served alone or mounted with [`Router::nest`].
///
/// | route | for |
/// |---|---|
/// | POST `/backup`, `/backup/fetch`, `/backup/prove`, `/backup/released` | Portal, by `webhook_auth` |
/// | PUT, GET `/app/clients/{clientId}/cipher-texts/{backupMethod}` | apps, by `app_auth` |
/// | GET `/live`, `/ready` | whoever watches the process |
///
/// Nest it under a path whose first segment is fixed, and do not merge it: it answers unknown
/// paths under its own root, with a problem document like every error, and axum refuses two
/// routers that both do that in one place.
///
/// # Security
///
/// It has no limit of its own on requests a minute: that belongs to the proxy or the app around
/// it. Connections and TLS are the business of who serves it; [`serve_through`] does.
pub fn router(
    store: Arc<dyn CustodianStore>,
    app_auth: Arc<dyn AppAuth>,
    webhook_auth: impl Into<WebhookAuth>,
) -> Router {
    routes(Shared {
        store,
        app_auth,
        webhook_auth: Arc::new(webhook_auth.into()),
        sealing: None,
    })
}

/// The same receiver, which takes sealed backups too:
///
/// | route | for |
/// |---|---|
/// | POST `/backup/recover` | Portal, by `webhook_auth`, while a recovery of the client is open |
/// | GET `/app/sealing-keys` | apps, which pin what they get |
/// | POST, GET `/backend/clients/{clientId}/recoveries` | the app's own backend, by its secret |
pub fn sealed_router(
    store: Arc<dyn CustodianStore>,
    app_auth: Arc<dyn AppAuth>,
    webhook_auth: impl Into<WebhookAuth>,
    sealing: Sealing,
) -> Router {
    routes(Shared {
        store,
        app_auth,
        webhook_auth: Arc::new(webhook_auth.into()),
        sealing: Some(sealing),
    })
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/backup", post(webhook::store_share))
        .route("/backup/fetch", post(webhook::fetch_shares))
        .route("/backup/prove", post(webhook::prove_shares))
        .route("/backup/released", post(webhook::release_pair))
        .route("/backup/recover", post(sealed::recover))
        .route("/app/sealing-keys", get(sealed::keys))
        .route(
            "/backend/clients/{clientId}/recoveries",
            post(sealed::open_recovery).get(sealed::recoveries),
        )
        .route(
            "/app/clients/{clientId}/cipher-texts/{backupMethod}",
            put(app::store_cipher_text).get(app::read_cipher_text),
        )
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .fallback(async || Refusal::NoSuchPath)
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(traced))
        .with_state(shared)
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
