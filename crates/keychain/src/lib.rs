//! Where a device keeps its shares.
//!
//! [`Keychain`] is the port. Its backends stand beside it: [`FileKeychain`] (one sealed
//! file for each entry, for servers, desktops and the command line) and [`MemoryKeychain`]
//! (for tests). Every backend passes one exported suite (feature `conformance`), and every
//! operation that makes a share begins with a [`self_test()`].
//!
//! ```
//! use portal_keychain::{EntryName, FileKeychain, Keychain, SealingKey, SecretBytes, self_test};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let key = SealingKey::generate(&mut rand::rng());
//! let rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! let keychain = FileKeychain::open(&home.path().join("keychain"), key, rng)?;
//! self_test(&keychain, &[7; 32]).await?; // 32 fresh random bytes
//!
//! let entry = EntryName::parse("signing.secp256k1")?;
//! keychain.write(&entry, &SecretBytes::new(b"a share".to_vec())).await?;
//! assert_eq!(keychain.read(&entry).await?, Some(SecretBytes::new(b"a share".to_vec())));
//! # Ok(()) })}
//! ```
//!
//! # Architecture invariants
//!
//! An entry is an opaque secret under a name: which pair it belongs to, which is the active
//! one, and when an old one may go (E3, E7, E8) is decided by the caller. Nothing here
//! deletes an entry of its own accord.
//!
//! "There is no such entry" is an answer; "could not find out" is an error. No backend turns
//! the second into the first: a caller that believed it would make a new key over an old one.

#![deny(clippy::indexing_slicing)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod entry_name;
mod error;
mod file;
mod memory;
mod port;
mod self_test;

pub use entry_name::{EntryName, InvalidEntryName, NAME_BYTES};
pub use error::{Failed, KeychainError};
pub use file::FileKeychain;
pub use memory::MemoryKeychain;
pub use port::{Keychain, SECRET_BYTES};
pub use portal_seal::{SealingKey, SecretBytes};
pub use self_test::{PROBE_PREFIX, SelfTestStep, self_test};
