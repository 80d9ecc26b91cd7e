//! Around every request: its trace id, its line in the log, its problem document.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use portal_api::TRACE_HEADER;
use portal_lifecycle::ids::TraceId;
use portal_serving::{TraceParent, begin_trace, method_name};
use rand::Rng as _;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::ambient;
use crate::refusal::{Refusal, problem_response};
use crate::router::Shared;

/// Runs a request under a trace id, which goes back in the answer.
///
/// # Security
///
/// Logs method, path template, status, latency and trace id. Never the path itself, the query,
/// a header or a body: ids of clients, tokens, secrets and shares stay out of the log.
pub(crate) async fn traced(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let started = ambient::instant();
    let caller = TraceParent::of(request.headers());
    let trace_id = sent_trace_id(request.headers())
        // Both have 128 bits: what the caller's tracing knows is found in the log.
        .or_else(|| format!("{:032x}", caller?.trace_id()).parse().ok())
        .unwrap_or_else(|| new_trace_id(&shared));
    let method = method_name(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("(none)", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        %trace_id,
        %method,
        path,
        status = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
    );
    begin_trace(&span, trace_id.0.as_u128(), caller);
    let mut response = next.run(request).instrument(span.clone()).await;
    // What is said of the answer belongs to the request too.
    let entered = span.entered();

    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let problem = problem_response(&refusal.problem(trace_id));
        let headers = core::mem::take(response.headers_mut());
        response = problem;
        // Axum's own, such as `allow`, stay unless the problem says otherwise.
        for (name, value) in headers.iter().filter(|(name, _)| *name != "content-length") {
            response
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        if let Some(fault) = refusal.fault() {
            tracing::error!(fault, "a custodian request failed");
        }
    }
    if let Ok(value) = HeaderValue::from_str(&trace_id.to_string()) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    // Shares and cipher texts are nothing for a cache on the way.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let status = response.status().as_u16();
    entered.record("status", status);
    if response.status().is_server_error() {
        entered.record("otel.status_code", "error");
    }
    let latency_us = started.elapsed().as_micros();
    tracing::info!(status, latency_us, "answered");
    response
}

/// The caller's trace id, if it is a UUID; anything else could be a forged line of the log.
fn sent_trace_id(headers: &HeaderMap) -> Option<TraceId> {
    headers.get(TRACE_HEADER)?.to_str().ok()?.parse().ok()
}

fn new_trace_id(shared: &Shared) -> TraceId {
    let mut random = [0; 10];
    shared.rng().fill_bytes(&mut random);
    TraceId::make(shared.now(), random)
}
