//! Whether a signature is what it should be, said by implementations that did not make it.
//!
//! Called after each measured run, outside the time that is measured.

use anyhow::{Context as _, Result};

/// Checks `r ‖ s` with libsecp256k1.
///
/// # Errors
///
/// If it is no signature of `digest` by `key`, a point of SEC 1.
pub(crate) fn ecdsa(key: &[u8], digest: [u8; 32], r_and_s: &[u8]) -> Result<()> {
    let key = secp256k1::PublicKey::from_slice(key)?;
    let mut signature = secp256k1::ecdsa::Signature::from_compact(r_and_s)?;
    // libsecp256k1 takes the lower s alone; who made the other is no worse for it.
    signature.normalize_s();
    let message = secp256k1::Message::from_digest(digest);
    secp256k1::ecdsa::verify(&signature, message, &key)
        .context("libsecp256k1 refuses the ECDSA signature")
}

/// Checks `R ‖ s` with ed25519-dalek.
///
/// # Errors
///
/// If it is no signature of `message` by `key`.
pub(crate) fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Result<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into()?)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.try_into()?);
    key.verify_strict(message, &signature)
        .context("ed25519-dalek refuses the Ed25519 signature")
}
