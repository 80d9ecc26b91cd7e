//! What Prometheus fetches.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`: what `registry` holds, after `refresh` has brought up to date what is only
/// known when it is asked for.
///
/// It belongs on an address of its own, that strangers do not reach.
pub fn scrape_routes<F>(
    registry: Arc<Mutex<Registry>>,
    refresh: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Router
where
    F: Future<Output = ()> + Send + 'static,
{
    Router::new().route(
        "/metrics",
        get(move || {
            let (registry, refreshed) = (Arc::clone(&registry), refresh());
            async move {
                refreshed.await;
                text(&registry)
            }
        }),
    )
}

fn text(registry: &Mutex<Registry>) -> Response {
    let mut text = String::new();
    let registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
