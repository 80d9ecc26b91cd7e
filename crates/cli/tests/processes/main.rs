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

mod audit;
mod check_backup;
mod cluster;
mod collector;
#[cfg(target_os = "linux")]
mod core_dumps;
mod crash;
mod custodian_role;
mod custodian_secrets;
mod custodians;
mod demo;
mod eject;
mod end_user;
mod environments;
mod gate;
mod installation;
mod keys;
mod killed;
mod lifecycle;
mod logs;
mod metrics;
mod offline;
mod pinned;
mod proxies;
mod restore;
mod rotation;
mod schemathesis;
mod sealed;
mod secrets;
mod service;
mod shutdown;
#[cfg(target_os = "linux")]
mod siege;
mod signing;
mod tls;
mod traces;
mod verify;
mod walk;
mod webhook;

// Tools of the other binary, and of the KMS's tests.
#[path = "../in_process/alive.rs"]
mod alive;
#[path = "../in_process/expect.rs"]
mod expect;
#[path = "../in_process/frames.rs"]
mod frames;
#[expect(dead_code, reason = "the other binary does more with it")]
#[path = "../in_process/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "the other binary does more with it")]
#[path = "../in_process/raw.rs"]
mod raw;
#[expect(dead_code, reason = "the tests of the KMS do more with it")]
#[path = "../../../store/tests/kms/transit.rs"]
mod transit;
