//! The trace of a request: its id taken from a header or made, carried through, and returned; and
//! the caller's span, which its own goes below and calls to others name.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use portal_api::TRACE_HEADER;

use portal_lifecycle::ids::TraceId;
use portal_serving::{TraceParent, begin_trace, method_name};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::clock::{Clock as _, SystemClock};
use crate::entropy;

/// How long the server took (W3C Server Timing §3), for callers that measure the wire.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Below it devices call.
const DEVICES: &str = "/api/v3/clients/";

tokio::task_local! {
    static CURRENT: Trace;
}

/// What is carried through a request.
#[derive(Clone, Copy)]
struct Trace {
    id: TraceId,
    /// The caller's span, as it came. Not a device's: what one says of sampling is nothing that the
    /// customer's backend should go by.
    caller: Option<TraceParent>,
}

fn here() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// The trace id of the request that this task serves.
pub(crate) fn current() -> TraceId {
    here().map_or_else(fresh, |trace| trace.id)
}

/// What a call that is made now says of where it stands: the span that is recorded here, or
/// else the one that the caller named.
pub(crate) fn parent() -> Option<TraceParent> {
    TraceParent::recorded(&Span::current()).or_else(|| here()?.caller)
}

/// Says at `span` that what it is around failed.
pub(crate) fn failed(span: &Span) {
    span.record("otel.status_code", "error");
}

/// A span that goes on in this trace and does not hold up the end of the one around it.
pub(crate) fn beside(span: &Span) {
    begin_trace(span, current().0.as_u128(), parent());
}

/// The span of work under another trace id than here.
pub(crate) fn elsewhere(span: &Span, id: TraceId) {
    begin_trace(span, id.0.as_u128(), None);
}

/// Runs `work` under another trace id, such as one that came in a session's first frame.
///
/// On the heap: a session's future has a hundred kilobytes, and each layer that passes it on by
/// value would put it on the worker's stack once more.
pub(crate) fn scope<T>(id: TraceId, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = here().and_then(|trace| trace.caller);
    CURRENT.scope(Trace { id, caller }, Box::pin(work))
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
    elsewhere(&span, id);
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
    let caller = TraceParent::of(request.headers());
    let id = request
        .headers()
        .get(TRACE_HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        // Both have 128 bits: what the caller's tracing knows is found in the log.
        .or_else(|| caller.map(|caller| TraceId(Uuid::from_u128(caller.trace_id()))))
        .unwrap_or_else(fresh);
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        trace_id = %id,
        method = %method_name(request.method()),
        path,
        status = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
    );
    begin_trace(&span, id.0.as_u128(), caller);
    let is_customers = !path.starts_with(DEVICES);
    let begun = Instant::now();
    let work = async {
        let mut response = next.run(request).await;
        let elapsed = begun.elapsed();
        let status = response.status().as_u16();
        let span = Span::current();
        span.record("status", status);
        if response.status().is_server_error() {
            failed(&span);
        }
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
    let trace = Trace {
        id,
        caller: caller.filter(|_| is_customers),
    };
    CURRENT.scope(trace, work.instrument(span)).await
}
