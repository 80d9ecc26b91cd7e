//! What strangers may hold, and for how long.

use std::time::Duration;

/// Most bytes of a request's head; it is also the size of a connection's read buffer.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;
/// Most fields of a request's head.
pub(crate) const HEAD_FIELDS: usize = 64;

/// Limits on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections that may be open at once.
    pub connections: usize,
    /// Those of one address; of one /64 network for IPv6. A proxy in front is one address.
    pub connections_per_address: usize,
    /// Longest TLS handshake.
    pub handshake_timeout: Duration,
    /// Longest wait for the whole head of a request. A connection that is idle waits no longer
    /// for its next request.
    pub head_timeout: Duration,
    /// Longest wait for the whole body of a request.
    pub body_timeout: Duration,
    /// Longest time in which a peer that should send or take something does nothing at all.
    pub stall_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 1_000,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(60),
        }
    }
}
