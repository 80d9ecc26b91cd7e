//! Texts that were checked before they are stored, and their digest.

use core::fmt;

use portal_api::limits::CIPHER_TEXT_BYTES;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Largest text of a share, in bytes.
pub const SHARE_BYTES: usize = 8 * 1024;

/// A share's text that is empty or over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {SHARE_BYTES} bytes, got {given}")]
pub struct ShareTextLength {
    /// How many bytes there were.
    pub given: usize,
}

/// The text of a custodian backup share, opaque and secret; erased when dropped.
#[derive(Clone)]
pub struct ShareText(Zeroizing<String>);

impl ShareText {
    /// Takes a share's text over.
    ///
    /// # Errors
    ///
    /// [`ShareTextLength`] for none, or for more than [`SHARE_BYTES`].
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self, ShareTextLength> {
        let text = text.into();
        let given = text.len();
        if (1..=SHARE_BYTES).contains(&given) {
            Ok(Self(text))
        } else {
            Err(ShareTextLength { given })
        }
    }

    /// The text itself; say at the call why it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text: the receipt.
    ///
    /// # Security
    ///
    /// Not a secret: a share holds 256 bits that cannot be guessed, so nothing about it can be
    /// found out from its digest by trying.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for ShareText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareText(…)")
    }
}

/// A text that is no cipher text of whatever version. Portal's server draws the same line in managed
/// mode: not every database takes every character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {CIPHER_TEXT_BYTES} visible ASCII characters, got {given} bytes")]
pub struct NotACipherText {
    /// How many bytes there were.
    pub given: usize,
}

/// A cipher text as the user's device made it; this backend has no key to it.
#[derive(Clone, PartialEq, Eq)]
pub struct CipherText(String);

impl CipherText {
    /// Takes a cipher text over.
    ///
    /// # Errors
    ///
    /// [`NotACipherText`].
    pub fn new(text: String) -> Result<Self, NotACipherText> {
        let given = text.len();
        let is_text = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_text && (1..=CIPHER_TEXT_BYTES).contains(&given) {
            Ok(Self(text))
        } else {
            Err(NotACipherText { given })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for CipherText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CipherText({} bytes)", self.0.len())
    }
}

/// SHA-256 (FIPS 180-4 §6.2) of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Hashes bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}
