//! Where an operation's time and bytes went.

use std::time::{Duration, Instant};

/// Where an operation's time and bytes went, and which statuses its pair passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
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
        Self {
            begun: Instant::now(),
            waited: Duration::ZERO,
            server: Duration::ZERO,
            report: Report::default(),
        }
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
