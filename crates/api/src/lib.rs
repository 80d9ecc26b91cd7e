//! Everything that crosses a process.
//!
//! - [`rest`]: bodies of the custodian's and the client's REST calls
//! - [`signing_policy`]: rules for what wallets sign
//! - [`audit`]: lines of the audit log
//! - [`session`]: text frames of the MPC WebSocket; its binary frames are opaque MPC messages
//! - [`webhook`]: bodies and signatures of the calls that the server makes to a custodian's backend
//! - [`custodian_app`]: bodies of the calls that an app makes to the custodian's backend
//! - [`sealed`]: what a client seals to the custodian, past the server
//! - [`Problem`]: the one shape of every error (RFC 9457)
//!
//! JSON in `camelCase`, times RFC 3339 in UTC, bytes base64url without padding.
//! Unknown fields are refused in requests and ignored in answers, so that a
//! caller's mistake is told and a newer server does not break an older caller.
//!
//! # Architecture invariant
//!
//! Bodies and their signatures only. Nothing here sends, stores, decides or computes with a share:
//! a share is an opaque string to everything that imports only this crate.

#![deny(clippy::indexing_slicing)]

pub mod audit;
mod bytes;
pub mod custodian_app;
mod integer;
pub mod limits;
mod problem;
pub mod rest;
#[cfg(feature = "openapi")]
mod schema;
pub mod sealed;
mod secret_text;
pub mod session;
pub mod signing_policy;
mod time;
pub mod webhook;

pub use bytes::{Base64Bytes, MalformedBase64};
pub use problem::{MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem};
pub use secret_text::SecretText;
pub use time::Time;

/// Header that carries a [`TraceId`](portal_lifecycle::ids::TraceId) through every hop.
pub const TRACE_HEADER: &str = "x-portal-trace-id";
