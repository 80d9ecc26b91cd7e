//! Portal's server: REST, MPC sessions over WebSocket, delivery to custodians.
//!
//! [`router`] is the whole service over any [`Store`](portal_store::Store); [`serve_through`] runs
//! it on a listener until it is told to stop; [`Operator`] makes custodians.
//!
//! # Data flow
//!
//! A REST call or MPC session makes an `Event`; `portal-lifecycle` decides what becomes of the
//! wallet; the store commits that, guarded by the version it was decided on; only then does
//! anything that depends on it leave the process.
//!
//! # Architecture invariants
//!
//! No database is named here, and no node keeps anything between two sessions: whichever node
//! a client reaches next can go on.
//!
//! One place turns internal errors into public ones: [`ApiError`]. One place reads the clock:
//! [`clock`]. One place draws randomness: [`entropy`].

#![deny(clippy::indexing_slicing)]

mod approval;
mod auth;
mod body;
pub mod clock;
mod credential;
mod custodian_share;
pub mod entropy;
mod error;
mod garbage;
mod idempotency;
mod metrics;
mod openapi;
mod operator;
mod outbox;
mod page;
mod panics;
mod possession;
mod prune;
mod rates;
mod read_model;
mod readiness;
mod rest;
mod serve;
mod session;
#[cfg(feature = "simulation")]
pub mod simulated;
mod state;
mod trace;
mod wallets;
mod webhook;

pub use error::ApiError;
pub use metrics::{CountedKms, Metrics};
pub use openapi::openapi;
pub use operator::{
    CustodianCreated, CustodianKey, Operator, OperatorError, ProvedWallets, WebhookSettings,
};
pub use rates::RateLimits;
pub use serve::{router, serve, serve_through};
pub use state::{App, Limits, Parts};
pub use webhook::{
    HttpWebhooks, Resolver, SecretChange, SystemResolver, WebhookAnswer, WebhookCall,
    WebhookChange, WebhookPolicy, WebhookSettingsError, WebhookTransport, WebhookUnreachable,
    WebhookUrlError,
};
