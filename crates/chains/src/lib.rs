//! What exactly gets signed on EVM chains, Solana and Bitcoin.
//!
//! Public keys become [`addresses`]; JSON-RPC parameters become the bytes to
//! sign ([`Request::parse`], [`Request::payloads`]); signatures become finished
//! transactions and messages ([`Request::finish`]). What a request does is in its
//! [`Effects`], which a [`Policy`] judges.
//!
//! # Security
//!
//! No private key, share or nonce ever enters this crate. A signature leaves it
//! only after it was verified against the wallet's own public key.
//!
//! # Architecture invariant
//!
//! No network: what only a node knows (nonce, gas, fees, block hash) must be in
//! the parameters, and its absence is an error that names the field. No clock,
//! randomness, files, logs or unordered iteration either.

#![forbid(unsafe_code)]
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod account;
mod address;
mod chain;
mod chain_rule;
mod effects;
mod error;
mod key;
mod params;
mod policy;
mod reading;
mod request;
mod search;
mod signature;

pub mod bitcoin;
pub mod evm;
pub mod solana;

pub use account::{Account, AccountError};
pub use address::{Addresses, addresses};
pub use chain::{BitcoinNetwork, ChainId, Curve, Namespace};
pub use chain_rule::ChainRule;
pub use effects::{Amount, Asset, Effects, Unseen};
pub use error::{ChainError, Subject};
pub use key::{Ed25519Key, Secp256k1Key};
pub use policy::{Policy, PolicyRefusal};
pub use request::Request;
pub use signature::{Payload, Signature, Signed};
