//! The service on a listener.

use std::net::SocketAddr;

use axum::Router;
use axum::middleware;
use axum::serve::Listener;
use portal_serving::Door;

use crate::{App, garbage, outbox, panics, prune, rest, trace};

/// All endpoints of the service.
pub fn router(app: App) -> Router {
    layered(rest::router()).with_state(app)
}

/// What every request passes on its way to a handler and back.
pub(crate) fn layered<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(middleware::from_fn(panics::layer))
        .layer(middleware::from_fn(trace::layer))
}

/// Serves through a door with the usual limits, over plain HTTP; see [`serve_through`].
///
/// # Errors
///
/// None at present; a listener that fails is tried again.
pub async fn serve<L>(
    app: App,
    listener: L,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
    L::Io: 'static,
{
    serve_through(&Door::default(), app, listener, shutdown).await
}

/// Serves until `shutdown` is ready. Then no session begins and the service says that it is not
/// ready; after [`Limits::drain_delay`](crate::Limits::drain_delay) nobody reaches it any more,
/// and sessions and requests that are under way have
/// [`Limits::drain_timeout`](crate::Limits::drain_timeout) to finish. What is not over by then is
/// cut off as if the connection had broken, which is never a strike.
///
/// # Errors
///
/// None at present; a listener that fails is tried again.
pub async fn serve_through<L>(
    door: &Door,
    app: App,
    listener: L,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
    L::Io: 'static,
{
    let workers = [
        tokio::spawn(outbox::work(app.clone())),
        tokio::spawn(garbage::work(app.clone())),
        tokio::spawn(prune::work(app.clone())),
    ];
    let shut = async {
        shutdown.await;
        app.drain();
        // Whoever sends clients here reads from `/ready` that they should go elsewhere.
        tokio::time::sleep(app.limits.drain_delay).await;
    };
    let open = door.serve(listener, router(app.clone()), shut).await;
    let finished = async {
        open.finish().await;
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
