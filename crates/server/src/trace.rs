//! The trace id of a request: taken from its header or made, carried through, and returned.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use portal_api::TRACE_HEADER;

use portal_lifecycle::ids::TraceId;
use tracing::Instrument as _;

use crate::clock::{Clock as _, SystemClock};
use crate::entropy;

/// How long the server took (W3C Server Timing §3), for callers that measure the wire.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

tokio::task_local! {
    static CURRENT: TraceId;
}

/// The trace id of the request that this task serves.
pub(crate) fn current() -> TraceId {
    CURRENT.try_with(|id| *id).unwrap_or_else(|_| fresh())
}

/// Runs `work` under another trace id, such as one that came in a session's first frame.
///
/// On the heap: a session's future has a hundred kilobytes, and each layer that passes it on by
/// value would put it on the worker's stack once more.
pub(crate) fn scope<T>(id: TraceId, work: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(id, Box::pin(work))
}

/// Runs `work` that no request waits for under the trace id of the one that it comes from, or a
/// fresh one.
pub(crate) async fn begun<T>(
    what: &'static str,
    id: Option<TraceId>,
    work: impl Future<Output = T>,
) -> T {
    let id = id.unwrap_or_else(fresh);
    let span = tracing::info_span!("work", trace_id = %id, what);
    scope(id, work.instrument(span)).await
}

/// Runs `work` under the trace id and in the span that are here when this is called, also in a
/// task of its own: its lines in the log lead back to the request.
pub(crate) fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    scope(current(), work.in_current_span())
}

/// A trace id for work that no request asked for.
pub(crate) fn fresh() -> TraceId {
    TraceId::make(SystemClock.now(), entropy::bytes())
}

/// Gives every request its trace id and its line in the log. Neither bodies nor credentials
/// nor the ids in a path are logged.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(TRACE_HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_else(fresh);
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str);
    let span = tracing::info_span!("request", trace_id = %id, method = %request.method(), path);
    let begun = Instant::now();
    let work = async {
        let mut response = next.run(request).await;
        let elapsed = begun.elapsed();
        let status = response.status().as_u16();
        tracing::info!(status, latency_us = elapsed.as_micros(), "answered");
        let timing = format!("total;dur={:.3}", elapsed.as_secs_f64() * 1_000.0);
        if let Ok(value) = HeaderValue::from_str(&timing) {
            response.headers_mut().insert(SERVER_TIMING, value);
        }
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(TRACE_HEADER, value);
        }
        response
    };
    CURRENT.scope(id, work.instrument(span)).await
}
