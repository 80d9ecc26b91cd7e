//! The protocols as their users run them, and what an outsider can do to them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[cfg(feature = "attack")]
mod corpora;
mod encoding;
mod many;
mod outsider;
mod run;
mod second_opinion;
mod wallet_life;
