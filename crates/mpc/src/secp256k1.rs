//! ECDSA on secp256k1 between two parties, after `DKLs23` (ePrint 2023/765).
//!
//! The arithmetic of multiplications by oblivious transfer comes from `dkls23-core`; this
//! module is the only one that knows it. To the rest of the crate the engine is
//! `setup` (made once for every signing pair) and `sign`.
//!
//! # Security
//!
//! `dkls23-core` draws its randomness from the operating system itself, not from the `rng`
//! argument.

mod group;
pub(crate) mod setup;
mod share;
mod sign;
mod signature;

pub use group::Secp256k1;
pub use share::SigningShare;
pub use sign::{ClientSign, ServerSign};
pub use signature::Signature;
