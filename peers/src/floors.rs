//! The floors: one key, one party, no protocol.
//!
//! Measured: one signature of a digest or a short message, and one verification, by `k256`
//! (pure Rust), `secp256k1` (libsecp256k1 in C) and `ed25519-dalek`, with keys and signatures
//! already decoded. Nonces are derived, not drawn (RFC 6979, RFC 8032). The `secp256k1` crate
//! blinds its context anew after each signature, and that is in the time.
//!
//! Left out: decoding. There is no wire and no second party.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use ed25519_dalek::Signer as _;
use k256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};

use crate::measure::{Contender, Meter, Operation, Party};
use crate::ours::MESSAGE;
use crate::{random, verify};

const RUNS: u32 = 3000;
const K256: &str = "floor: k256";
const LIBSECP256K1: &str = "floor: libsecp256k1";
const DALEK: &str = "floor: ed25519-dalek";

/// # Errors
///
/// If a key cannot be made.
pub(crate) fn sign_ecdsa() -> Result<[Contender; 2]> {
    let pure = pure_key()?;
    let point = pure.verifying_key().to_sec1_point(true);
    let c = secp256k1::SecretKey::from_secret_bytes(random::bytes())?;
    let c_point = secp256k1::PublicKey::from_secret_key(&c).serialize();
    let sign_pure = move |meter: &mut Meter| {
        let digest = random::bytes();
        let signature: k256::ecdsa::Signature = meter.time(Party::One, || {
            black_box(&pure).sign_prehash(black_box(&digest))
        })?;
        verify::ecdsa(point.as_bytes(), digest, &signature.to_bytes())
    };
    let sign_c = move |meter: &mut Meter| {
        let digest = random::bytes();
        let message = secp256k1::Message::from_digest(digest);
        let signature = meter.time(Party::One, || {
            secp256k1::ecdsa::sign(black_box(message), black_box(&c))
        });
        verify::ecdsa(&c_point, digest, &signature.serialize_compact())
    };
    Ok([
        Contender::new(Operation::SignEcdsa, K256, RUNS, sign_pure),
        Contender::new(Operation::SignEcdsa, LIBSECP256K1, RUNS, sign_c),
    ])
}

/// # Errors
///
/// If the key or the signature cannot be made.
pub(crate) fn verify_ecdsa() -> Result<[Contender; 2]> {
    let signing = pure_key()?;
    let digest = random::bytes();
    let signature: k256::ecdsa::Signature = signing.sign_prehash(&digest)?;
    let pure = *signing.verifying_key();
    let c = secp256k1::PublicKey::from_slice(pure.to_sec1_point(true).as_bytes())?;
    let c_signature = secp256k1::ecdsa::Signature::from_compact(&signature.to_bytes())?;
    let message = secp256k1::Message::from_digest(digest);
    let verify_pure = move |meter: &mut Meter| {
        meter.time(Party::One, || {
            black_box(&pure).verify_prehash(black_box(&digest), black_box(&signature))
        })?;
        Ok(())
    };
    let verify_c = move |meter: &mut Meter| {
        meter.time(Party::One, || {
            secp256k1::ecdsa::verify(black_box(&c_signature), black_box(message), black_box(&c))
        })?;
        Ok(())
    };
    Ok([
        Contender::new(Operation::VerifyEcdsa, K256, RUNS, verify_pure),
        Contender::new(Operation::VerifyEcdsa, LIBSECP256K1, RUNS, verify_c),
    ])
}

pub(crate) fn sign_ed25519() -> Contender {
    let key = ed25519_dalek::SigningKey::from_bytes(&random::bytes());
    Contender::new(Operation::SignEd25519, DALEK, RUNS, move |meter| {
        let signature = meter.time(Party::One, || black_box(&key).sign(black_box(MESSAGE)));
        let point = key.verifying_key().to_bytes();
        verify::ed25519(&point, MESSAGE, &signature.to_bytes())
    })
}

pub(crate) fn verify_ed25519() -> Contender {
    let key = ed25519_dalek::SigningKey::from_bytes(&random::bytes());
    let (signature, key) = (key.sign(MESSAGE), key.verifying_key());
    Contender::new(Operation::VerifyEd25519, DALEK, RUNS, move |meter| {
        meter.time(Party::One, || {
            black_box(&key).verify_strict(black_box(MESSAGE), black_box(&signature))
        })?;
        Ok(())
    })
}

fn pure_key() -> Result<k256::ecdsa::SigningKey> {
    k256::ecdsa::SigningKey::from_slice(&random::bytes()).context("not the bytes of a key")
}
