//! The way out: from a backup's two shares to the keys, and signatures by these, without a
//! server and without a network.
//!
//! Nothing in this module is async or opens a socket; `main` runs what uses it without a runtime.

mod custodian_shares;
mod fault;
mod join;
mod recovered_keys;

pub(crate) use custodian_shares::{CustodianShares, Entry};
pub(crate) use fault::Fault;
pub(crate) use join::{join, open_with_key, open_with_password};
pub(crate) use recovered_keys::RecoveredKeys;
