//! Authenticated encryption of small secrets, bound to where they belong.
//!
//! Everything that Portal keeps encrypted (a share in the server's database, in a
//! custodian's, in a device's keychain, in a backup's cipher text) is one [`seal`]:
//!
//! ```text
//! version (1 byte) ‖ nonce (24) ‖ commitment (32) ‖ cipher text ‖ tag (16)
//! ```
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2) under a key derived for this nonce by
//! HKDF-SHA256 (RFC 5869), with a commitment derived beside it. The commitment is
//! there because Poly1305 alone lets one cipher text open under several keys,
//! which turns a password into an oracle (Len, Grubbs, Ristenpart: "Partitioning
//! Oracle Attacks", USENIX Security 2021).
//!
//! The associated data names the place the secret belongs to (tenant, wallet,
//! pair, role): sealed bytes moved elsewhere do not open.
//!
//! ```
//! use portal_seal::{SealingKey, open, seal};
//! let key = SealingKey::generate(&mut rand::rng());
//! let sealed = seal(&key, b"row 7", b"a share", &mut rand::rng());
//! assert_eq!(open(&key, b"row 7", &sealed)?.expose(), b"a share");
//! assert!(open(&key, b"row 8", &sealed).is_err());
//! # Ok::<(), portal_seal::OpenError>(())
//! ```
//!
//! What is sealed to somebody else's public key is another thing: [`recipient`].
//!
//! # Architecture invariant
//!
//! Keys come in as arguments: where a key lies (a file, a KMS, a password) is not
//! known here.

#![deny(clippy::indexing_slicing)]

pub mod recipient;

use core::fmt;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// What sealing adds to a secret, in bytes.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + COMMITMENT_BYTES + TAG_BYTES;

/// A 256-bit key for [`seal`] and [`open`]; erased when dropped.
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// Draws a key.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(key.as_mut_slice());
        Self(key)
    }

    /// Takes a key from where it is kept.
    #[must_use]
    pub const fn from_bytes(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// The key itself, to store it; nothing else needs it.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Secret bytes: erased when dropped, compared in constant time, never printed.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes secret bytes over.
    #[must_use]
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves; say at the call why they are needed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// Why sealed bytes do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than the shortest seal.
    #[error("expected at least {OVERHEAD_BYTES} sealed bytes, got {given}: it was cut short")]
    TooShort {
        /// How many bytes there were.
        given: usize,
    },
    /// Of a version that this code does not know.
    #[error("expected sealed bytes of version {VERSION}, got version {given}")]
    UnknownVersion {
        /// The version byte.
        given: u8,
    },
    /// Sealed under another key.
    #[error("sealed under another key")]
    WrongKey,
    /// Changed since, or moved from the place it was sealed for.
    #[error("changed since it was sealed, or sealed for another place")]
    NotAuthentic,
}

/// Encrypts `secret` for the place that `associated_data` names.
pub fn seal(
    key: &SealingKey,
    associated_data: &[u8],
    secret: &[u8],
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let derived = Derived::new(key, &nonce);
    let mut buffer = Zeroizing::new(secret.to_vec());
    // The cipher refuses only secrets of 256 GiB and more, which `buffer` cannot be in practice;
    // an all-zero tag would not open, so even then nothing wrong is taken for right.
    let tag = derived
        .cipher
        .encrypt_inout_detached(
            &XNonce::from(nonce),
            associated_data,
            buffer.as_mut_slice().into(),
        )
        .unwrap_or_default();
    let mut sealed = Vec::with_capacity(OVERHEAD_BYTES.saturating_add(secret.len()));
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(derived.commitment.as_slice());
    sealed.extend_from_slice(&buffer);
    sealed.extend_from_slice(&tag);
    sealed
}

/// Decrypts what [`seal`] made for the same place.
///
/// # Errors
///
/// [`OpenError`]; nothing of the secret is given out then.
pub fn open(
    key: &SealingKey,
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, OpenError> {
    let too_short = OpenError::TooShort {
        given: sealed.len(),
    };
    let (version, rest) = sealed.split_first().ok_or(too_short)?;
    if *version != VERSION {
        return Err(OpenError::UnknownVersion { given: *version });
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(too_short)?;
    let (commitment, rest) = rest
        .split_first_chunk::<COMMITMENT_BYTES>()
        .ok_or(too_short)?;
    let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(too_short)?;
    let derived = Derived::new(key, nonce);
    if !bool::from(derived.commitment.as_slice().ct_eq(commitment)) {
        return Err(OpenError::WrongKey);
    }
    let mut secret = Zeroizing::new(body.to_vec());
    derived
        .cipher
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            associated_data,
            secret.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| OpenError::NotAuthentic)?;
    Ok(SecretBytes(secret))
}

/// The cipher for one nonce, and the commitment to its key.
struct Derived {
    cipher: XChaCha20Poly1305,
    commitment: Zeroizing<[u8; COMMITMENT_BYTES]>,
}

impl Derived {
    fn new(key: &SealingKey, nonce: &[u8; NONCE_BYTES]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(nonce), key.expose());
        let mut cipher_key = Zeroizing::new([0; 32]);
        let mut commitment = Zeroizing::new([0; COMMITMENT_BYTES]);
        // HKDF-Expand refuses only outputs over 255 blocks; these are one block each.
        let expanded = hkdf
            .expand(b"portal seal v1 key", cipher_key.as_mut_slice())
            .and(hkdf.expand(b"portal seal v1 commitment", commitment.as_mut_slice()));
        debug_assert!(expanded.is_ok(), "one block each");
        Self {
            cipher: XChaCha20Poly1305::new(&(*cipher_key).into()),
            commitment,
        }
    }
}
