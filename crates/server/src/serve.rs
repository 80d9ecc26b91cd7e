//! The service on a listener.

use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto as http;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;

use crate::{App, garbage, outbox, rest, trace};

/// Longest wait for the head of a request on a connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// All endpoints of the service.
pub fn router(app: App) -> Router {
    rest::router()
        .layer(middleware::from_fn(trace::layer))
        .with_state(app)
}

/// Serves until `shutdown` is ready. Then nothing new begins, and sessions and requests that are
/// under way have [`Limits::drain_timeout`](crate::Limits::drain_timeout) to finish; what is not
/// over by then is cut off as if the connection had broken, which is never a strike.
///
/// # Errors
///
/// None at present; a listener that fails is tried again.
pub async fn serve<L>(
    app: App,
    mut listener: L,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()>
where
    L: Listener,
    L::Io: 'static,
{
    let workers = [
        tokio::spawn(outbox::work(app.clone())),
        tokio::spawn(garbage::work(app.clone())),
    ];
    let router = router(app.clone());
    let mut http = http::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (io, _) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http
            .serve_connection_with_upgrades(TokioIo::new(io), service)
            .into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = connection.await;
        });
    }
    // Nobody reaches this node any more.
    drop(listener);
    app.drain();
    let finished = async {
        connections.shutdown().await;
        app.tasks.close();
        app.tasks.wait().await;
    };
    if tokio::time::timeout(app.limits.drain_timeout, finished)
        .await
        .is_err()
    {
        tracing::warn!("sessions are cut off: they took longer than the time to finish");
    }
    app.stop();
    app.tasks.close();
    app.tasks.wait().await;
    for worker in workers {
        if let Err(error) = worker.await {
            tracing::error!(%error, "a worker ended badly");
        }
    }
    Ok(())
}
