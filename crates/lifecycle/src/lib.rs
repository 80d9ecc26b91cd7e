//! What a wallet is and may become.
//!
//! A wallet is one key per curve, each shared 2-of-2 twice over: a signing pair
//! (device and server) and a backup pair (user and custodian). This crate holds
//! the words for that ([`ids`], [`Curve`], [`SigningStatus`], [`BackupStatus`]),
//! the rules by which a wallet changes ([`Wallet::apply`]), and the reference of
//! every error a caller can meet ([`ErrorId`]).
//!
//! ```
//! use portal_lifecycle::{Epoch, Event, PerCurve, Plan, Start, Timestamp, Wallet, ids::*};
//! # use portal_lifecycle::Effect;
//! # let id = |n: u8| uuid::Uuid::from_bytes([n; 16]);
//! let wallet = Wallet::new(PerCurve::new(WalletId(id(1)), WalletId(id(2))), Epoch::FIRST);
//! let start = Start {
//!     operation_id: OperationId(id(3)),
//!     device_id: DeviceId(id(4)),
//!     plan: Plan::Generate,
//!     lease_ms: 60_000,
//! };
//! let begun = wallet.apply(Event::Start(start), Timestamp::from_ms(0))?;
//! assert!(matches!(begun.effect, Effect::LeaseTaken(_)));
//! # Ok::<(), portal_lifecycle::Refusal>(())
//! ```
//!
//! # Architecture invariant
//!
//! Nothing here does I/O, reads a clock, draws randomness, or iterates a hash
//! map: the same `(state, event, now)` always gives the same answer, so the
//! server, a model checker and a simulator can all run this very code.

#![deny(clippy::indexing_slicing)]

mod curve;
mod error_id;
mod error_reference;
mod event;
pub mod ids;
mod refusal;
mod rules;
mod status;
mod time;
mod wallet;

pub use curve::{Curve, PerCurve, UnknownCurve};
pub use error_id::ErrorId;
pub use error_reference::{ErrorPage, Retry};
pub use event::{
    AlreadyMade, BackupCommit, Effect, Event, Garbage, LeaseTaken, OperationKind, Plan,
    SigningCommit, Start, Transition,
};
pub use refusal::Refusal;
pub use status::{
    BackupMethod, BackupMode, BackupStatus, Completion, SigningStatus, UnknownBackupMethod,
    UnknownBackupMode,
};
pub use time::Timestamp;
pub use wallet::{
    BackupPair, CipherTextDigest, Epoch, Fence, Generation, Lease, Point, PublicPoints,
    SigningPair, Wallet,
};
