//! EVM chains: addresses (EIP-55), transactions (EIP-1559, EIP-155), messages (EIP-191, EIP-712).

mod effects;
mod fields;
mod personal_message;
mod transaction;
mod type_limits;
mod typed_data;
mod typed_json;
mod typed_value;

pub use personal_message::PersonalMessage;
pub use transaction::Transaction;
pub use typed_data::TypedData;

use crate::key::VerifiedEcdsa;
use crate::{ChainError, Secp256k1Key, Signature, Signed, Subject, params};
use alloy_primitives::Address;
use serde_json::Value;

/// The checksummed address of a public key (EIP-55; yellow paper, appendix F).
pub fn address(key: &Secp256k1Key) -> String {
    account(key).to_checksum(None)
}

pub(crate) fn account(key: &Secp256k1Key) -> Address {
    Address::from_raw_public_key(&key.coordinates())
}

/// An address in hex: of one case, or of mixed case with a right checksum (EIP-55).
fn parse_address(subject: Subject, field: &str, value: &Value) -> Result<Address, ChainError> {
    let text = params::text(subject, field, value)?;
    read_address(text).map_err(|expected| params::invalid(subject, field, expected, text))
}

/// The same from text; an error is what was expected.
pub(crate) fn read_address(text: &str) -> Result<Address, &'static str> {
    let expected = "a 0x address of 20 bytes";
    let digits = text.strip_prefix("0x").ok_or(expected)?;
    let address: Address = text.parse().map_err(|_| expected)?;
    let mixed_case = digits.contains(|c: char| c.is_ascii_lowercase())
        && digits.contains(|c: char| c.is_ascii_uppercase());
    if mixed_case && address.to_checksum(None) != text {
        return Err("an address whose EIP-55 checksum is right (check every digit)");
    }
    Ok(address)
}

/// Refuses an address that is not this wallet's.
fn expect_own_address(
    subject: Subject,
    field: &'static str,
    value: &Value,
    own: Address,
) -> Result<(), ChainError> {
    let found = parse_address(subject, field, value)?;
    if found == own {
        return Ok(());
    }
    let (expected, found) = (own.to_checksum(None), found.to_checksum(None));
    Err(ChainError::SignerMismatch {
        subject,
        field,
        expected,
        found,
    })
}

/// r ‖ s ‖ v with v = 27 + parity, as `ecrecover` takes it (yellow paper, appendix F).
fn finish_message(
    key: &Secp256k1Key,
    digest: &[u8; 32],
    signature: &Signature,
) -> Result<Signed, ChainError> {
    let verified = key.verify(0, digest, signature)?;
    Ok(Signed::EvmMessage {
        signature: recoverable(&verified),
    })
}

fn recoverable(verified: &VerifiedEcdsa) -> [u8; 65] {
    let (r, s) = verified.scalars();
    let mut bytes = [0; 65];
    let v = [27 + u8::from(verified.y_is_odd)];
    let parts = r.iter().chain(&s).chain(&v);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(slot, byte)| *slot = *byte);
    bytes
}
