//! Spans to a collector, by OTLP over HTTP (opentelemetry.io/docs/specs/otlp).
//!
//! What is recorded waits in a queue of a fixed length, and a thread of its own sends it on a
//! runtime of its own: a collector that is slow, or gone, holds up nobody. What finds the queue
//! full is dropped, and counted.

mod queue;

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    OTEL_EXPORTER_OTLP_ENDPOINT, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider,
};
use portal_serving::wanted_trace_id;
use tokio::runtime::{Handle, Runtime};
use url::Url;

pub(crate) use queue::DroppedSpans;
use queue::Queue;

/// Longest wait for the collector's answer, also at the end.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where spans go under the URL of a collector (OTLP §"Endpoint URLs for OTLP/HTTP").
const TRACES: &str = "v1/traces";

/// How an operator calls a service otherwise (OpenTelemetry, environment variables).
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// What sends spans to a collector, if there is one.
#[derive(Default)]
pub(crate) struct Telemetry {
    sending: Option<Sending>,
    dropped: DroppedSpans,
}

struct Sending {
    provider: SdkTracerProvider,
    runtime: Runtime,
}

impl Telemetry {
    /// Sends the spans of a service to a collector, if its settings name one, or else the
    /// environment as OpenTelemetry has it.
    pub(crate) fn begin(service: Option<(&'static str, Option<&str>)>) -> anyhow::Result<Self> {
        let Some((service, endpoint)) = service else {
            return Ok(Self::default());
        };
        let usual = || std::env::var(OTEL_EXPORTER_OTLP_ENDPOINT).ok();
        let endpoint = endpoint.map(str::to_owned).or_else(usual);
        let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.is_empty()) else {
            return Ok(Self::default());
        };
        let endpoint = traces_of(&endpoint).context("--otlp-endpoint")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otlp")
            .enable_all()
            .build()?;
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("no HTTP client could be made for --otlp-endpoint")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Carrier {
                http,
                runtime: runtime.handle().clone(),
            })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(TIMEOUT)
            .build()
            .context("--otlp-endpoint")?;
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if std::env::var_os(SERVICE_NAME).is_none() {
            resource = resource.with_service_name(service);
        }
        let resource = resource.build();
        let dropped = DroppedSpans::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue::before(exporter, &dropped))
            // Whether to keep a trace is the collector's choice, not a caller's.
            .with_sampler(Sampler::AlwaysOn)
            .with_id_generator(Ids::default())
            .with_resource(resource)
            .build();
        Ok(Self {
            sending: Some(Sending { provider, runtime }),
            dropped,
        })
    }

    /// The spans that did not reach the collector.
    pub(crate) const fn dropped(&self) -> &DroppedSpans {
        &self.dropped
    }

    pub(crate) fn tracer(&self) -> Option<SdkTracer> {
        let sending = self.sending.as_ref();
        sending.map(|sending| sending.provider.tracer("portal"))
    }

    /// Sends what has not been sent yet, for a while at most.
    pub(crate) fn end(self) {
        let Some(Sending { provider, runtime }) = self.sending else {
            return;
        };
        if let Err(error) = provider.shutdown_with_timeout(TIMEOUT) {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
        let (queue_full, not_sent) = self.dropped.seen();
        if queue_full > 0 || not_sent > 0 {
            tracing::warn!(queue_full, not_sent, "spans did not reach the collector");
        }
        runtime.shutdown_background();
    }
}

/// The address for traces of the collector at `endpoint`.
fn traces_of(endpoint: &str) -> anyhow::Result<String> {
    let expected = "expected the URL of a collector such as http://127.0.0.1:4318";
    let Ok(mut url) = Url::parse(endpoint) else {
        bail!("{expected}, got what is no URL");
    };
    if !matches!(url.scheme(), "http" | "https") {
        bail!("{expected}, got one of scheme {}", url.scheme());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url.join(TRACES)?.into())
}

/// A trace is called as the logs call it; everything else is drawn.
#[derive(Debug, Default)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        wanted_trace_id().map_or_else(
            || self.0.new_trace_id(),
            |wanted| TraceId::from_bytes(wanted.to_be_bytes()),
        )
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Carries spans on a runtime: the thread that collects them has none.
#[derive(Debug)]
struct Carrier {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Carrier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(reqwest::Error::without_url)?;
        let http = self.http.clone();
        let carried = self.runtime.spawn(async move {
            let answer = http.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        // The URL may hold a credential.
        let carried = carried.await?.map_err(reqwest::Error::without_url);
        let (status, body) = carried?;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::traces_of;

    #[test]
    fn a_collector_has_its_traces_below_its_url() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example/a", "https://otel.example/a/v1/traces"),
        ] {
            assert_eq!(traces_of(endpoint).unwrap(), expected);
        }
        for endpoint in ["", "127.0.0.1:4318", "grpc://127.0.0.1:4317"] {
            traces_of(endpoint).expect_err(endpoint);
        }
    }
}
