//! What is counted of connections and requests.
//!
//! Labels are made of the program's own words: methods, route templates, statuses, error ids. No
//! part of a request becomes one, so no id of a client or a wallet can.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::gate::Full;

/// Upper bounds of latencies, in seconds: from a read of the state to a backup whose custodian is
/// slow.
pub const LATENCY_SECONDS: [f64; 12] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// The id of the problem that an answer tells, as its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemId(pub &'static str);

/// Counts connections and requests; cheap to clone.
#[derive(Clone)]
pub struct HttpMetrics(Arc<Counted>);

struct Counted {
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    problems: Family<ProblemLabels, Counter>,
    open: Gauge,
    refused: Family<RefusedLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    path: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    id: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

impl HttpMetrics {
    /// Begins to count, in `registry`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let counted = Counted {
            requests: Family::new_with_constructor(|| Histogram::new(LATENCY_SECONDS)),
            problems: Family::default(),
            open: Gauge::default(),
            refused: Family::default(),
        };
        registry.register(
            "portal_http_request_duration_seconds",
            "Time from a request's head to its answer, by method, route and status",
            counted.requests.clone(),
        );
        registry.register(
            "portal_http_problems",
            "Answers that told a problem, by its id",
            counted.problems.clone(),
        );
        registry.register(
            "portal_connections_open",
            "Connections that are open, WebSockets included",
            counted.open.clone(),
        );
        registry.register(
            "portal_connections_refused",
            "Connections that were refused because there were too many: of all, or of one address",
            counted.refused.clone(),
        );
        Self(Arc::new(counted))
    }

    pub(crate) fn opened(&self) -> OpenConnection {
        self.0.open.inc();
        OpenConnection(self.0.open.clone())
    }

    pub(crate) fn refused(&self, full: Full) {
        let reason = match full {
            Full::Everywhere => "all",
            Full::Address => "address",
        };
        self.0
            .refused
            .get_or_create(&RefusedLabels { reason })
            .inc();
    }
}

/// A connection, counted until it is dropped.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Measures a request.
pub(crate) async fn measure(
    State(HttpMetrics(counted)): State<HttpMetrics>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = method_name(request.method());
    // The template, never the path itself.
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("(none)", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let labels = RequestLabels {
        method,
        path,
        status,
    };
    let elapsed = begun.elapsed().as_secs_f64();
    counted.requests.get_or_create(&labels).observe(elapsed);
    if let Some(&ProblemId(id)) = response.extensions().get() {
        counted.problems.get_or_create(&ProblemLabels { id }).inc();
    }
    response
}

/// The method in a word of ours: one that a stranger made up is no label, and no attribute.
#[must_use]
pub fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
