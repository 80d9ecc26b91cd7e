//! Verification by implementations that did not sign: libsecp256k1 and ed25519-dalek, on bytes
//! that the chains' own crates have parsed back.

use alloy_consensus::{SignableTransaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, keccak256};
use anyhow::{Context as _, bail, ensure};
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

/// Parses a signed EIP-1559 transaction back and recovers its sender.
pub(super) fn eip1559_sender(raw: &str) -> anyhow::Result<String> {
    let bytes = hex::decode(raw.trim_start_matches("0x"))?;
    let envelope = TxEnvelope::decode_2718(&mut bytes.as_slice())
        .ok()
        .context("expected a signed transaction")?;
    let TxEnvelope::Eip1559(signed) = envelope else {
        bail!("expected an EIP-1559 transaction")
    };
    let signature = signed.signature();
    let (r, s) = (signature.r().to_be_bytes(), signature.s().to_be_bytes());
    recover(
        signed.tx().signature_hash().0,
        r,
        s,
        i32::from(signature.v()),
    )
}

/// Recovers who signed an EVM message's digest; `signature` is r, s, v in hex.
pub(super) fn message_signer(digest: [u8; 32], signature: &str) -> anyhow::Result<String> {
    let bytes = hex::decode(signature.trim_start_matches("0x"))?;
    let (Some(r), Some(s), Some(v)) = (
        bytes.first_chunk::<32>(),
        bytes.get(32..64).and_then(|s| s.first_chunk()),
        bytes.get(64),
    ) else {
        bail!("expected a signature of 65 bytes");
    };
    recover(digest, *r, *s, i32::from(*v) - 27)
}

/// Verifies an Ed25519 signature strictly, without cofactor.
pub(super) fn ed25519(key: [u8; 32], message: &[u8], signature: &[u8; 64]) -> anyhow::Result<()> {
    ed25519_dalek::VerifyingKey::from_bytes(&key)?
        .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
        .context("ed25519-dalek refuses the signature")
}

fn recover(digest: [u8; 32], r: [u8; 32], s: [u8; 32], id: i32) -> anyhow::Result<String> {
    let id = RecoveryId::try_from(id)?;
    let signature = RecoverableSignature::from_compact(&[r, s].concat(), id)?;
    let mut low = signature.to_standard();
    low.normalize_s();
    ensure!(
        low == signature.to_standard(),
        "expected a signature with low s"
    );
    let key = signature
        .recover_ecdsa(Message::from_digest(digest))?
        .serialize_uncompressed();
    let (_, coordinates) = key.split_first().context("a key has coordinates")?;
    let hash = keccak256(coordinates);
    let (_, address) = hash.split_at(12);
    Ok(Address::from_slice(address).to_checksum(None))
}
