//! The client's side of Portal: create, back up, recover and use a wallet.
//!
//! ```no_run
//! use std::sync::Arc;
//! use portal_sdk::{Backup, Password, Portal, MemoryKeychain};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let keychain = Arc::new(MemoryKeychain::new());
//! let portal = Portal::builder("https://portal.example.com", "ptl_sess_…", keychain)
//!     .sealing_key("portal-sealing-key-v1.…".parse()?) // or .plain_backups()
//!     .build()
//!     .await?;
//! let created = portal.create_wallet().await?;
//! println!("{}", created.addresses.eip155);
//!
//! let password = Password::new("correct horse battery staple")?;
//! let made = portal.backup_wallet(Backup::Password(password)).await?;
//! // … the app stores `made.cipher_text` at its own backend, then:
//! made.confirm().await?;
//! # Ok(()) }
//! ```
//!
//! # What a caller can rely on
//!
//! Every operation may be called again after any failure: it finishes the interrupted run or
//! starts afresh. Nothing that this crate stored is ever deleted because of an answer of the
//! server. "Done" comes only after the last durable write.
//!
//! # Architecture invariant
//!
//! A share leaves this crate in two ways: sealed into the keychain, and encrypted in a cipher
//! text. No method returns one; `eject` alone returns what two of them add up to.

#![deny(clippy::indexing_slicing)]

mod ambient;
mod builder;
mod device;
mod error;
mod meter;
mod operation;
mod portal;
mod progress;
mod provider;
mod rest;
mod session;
#[cfg(feature = "simulation")]
pub mod simulated;
mod state;
mod transport;
mod trust;

pub use builder::PortalBuilder;
pub use error::Error;
pub use meter::Report;
pub use operation::{
    Backup, BackupChecked, BackupMade, Created, EjectedKeys, Recovered, SignedRaw, SignedRequest,
};
pub use portal::{Api, Portal};
pub use portal_api::sealed::{
    MalformedSealingKey, MalformedTicket, PinnedSealingKey, RecoveryTicket,
};
pub use portal_backup::{BackupStorage, FolderStorage, MemoryStorage, Password};
pub use portal_chains::{Addresses, ChainId, Signed};
pub use portal_keychain::{FileKeychain, Keychain, MemoryKeychain};
pub use portal_lifecycle::{BackupMethod, Curve, ErrorId};
pub use portal_mpc::{Ed25519, PrivateKey, Secp256k1};
pub use progress::{Progress, Status};
pub use provider::ProviderError;
pub use transport::{Frames, Transport, Unreachable, websocket_config};
