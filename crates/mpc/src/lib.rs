//! Two-party generate, reshare and sign for secp256k1 (ECDSA) and Ed25519 (`EdDSA`), as pure
//! message-driven machines.
//!
//! A client C and a server S share a key additively, `x = x_C + x_S`, `Q = x·G`. Each side of
//! each protocol is a [`Machine`]: it takes the peer's message and gives the next to send, or
//! its result. Both curves of a wallet run in the same flights. Here both sides run in one
//! process; apart, each passes what [`Machine::step`] gives it to the other.
//!
//! ```
//! use portal_mpc::*;
//!
//! let session = |operation| Session { operation, generation: 1, client_nonce: [1; 32], server_nonce: [2; 32] };
//! let key = KeyContext { wallet_id: [3; 16], new_pair: Some([4; 16]), source_pair: None };
//! let keys = BothCurves { secp256k1: key, ed25519: key };
//! let rng = &mut rand::rng();
//!
//! let generate = session(Operation::Generate);
//! let client = Generate::client(&generate, &keys, rng)?;
//! let (device, server) = run(client, Generate::server(&generate, &keys)?, rng)?;
//!
//! let (sign, digest) = (session(Operation::Sign), [5; 32]);
//! let pair = KeyContext { new_pair: None, source_pair: Some([4; 16]), ..key };
//! let points = *device.secp256k1.key().points();
//! let client = secp256k1::ClientSign::start(&sign, &pair, device.secp256k1, digest, rng)?;
//! let server = secp256k1::ServerSign::new(&sign, &pair, server.secp256k1, digest)?;
//! let (signature, _) = run(client, server, rng)?;
//! assert!(signature.verifies(&points, &digest));
//! # Ok::<(), Abort>(())
//! ```
//!
//! | operation | machine | flights each way | paper |
//! |---|---|---|---|
//! | Generate | [`Generate`] | 3 | ePrint 2021/682 for the set-up |
//! | Backup | [`ReshareToBackup`] | 3 | |
//! | Recover, Refresh | [`ReshareToSigning`] | 3 | ePrint 2021/682 for the set-up |
//! | Sign, secp256k1 | [`secp256k1::ClientSign`], [`secp256k1::ServerSign`] | 2 | `DKLs23` Protocol 3.6 |
//! | Sign, Ed25519 | [`ed25519::ClientSign`], [`ed25519::ServerSign`] | 1 | RFC 9591 |
//!
//! # Architecture invariants
//!
//! No I/O, no clock, no logs, no ids of our own. What must be durable before the peer may
//! count on it is given out together with a [`HeldMessage`].
//!
//! A failure says whom it blames and whether it is a strike ([`Abort`]); it never says what
//! was computed.

#![deny(clippy::indexing_slicing)]

mod abort;
#[cfg(any(test, feature = "attack"))]
pub mod attack;
mod blind;
mod commitment;
mod ct;
pub mod ed25519;
mod envelope;
mod exchange;
mod generate;
mod group;
mod hash;
mod hedged;
mod key_share;
mod possession;
mod private_key;
mod reshare;
pub mod secp256k1;
mod session;
mod shares;
mod step;
mod wire;

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests draw their own randomness")]
mod attacks;
#[cfg(test)]
mod vectors;

pub use abort::{Abort, Check};
pub use blind::Blind;
pub use ed25519::Ed25519;
pub use envelope::Message;
pub use exchange::Exchange;
pub use generate::Generate;
pub use group::Group;
pub use key_share::{KeyShare, PairKind, Points, ShareError, verify_possession};
pub use private_key::{NotTheKey, PrivateKey};
pub use reshare::{ReshareToBackup, ReshareToSigning};
pub use secp256k1::Secp256k1;
pub use session::{BothCurves, Id, KeyContext, Operation, Role, Session};
pub use shares::{BackupShares, KeyShares, SigningShares};
pub use step::{HeldMessage, Machine, Step, run};
