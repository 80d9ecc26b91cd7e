//! ECDSA on secp256k1 between two parties, after `DKLs23` (ePrint 2023/765).
//!
//! ```text
//! base_ot        128 oblivious transfers, once for a pair and direction    ePrint 2021/682
//! setup          both directions of it: what a signing pair keeps
//! ot_extension   416 oblivious transfers of a session                      ePrint 2022/192
//! vole           two products of one party's secrets and the other's       2023/765, Protocol 5.2
//! signer, sign   the signature, in two round trips                         2023/765, Protocol 3.6
//! ```
//!
//! Each stands on those above it, and its head says what falls without which of its checks. Beside them:
//! `group` (the curve), `inner_product`, `share` (at rest) and `signature` (what is verified before it leaves).

mod base_ot;
mod group;
mod inner_product;
mod ot_extension;
pub(crate) mod setup;
mod share;
mod sign;
mod signature;
mod signer;
mod vole;

pub use group::Secp256k1;
pub use share::SigningShare;
pub use sign::{ClientSign, ServerSign};
pub use signature::Signature;
