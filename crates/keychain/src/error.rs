//! Why a keychain did not do what it was asked.

use std::io;
use std::path::PathBuf;

use portal_lifecycle::ErrorId;
use portal_seal::OpenError;

use crate::{EntryName, SECRET_BYTES, SelfTestStep};

/// What a keychain could not do, as a caller branches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Be reached at all: locked, denied, not mounted.
    Access,
    /// Read or list entries.
    Read,
    /// Write or delete an entry.
    Write,
}

impl Failed {
    const fn id(self) -> ErrorId {
        match self {
            Self::Access => ErrorId::KeychainUnavailable,
            Self::Read => ErrorId::KeychainReadFailed,
            Self::Write => ErrorId::KeychainWriteFailed,
        }
    }
}

/// A keychain did not do what it was asked. Never says anything of a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeychainError {
    /// The directory is missing, is no directory, or may not be used.
    #[error("the keychain's directory {} cannot be used: check that it is there, is a directory, and belongs to this user", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Other users of the machine may enter the directory.
    #[error("expected a directory that only its owner may enter (mode 700), got mode {mode:o}: run chmod 700 {}", directory.display())]
    DirectoryOpenToOthers {
        /// The directory.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The keychain was made with another key or passphrase.
    #[error("the keychain in {} was made with another key or passphrase: use that one, or another directory", directory.display())]
    WrongKey {
        /// The directory.
        directory: PathBuf,
    },
    /// The file by which a key is recognised is damaged.
    #[error("{} is damaged: restore it, or remove it to have it made anew for a key that opens an entry", path.display())]
    KeyCheckDamaged {
        /// The file.
        path: PathBuf,
        /// Why it does not open.
        source: OpenError,
    },
    /// A passphrase was asked for and none given.
    #[error("expected a passphrase, got an empty one")]
    PassphraseEmpty,
    /// The salt that goes with the passphrase is gone.
    #[error("{} is missing, but the keychain is in use: it was made with a key file, or the file must be restored", path.display())]
    SaltFileMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The salt file is not one that this version writes.
    #[error("{} is not a salt file that can be read ({problem}): restore it, or update this program", path.display())]
    SaltFileUnsupported {
        /// The file.
        path: PathBuf,
        /// What was expected.
        problem: &'static str,
    },
    /// Argon2id did not run, for want of memory.
    #[error("the key could not be derived from the passphrase: free {memory_kib} KiB of memory")]
    KeyDerivation {
        /// Memory that it takes, in KiB.
        memory_kib: u32,
    },
    /// The keychain did not prove itself.
    #[error("the keychain did not pass its self-test at the step: {step}; nothing was started")]
    SelfTest {
        /// The step that failed.
        step: SelfTestStep,
        /// What the keychain said; nothing where it gave a wrong answer.
        source: Option<Box<Self>>,
    },
    /// The runtime stopped before the operation did.
    #[error("the operation was interrupted because the program's runtime is stopping")]
    Interrupted {
        /// What it was.
        failed: Failed,
    },
    /// An entry could not be read.
    #[error("entry {entry} could not be read")]
    Read {
        /// The entry.
        entry: EntryName,
        /// What the operating system said.
        source: io::Error,
    },
    /// An entry does not open.
    #[error(
        "entry {entry} does not open: it was changed, moved from another entry, or sealed under another key; restore it or recover the wallet"
    )]
    Unsealing {
        /// The entry.
        entry: EntryName,
        /// Why.
        source: OpenError,
    },
    /// An entry holds more than any that was written here.
    #[error(
        "entry {entry} is larger than the {SECRET_BYTES} bytes that an entry may hold: it was not written by this keychain"
    )]
    EntryTooLarge {
        /// The entry.
        entry: EntryName,
    },
    /// The entries could not be listed.
    #[error("the entries in {} could not be listed", directory.display())]
    List {
        /// The directory.
        directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A secret is too large to be written.
    #[error(
        "expected a secret of at most {SECRET_BYTES} bytes for entry {entry}, got {given_bytes}"
    )]
    SecretTooLarge {
        /// The entry.
        entry: EntryName,
        /// Size of the secret, in bytes.
        given_bytes: usize,
    },
    /// An entry could not be written.
    #[error(
        "entry {entry} could not be written; the former secret is still there, unless the new one is"
    )]
    Write {
        /// The entry.
        entry: EntryName,
        /// What the operating system said.
        source: io::Error,
    },
    /// An entry could not be deleted.
    #[error("entry {entry} could not be deleted")]
    Delete {
        /// The entry.
        entry: EntryName,
        /// What the operating system said.
        source: io::Error,
    },
    /// A keychain outside this crate failed.
    #[error("the keychain failed: {problem}")]
    Backend {
        /// What it could not do.
        failed: Failed,
        /// Why, and what to do; it is shown and logged, so nothing secret.
        problem: String,
    },
}

impl KeychainError {
    /// Whether the entry is there and damaged for good: another try will read no more of it.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Unsealing { .. })
    }

    /// The id that callers branch on.
    #[must_use]
    pub const fn id(&self) -> ErrorId {
        match self {
            Self::Directory { .. }
            | Self::DirectoryOpenToOthers { .. }
            | Self::WrongKey { .. }
            | Self::KeyCheckDamaged { .. }
            | Self::PassphraseEmpty
            | Self::SaltFileMissing { .. }
            | Self::SaltFileUnsupported { .. }
            | Self::KeyDerivation { .. }
            | Self::SelfTest { .. } => Failed::Access.id(),
            Self::Read { .. }
            | Self::Unsealing { .. }
            | Self::EntryTooLarge { .. }
            | Self::List { .. } => Failed::Read.id(),
            Self::SecretTooLarge { .. } | Self::Write { .. } | Self::Delete { .. } => {
                Failed::Write.id()
            }
            Self::Interrupted { failed } | Self::Backend { failed, .. } => failed.id(),
        }
    }
}
