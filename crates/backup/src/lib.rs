//! Where a user keeps the backup key, and the cipher text format.
//!
//! - [`CipherText`]: both curves' client backup shares, encrypted under a password or a key,
//!   in one printable text that describes itself
//! - [`BackupStorage`]: the user's own storage, where such a key lies ([`FolderStorage`],
//!   [`MemoryStorage`]); every backend passes one exported suite (feature `conformance`)
//!
//! ```
//! # use portal_backup::*;
//! # use portal_lifecycle::{Generation, PerCurve, ids::*};
//! # let id = |byte| uuid::Uuid::from_bytes([byte; 16]);
//! # let subject = BackupSubject {
//! #     client_id: ClientId(id(1)),
//! #     wallet_ids: PerCurve::new(WalletId(id(2)), WalletId(id(3))),
//! #     backup_share_pair_ids: PerCurve::new(BackupSharePairId(id(4)), BackupSharePairId(id(5))),
//! #     generation: Generation(1),
//! # };
//! # let share = |byte| SecretBytes::new(vec![byte; 32]);
//! let shares = PerCurve::new(share(1), share(2));
//! let password = Password::new("correct horse battery staple")?;
//! let text = CipherText::encrypt_with_password(&password, subject, &shares, &mut rand::rng())?;
//!
//! let stored = text.to_string(); // handed to the app
//! let text = CipherText::parse(&stored)?;
//! assert_eq!(text.header().subject, subject);
//! assert_eq!(text.decrypt_with_password(&password)?, shares);
//! # Ok::<(), BackupError>(())
//! ```
//!
//! # Architecture invariants
//!
//! A cipher text carries everything that is needed to open it but the password or key, and
//! none of it can be changed without the text failing to open.
//!
//! A storage is asked about one key by its name. "There is no such key" is an answer; "could
//! not find out" is an error, and no storage turns the second into the first.

#![deny(clippy::indexing_slicing)]

mod argon2id;
mod cipher_text;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod key_name;
mod password;
mod storage;

pub use argon2id::Argon2idParameters;
pub use cipher_text::{BackupSubject, CipherText, Header, KeySource};
pub use error::BackupError;
pub use key_name::{InvalidKeyName, KeyName, NAME_BYTES};
pub use password::Password;
pub use portal_seal::{SealingKey, SecretBytes};
pub use storage::{
    BackupStorage, FolderStorage, KEY_BYTES, MemoryStorage, PROBE_PREFIX, SelfTestStep, fetch_key,
    keep_key, parse_key, self_test,
};
