//! One operation: the trace id that all of its calls share, and where its time and bytes went.

use std::time::{Duration, Instant};

use portal_api::TRACE_HEADER;
use portal_lifecycle::ids::TraceId;
use tracing::Instrument as _;

use crate::{Error, ambient};

/// Where a call stands in its trace ([W3C Trace Context](https://www.w3.org/TR/trace-context/)).
const TRACEPARENT_HEADER: &str = "traceparent";

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

    /// The headers that a call of the operation is sent under: its trace, as the logs have it and
    /// as tracing has it, with a parent that is this call's own.
    ///
    /// The parent is not sampled (§3.2.2.5.1): nothing is recorded of it here, and no device decides
    /// what others record.
    pub(crate) fn trace_headers(&self) -> [(&'static str, String); 2] {
        let trace_id = self.trace_id();
        // Zero would be none.
        let parent = u64::from_be_bytes(ambient::bytes()).max(1);
        let trace_parent = format!("00-{:032x}-{parent:016x}-00", trace_id.0.as_u128());
        [
            (TRACE_HEADER, trace_id.to_string()),
            (TRACEPARENT_HEADER, trace_parent),
        ]
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

#[cfg(test)]
mod tests {
    use super::Meter;

    #[test]
    fn each_call_is_of_the_operations_trace_and_decides_nothing_for_others() {
        let meter = Meter::start();
        let trace_id = meter.trace_id().to_string();
        let parents = [(); 2].map(|()| {
            let [(_, id), (_, trace_parent)] = meter.trace_headers();
            assert_eq!(id, trace_id);
            let fields: Vec<_> = trace_parent.split('-').map(str::to_owned).collect();
            let [version, trace, parent, flags] = fields.try_into().unwrap();
            assert_eq!(trace, trace_id.replace('-', ""));
            assert_eq!((version.as_str(), flags.as_str()), ("00", "00"));
            assert_eq!(parent.len(), 16, "{parent}");
            parent
        });
        assert_ne!(parents[0], parents[1]);
    }
}
