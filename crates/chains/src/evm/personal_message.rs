//! `personal_sign`: EIP-191, version 0x45.

use super::{account, expect_own_address, finish_message};
use crate::{ChainError, Secp256k1Key, Signature, Signed, Subject, params};
use alloy_primitives::eip191_hash_message;
use serde_json::Value;

const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// A message for `personal_sign` (EIP-191, "Version 0x45 (E)").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalMessage {
    key: Secp256k1Key,
    message: Vec<u8>,
}

impl PersonalMessage {
    /// Reads `[data, address]`, or `data` alone; data is `0x` hex or text.
    ///
    /// # Errors
    ///
    /// `MSG_BUILD_FAILED` for data that is neither, or another wallet's address.
    pub fn parse(params: &Value, key: &Secp256k1Key) -> Result<Self, ChainError> {
        let subject = Subject::Message;
        let (data, address) = match params.as_array().map(Vec::as_slice) {
            None => (params, None),
            Some([data]) => (data, None),
            Some([data, address]) => (data, Some(address)),
            Some(_) => {
                let expected = "[data, address], in this order";
                return Err(params::invalid(
                    subject,
                    "params",
                    expected,
                    &params::shown(params),
                ));
            }
        };
        if let Some(address) = address {
            expect_own_address(subject, "address", address, account(key))?;
        }
        let text = params::text(subject, "data", data)?;
        let message = params::text_or_hex("data", text, MAX_MESSAGE_BYTES)?;
        Ok(Self {
            key: key.clone(),
            message,
        })
    }

    /// The bytes of the message, before the EIP-191 prefix.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// keccak256("\x19Ethereum Signed Message:\n" ‖ length ‖ message).
    pub fn digest(&self) -> [u8; 32] {
        eip191_hash_message(&self.message).0
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let bytes = self.message.len();
        match std::str::from_utf8(&self.message) {
            Ok(text) => format!(
                "personal message of {bytes} bytes: {}",
                params::quoted(text)
            ),
            Err(_) => {
                let hex = hex::encode(&self.message);
                format!(
                    "personal message of {bytes} bytes: 0x{}",
                    params::shortened(&hex)
                )
            }
        }
    }

    /// r ‖ s ‖ v of a signature over [`Self::digest`].
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless the signature is this wallet's, with a low s.
    pub fn finish(&self, signature: &Signature) -> Result<Signed, ChainError> {
        finish_message(&self.key, &self.digest(), signature)
    }
}
