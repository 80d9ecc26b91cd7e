//! One operation: the trace id that all of its calls share, and where its time and bytes went.

use std::time::{Duration, Instant};

use portal_lifecycle::ids::TraceId;
use tracing::Instrument as _;

use crate::{Error, ambient};

/// Where an operation's time and bytes went, and which statuses its pair passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The operation, as the logs of the server and of the custodian's backend have it.
    pub trace_id: TraceId,
    /// Statuses that the pair passed, in order.
    pub statuses: Vec<&'static str>,
    /// Time spent on this device.
    pub client: Duration,
    /// Time spent on the server, by its own account; calls to a custodian included.
    pub server: Duration,
    /// Time spent on the wire: waited for the server, less the server's own time.
    pub wire: Duration,
    /// Payload bytes sent: bodies, frames and MPC messages.
    pub sent_bytes: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
}

/// Collects a [`Report`] while an operation runs.
pub(crate) struct Meter {
    begun: Instant,
    waited: Duration,
    server: Duration,
    report: Report,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self::resume(TraceId::make(ambient::now(), ambient::bytes()))
    }

    /// Goes on under the trace id of an operation that another call began.
    pub(crate) fn resume(trace_id: TraceId) -> Self {
        Self {
            begun: Instant::now(),
            waited: Duration::ZERO,
            server: Duration::ZERO,
            report: Report {
                trace_id,
                statuses: Vec::new(),
                client: Duration::ZERO,
                server: Duration::ZERO,
                wire: Duration::ZERO,
                sent_bytes: 0,
                received_bytes: 0,
            },
        }
    }

    /// What every call of the operation is sent under.
    pub(crate) const fn trace_id(&self) -> TraceId {
        self.report.trace_id
    }

    /// Waits for something on the network.
    pub(crate) async fn wait<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let value = waiting.await;
        self.waited += begun.elapsed();
        value
    }

    pub(crate) fn served(&mut self, by_server: Duration) {
        self.server += by_server;
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.report.sent_bytes += bytes as u64;
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.report.received_bytes += bytes as u64;
    }

    pub(crate) fn passed(&mut self, status: &'static str) {
        self.report.statuses.push(status);
    }

    pub(crate) fn finish(self) -> Report {
        Report {
            client: self.begun.elapsed().saturating_sub(self.waited),
            server: self.server,
            wire: self.waited.saturating_sub(self.server),
            ..self.report
        }
    }
}

/// Runs an operation so that its lines in the log, and the error that it may end with, have its
/// trace id.
pub(crate) async fn traced<T>(
    trace_id: TraceId,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let span = tracing::info_span!("wallet", %trace_id);
    // On the heap: an operation that makes a pair holds a hundred kilobytes.
    let ended = Box::pin(operation).instrument(span).await;
    ended.map_err(|error| error.of_trace(trace_id))
}
