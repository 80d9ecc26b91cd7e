//! The queue before a collector, and the spans that do not come through it.
//!
//! OpenTelemetry's own queue tells nobody but the log of what it drops. So what waits is counted
//! before it, and nothing finds it full.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Spans that wait at most.
const QUEUE_SPANS: usize = 2_048;

/// How an operator says otherwise (OpenTelemetry, environment variables).
const QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";

const QUEUE_FULL: Reason = [("reason", "queue_full")];
const NOT_SENT: Reason = [("reason", "not_sent")];

type Reason = [(&'static str, &'static str); 1];

/// Counts spans that do not reach the collector; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct DroppedSpans(Family<Reason, Counter>);

impl DroppedSpans {
    /// Tells of them in `registry`, from zero on.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.of(QUEUE_FULL);
        self.of(NOT_SENT);
        registry.register(
            "portal_trace_spans_dropped",
            "Spans that did not reach the collector: the queue was full, or they could not be sent",
            self.0.clone(),
        );
    }

    /// So many found the queue full, and so many could not be sent.
    pub(crate) fn seen(&self) -> (u64, u64) {
        (self.of(QUEUE_FULL).get(), self.of(NOT_SENT).get())
    }

    fn of(&self, reason: Reason) -> Counter {
        self.0.get_or_create(&reason).clone()
    }
}

/// A queue of a fixed length, which a thread of its own empties.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: BatchSpanProcessor,
    length: usize,
    waiting: Arc<AtomicUsize>,
    dropped: Counter,
}

impl Queue {
    /// Before `exporter`, as long as the environment says.
    pub(crate) fn before<E>(exporter: E, dropped: &DroppedSpans) -> Self
    where
        E: SpanExporter + 'static,
    {
        let said = std::env::var(QUEUE_SIZE).ok();
        let length = said.and_then(|length| length.parse().ok());
        let length = length.unwrap_or(QUEUE_SPANS);
        let waiting = Arc::new(AtomicUsize::new(0));
        let leaving = Leaving {
            exporter,
            waiting: Arc::clone(&waiting),
            dropped: dropped.of(NOT_SENT),
        };
        let config = BatchConfigBuilder::default().with_max_queue_size(length);
        Self {
            inner: BatchSpanProcessor::new(leaving, config.build()),
            length,
            waiting,
            dropped: dropped.of(QUEUE_FULL),
        }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        let one_more =
            |waiting: usize| (waiting < self.length).then_some(waiting.saturating_add(1));
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let has_room = self.waiting.fetch_update(success, failure, one_more);
        if has_room.is_ok() {
            self.inner.on_end(span);
        } else if self.dropped.inc() == 0 {
            let length = self.length;
            tracing::warn!(
                length,
                "spans are dropped from here on: the collector is too slow, or gone"
            );
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The end of the queue: what leaves it has been sent, or is dropped.
#[derive(Debug)]
struct Leaving<E> {
    exporter: E,
    waiting: Arc<AtomicUsize>,
    dropped: Counter,
}

impl<E: SpanExporter> SpanExporter for Leaving<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        if sent.is_err() {
            let spans = u64::try_from(spans).unwrap_or(u64::MAX);
            self.dropped.inc_by(spans);
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
