//! Why a backup could not be made, kept or read.

use std::io;
use std::path::PathBuf;

use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_lifecycle::{BackupMethod, ErrorId};
use portal_seal::OpenError;

use crate::{InvalidKeyName, KEY_BYTES, KeyName, SelfTestStep};

/// A backup could not be made, kept or read. Never says anything of a password, key or share.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// No password.
    #[error("expected a password, got an empty one: ask the user for it")]
    PasswordEmpty,
    /// A key where only a password will do.
    #[error("a backup of method PASSWORD takes the user's password, not a stored key")]
    PasswordNeeded,

    /// Encrypting failed; no cipher text was handed out.
    #[error(
        "the backup shares could not be encrypted; nothing was handed out, run the backup again"
    )]
    Encrypt {
        /// Why.
        source: Box<Self>,
    },
    /// The shares do not fit into a cipher text.
    #[error("expected two shares of at most 65535 bytes each, got {given_bytes} bytes together")]
    SharesTooLarge {
        /// Size of both shares, in bytes.
        given_bytes: usize,
    },
    /// The trial decryption gave other shares.
    #[error("the trial decryption did not give the shares that were encrypted")]
    TrialDiffers,

    /// The sealed part does not open.
    #[error(
        "the cipher text does not open: the password or key is another, or the text was cut or changed"
    )]
    Decrypt {
        /// Why.
        source: OpenError,
    },
    /// A password where only a key will do.
    #[error(
        "this cipher text opens with the key {key_name} of the user's storage, not with a password"
    )]
    KeyNeeded {
        /// The key's name there.
        key_name: KeyName,
    },
    /// Argon2id did not run, for want of memory.
    #[error("the key could not be derived from the password: free {memory_kib} KiB of memory")]
    KeyDerivation {
        /// Memory that it takes, in KiB.
        memory_kib: u32,
    },
    /// What the storage holds under the name is not a key.
    #[error(
        "what the user's storage holds as {name} is not a backup key, or was cut or changed: restore the file, or use another recovery method"
    )]
    StoredKeyMalformed {
        /// The key's name.
        name: KeyName,
    },

    /// Not a cipher text.
    #[error(
        "expected portal-backup-v1.<base64url>.<base64url>: use the text that backup_wallet returned, whole"
    )]
    NotACipherText,
    /// A cipher text of a version that this code does not know.
    #[error("expected a cipher text of version 1, got version {given:?}: update the SDK")]
    UnknownVersion {
        /// The version, cut to 16 characters.
        given: String,
    },
    /// Longer than any cipher text.
    #[error("expected a cipher text of at most {CIPHER_TEXT_BYTES} bytes, got {given_bytes}")]
    TextTooLong {
        /// Its length, in bytes.
        given_bytes: usize,
    },
    /// The header is not one of this version.
    #[error(
        "the header of the cipher text is not one of version 1: use the text that backup_wallet returned, or update the SDK"
    )]
    HeaderMalformed {
        /// Where and why.
        source: serde_json::Error,
    },
    /// The header asks for a key derivation that is too weak, or too much work.
    #[error(
        "expected {parameter} of {lowest} to {highest} in the header of the cipher text, got {given}"
    )]
    KdfOutOfBounds {
        /// The parameter.
        parameter: &'static str,
        /// What the header asks for.
        given: u32,
        /// The least allowed.
        lowest: u32,
        /// The most allowed.
        highest: u32,
    },
    /// The header's salt is of another length.
    #[error("expected a salt of 16 bytes in the header of the cipher text, got {given_bytes}")]
    SaltLength {
        /// Its length, in bytes.
        given_bytes: usize,
    },
    /// The header names a key by what is no name.
    #[error("the header of the cipher text names no key")]
    KeyNameInvalid {
        /// What was expected.
        source: InvalidKeyName,
    },
    /// The header's method and key derivation contradict each other.
    #[error(
        "expected kdf argon2id for method PASSWORD and kdf none for every other, got the reverse for {method}"
    )]
    MethodContradictsKdf {
        /// The header's method.
        method: BackupMethod,
    },
    /// The text opened, to a payload of another version.
    #[error("expected a payload of version 1, got version {given}: update the SDK")]
    PayloadVersion {
        /// The version.
        given: u8,
    },
    /// The text opened, to something else than two shares.
    #[error(
        "the cipher text is authentic but holds no two shares: it was not made by backup_wallet"
    )]
    PayloadMalformed,

    /// The storage holds no such key.
    #[error(
        "the user's storage was reached and holds no key {name}: choose the account that the backup was made with"
    )]
    KeyNotFound {
        /// The key's name.
        name: KeyName,
    },
    /// The folder is missing, is no folder, or may not be used.
    #[error("the folder {} cannot be used: check that the drive is there and signed in", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key could not be read, written or deleted.
    #[error("key {name} could not be accessed in the user's storage: try again, or sign in to it")]
    Access {
        /// The key's name.
        name: KeyName,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key is too large.
    #[error("expected a key of at most {KEY_BYTES} bytes as {name}, got more")]
    KeyTooLarge {
        /// The key's name.
        name: KeyName,
    },
    /// Another key lies under the name.
    #[error(
        "the user's storage holds another key as {name}, and it may be the one of a backup in force: name each backup's key anew"
    )]
    KeyNameTaken {
        /// The name.
        name: KeyName,
    },
    /// A key did not read back as it was written.
    #[error("key {name} did not read back from the user's storage as it was written: try again")]
    ReadBackDiffers {
        /// The key's name.
        name: KeyName,
    },
    /// The storage did not prove itself.
    #[error(
        "the user's storage did not pass its self-test at the step: {step}; nothing was started"
    )]
    SelfTest {
        /// The step that failed.
        step: SelfTestStep,
        /// What the storage said; nothing where it gave a wrong answer.
        source: Option<Box<Self>>,
    },
    /// The runtime stopped before the operation did.
    #[error("the operation was interrupted because the program's runtime is stopping")]
    Interrupted,
    /// A storage outside this crate failed.
    #[error("the user's storage failed: {problem}")]
    Backend {
        /// Why, and what to do; it is shown and logged, so nothing secret.
        problem: String,
    },
}

impl BackupError {
    /// The id that callers branch on.
    #[must_use]
    pub const fn id(&self) -> ErrorId {
        match self {
            Self::PasswordEmpty | Self::PasswordNeeded => ErrorId::PasswordRequired,
            Self::Encrypt { .. } | Self::SharesTooLarge { .. } | Self::TrialDiffers => {
                ErrorId::EncryptFailed
            }
            Self::Decrypt { .. }
            | Self::KeyNeeded { .. }
            | Self::KeyDerivation { .. }
            | Self::StoredKeyMalformed { .. } => ErrorId::DecryptFailed,
            Self::NotACipherText
            | Self::UnknownVersion { .. }
            | Self::TextTooLong { .. }
            | Self::HeaderMalformed { .. }
            | Self::KdfOutOfBounds { .. }
            | Self::SaltLength { .. }
            | Self::KeyNameInvalid { .. }
            | Self::MethodContradictsKdf { .. }
            | Self::PayloadVersion { .. }
            | Self::PayloadMalformed => ErrorId::CipherTextUnsupported,
            Self::KeyNotFound { .. } => ErrorId::BackupKeyNotFound,
            Self::Folder { .. }
            | Self::Access { .. }
            | Self::KeyTooLarge { .. }
            | Self::KeyNameTaken { .. }
            | Self::ReadBackDiffers { .. }
            | Self::SelfTest { .. }
            | Self::Interrupted
            | Self::Backend { .. } => ErrorId::BackupStorageUnavailable,
        }
    }
}
