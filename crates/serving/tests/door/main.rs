//! A door, and strangers before it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod browsers;
mod burst;
mod full;
mod service;
mod slow;
mod tls;
