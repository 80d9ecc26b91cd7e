//! EdDSA on Ed25519 between two parties: FROST (RFC 9591) by `frost-ed25519`.

mod group;
mod sign;

pub use group::Ed25519;
pub use sign::{ClientSign, ServerSign, Signature};
