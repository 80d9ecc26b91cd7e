//! How Portal's programs serve HTTP to strangers.
//!
//! A [`Door`] takes connections from a listener and hands their requests to an axum router. It
//! bounds what a stranger can make the process hold: connections, in all and of one address; time
//! for a TLS handshake, for the head and for the body of a request, and for a peer that neither
//! sends nor takes anything; bytes of a head.
//!
//! It also speaks [TLS](Tls), says to browsers what they may do ([`Origins`]), and counts
//! ([`HttpMetrics`]). Where a request stands in a trace is taken, and passed on ([`TraceParent`]). An
//! answer that holds a secret is a [`SecretJson`]. A handler that panics fails its own request and
//! nothing else ([`caught`]).
//!
//! # Architecture invariant
//!
//! Nothing of Portal is known here: server and customer's backend serve different routes through
//! the same door.

#![deny(clippy::indexing_slicing)]

mod admitted;
mod body;
mod door;
mod gate;
mod limits;
mod listen;
mod metrics;
mod origins;
mod panics;
mod scrape;
mod secret_json;
mod tls;
mod trace_parent;

pub use body::BodyTooSlow;
pub use door::{Door, Open};
pub use limits::ConnectionLimits;
pub use listen::listen;
pub use metrics::{HttpMetrics, LATENCY_SECONDS, ProblemId, method_name};
pub use origins::{OriginError, Origins};
pub use panics::caught;
pub use scrape::scrape_routes;
pub use secret_json::SecretJson;
pub use tls::{Tls, TlsError, TlsFiles};
pub use trace_parent::{TRACEPARENT_HEADER, TraceParent, begin_trace, wanted_trace_id};
