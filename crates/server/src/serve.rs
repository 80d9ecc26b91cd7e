//! The service on a listener.

use axum::Router;
use axum::middleware;
use tokio::net::TcpListener;

use crate::{App, outbox, rest, trace};

/// All endpoints of the service.
pub fn router(app: App) -> Router {
    rest::routes()
        .layer(middleware::from_fn(trace::layer))
        .with_state(app)
}

/// Serves until `shutdown` is ready; then ends sessions, finishes requests, and returns.
///
/// # Errors
///
/// Where the listener fails.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let worker = tokio::spawn(outbox::work(app.clone()));
    let stopping = app.clone();
    let served = axum::serve(listener, router(app.clone()))
        .with_graceful_shutdown(async move {
            shutdown.await;
            stopping.stop();
        })
        .await;
    app.stop();
    if let Err(error) = worker.await {
        tracing::error!(%error, "the outbox worker ended badly");
    }
    served
}
