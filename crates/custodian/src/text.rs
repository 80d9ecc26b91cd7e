//! Texts that were checked before they are stored, and their digest.

use core::fmt;

use portal_api::limits::CIPHER_TEXT_BYTES;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Largest text of a share, in bytes.
pub const SHARE_BYTES: usize = 8 * 1024;

/// A text that is empty or over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {limit} bytes, got {given}")]
pub struct TextLength {
    /// The most bytes there may be.
    pub limit: usize,
    /// How many there were.
    pub given: usize,
}

impl TextLength {
    const fn check(given: usize, limit: usize) -> Result<(), Self> {
        if given == 0 || given > limit {
            return Err(Self { limit, given });
        }
        Ok(())
    }
}

/// The text of a custodian backup share, opaque and secret; erased when dropped.
#[derive(Clone)]
pub struct ShareText(Zeroizing<String>);

impl ShareText {
    /// Takes a share's text over.
    ///
    /// # Errors
    ///
    /// [`TextLength`] for none, or for more than [`SHARE_BYTES`].
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self, TextLength> {
        let text = text.into();
        TextLength::check(text.len(), SHARE_BYTES)?;
        Ok(Self(text))
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

/// A cipher text as the user's device made it; this backend has no key to it.
#[derive(Clone, PartialEq, Eq)]
pub struct CipherText(String);

impl CipherText {
    /// Takes a cipher text over.
    ///
    /// # Errors
    ///
    /// [`TextLength`] for none, or for more than [`CIPHER_TEXT_BYTES`].
    pub fn new(text: String) -> Result<Self, TextLength> {
        TextLength::check(text.len(), CIPHER_TEXT_BYTES)?;
        Ok(Self(text))
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
