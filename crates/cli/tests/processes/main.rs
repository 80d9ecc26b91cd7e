//! The lifecycle through separate operating-system processes, as an operator, a customer and an
//! end user would run them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod demo;
mod installation;
mod killed;
mod lifecycle;
mod secrets;
mod verify;
