//! Messages that prove who owns an address, and must never be a transaction.

use super::version;
use crate::params::{self, Fields};
use crate::{ChainError, Ed25519Key, Signature, Signed, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use solana_message::VersionedMessage;

const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// A message for `sol_signMessage`: its bytes are signed as they are.
///
/// # Security
///
/// Solana signs transactions and messages alike, with no prefix to tell them
/// apart. So bytes that start with a valid transaction message of any version
/// are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    key: Ed25519Key,
    message: Vec<u8>,
}

impl Message {
    /// Reads `[text]`, text alone, or `{message, encoding}` with the encoding
    /// `utf8`, `hex` or `base64`; text that starts with `0x` is hex.
    ///
    /// # Errors
    ///
    /// `MSG_BUILD_FAILED` for what does not decode, or is a transaction.
    pub fn parse(params: &Value, key: &Ed25519Key) -> Result<Self, ChainError> {
        let message = decode(params::single(Subject::Message, params)?)?;
        params::at_most(
            Subject::Message,
            "message",
            message.len(),
            MAX_MESSAGE_BYTES,
        )?;
        refuse_transaction(&message)?;
        Ok(Self {
            key: key.clone(),
            message,
        })
    }

    /// The bytes to sign.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let bytes = self.message.len();
        match std::str::from_utf8(&self.message) {
            Ok(text) => format!("Solana message of {bytes} bytes: {}", params::quoted(text)),
            Err(_) => {
                let hex = hex::encode(&self.message);
                format!(
                    "Solana message of {bytes} bytes: 0x{}",
                    params::shortened(&hex)
                )
            }
        }
    }

    /// The signature.
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless the signature over [`Self::message`] is this wallet's.
    pub fn finish(&self, signature: &Signature) -> Result<Signed, ChainError> {
        self.key
            .verify(&self.message, signature)
            .map(|signature| Signed::SolanaMessage { signature })
    }
}

fn decode(value: &Value) -> Result<Vec<u8>, ChainError> {
    let subject = Subject::Message;
    if let Some(text) = value.as_str() {
        return params::text_or_hex("message", text, MAX_MESSAGE_BYTES);
    }
    let fields = Fields::read(subject, "params[0]", value, &["message", "encoding"])?;
    let message = fields.required("message", "give the message to sign")?;
    let text = params::text(subject, "message", message)?;
    let encoding = fields.required("encoding", "say utf8, hex or base64")?;
    match encoding.as_str() {
        Some("utf8") => Ok(text.as_bytes().to_vec()),
        Some("hex") => hex::decode(text.strip_prefix("0x").unwrap_or(text))
            .map_err(|_| fields.invalid("message", "hex", message)),
        Some("base64") => STANDARD
            .decode(text)
            .map_err(|_| fields.invalid("message", "padded base64", message)),
        _ => Err(fields.invalid("encoding", "utf8, hex or base64", encoding)),
    }
}

/// Also with bytes left over: whether trailing bytes are let through is a node's choice.
fn refuse_transaction(bytes: &[u8]) -> Result<(), ChainError> {
    match wincode::deserialize::<VersionedMessage>(bytes) {
        Ok(message) if message.sanitize().is_ok() => Err(ChainError::MessageIsTransaction {
            version: version(&message),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}
