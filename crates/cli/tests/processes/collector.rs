//! A collector of spans (OTLP over HTTP) on a port of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

#[derive(Clone, Default)]
pub(crate) struct Collector {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

/// A span, and the service that it comes from.
pub(crate) struct Collected {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let router = Router::new()
            .route("/v1/traces", post(collect))
            .with_state(Arc::clone(&collector.bodies));
        tokio::spawn(async { axum::serve(listener, router).await });
        collector
    }

    /// All that came, as it came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().concat()
    }

    pub(crate) fn spans(&self) -> Vec<Collected> {
        let bodies = self.bodies.lock().unwrap();
        let mut collected = Vec::new();
        for body in bodies.iter() {
            let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
            for spans in request.resource_spans {
                let resource = spans.resource.unwrap_or_default();
                let service = text(&resource.attributes, "service.name").unwrap();
                for span in spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    let service = service.clone();
                    collected.push(Collected { service, span });
                }
            }
        }
        collected
    }
}

impl Collected {
    /// An attribute that is a text.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        text(&self.span.attributes, name)
    }

    /// The trace that it is recorded in, as `X-Portal-Trace-Id` would have it.
    pub(crate) fn trace(&self) -> uuid::Uuid {
        uuid::Uuid::from_slice(&self.span.trace_id).unwrap()
    }
}

async fn collect(State(bodies): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes) -> StatusCode {
    bodies.lock().unwrap().push(body);
    StatusCode::OK
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|pair| pair.key == name)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}
