//! What goes out to be signed, what comes back, and what it becomes.

use crate::Curve;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes that the signing protocol is run over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A digest for ECDSA over secp256k1: signed as it is, not hashed again.
    Digest([u8; 32]),
    /// A message for Ed25519, which does its own hashing.
    Message(Vec<u8>),
}

/// A signature as the signing protocol hands it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// ECDSA over secp256k1.
    Secp256k1 {
        /// r, big-endian.
        r: [u8; 32],
        /// s, big-endian, in the lower half of the group order.
        s: [u8; 32],
        /// The parity of R's y coordinate: 0 or 1.
        recovery_id: u8,
    },
    /// Ed25519: R ‖ S (RFC 8032 §5.1.6).
    Ed25519([u8; 64]),
}

/// A verified signature in the form that its chain takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// A signed EVM transaction (EIP-2718).
    EvmTransaction {
        /// The bytes for `eth_sendRawTransaction`.
        raw: Vec<u8>,
        /// The transaction hash.
        hash: [u8; 32],
    },
    /// A signature over an EIP-191 or EIP-712 message.
    EvmMessage {
        /// r ‖ s ‖ v, v = 27 or 28.
        signature: [u8; 65],
    },
    /// A Solana transaction with this wallet's signature in its slot.
    SolanaTransaction {
        /// The serialised transaction; other signers' slots are as they came.
        raw: Vec<u8>,
        /// This wallet's signature.
        signature: [u8; 64],
    },
    /// A signature over a Solana message.
    SolanaMessage {
        /// R ‖ S.
        signature: [u8; 64],
    },
    /// A Bitcoin transaction with this wallet's witnesses (BIP-144).
    BitcoinTransaction {
        /// The serialised transaction; other inputs are as they came.
        raw: Vec<u8>,
        /// The transaction id, as explorers show it.
        txid: String,
    },
}

impl Payload {
    /// The bytes, whichever kind they are.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Digest(digest) => digest,
            Self::Message(message) => message,
        }
    }
}

impl Signature {
    /// The curve that this signature was made on.
    pub const fn curve(&self) -> Curve {
        match self {
            Self::Secp256k1 { .. } => Curve::Secp256k1,
            Self::Ed25519(_) => Curve::Ed25519,
        }
    }
}

impl Signed {
    /// The string that the method answers with and that nodes take.
    ///
    /// `0x` hex on EVM chains; base64 for a Solana transaction, base58 for a
    /// Solana signature; hex for a Bitcoin transaction.
    pub fn encoded(&self) -> String {
        match self {
            Self::EvmTransaction { raw, .. } => format!("0x{}", hex::encode(raw)),
            Self::EvmMessage { signature } => format!("0x{}", hex::encode(signature)),
            Self::SolanaTransaction { raw, .. } => STANDARD.encode(raw),
            Self::SolanaMessage { signature } => {
                solana_signature::Signature::from(*signature).to_string()
            }
            Self::BitcoinTransaction { raw, .. } => hex::encode(raw),
        }
    }

    /// The transaction's id in explorers; on Solana, the signature itself. `None` for a message.
    ///
    /// On Solana it is this wallet's signature, which names the transaction only
    /// where this wallet pays the fee.
    pub fn transaction_id(&self) -> Option<String> {
        match self {
            Self::EvmTransaction { hash, .. } => Some(format!("0x{}", hex::encode(hash))),
            Self::SolanaTransaction { signature, .. } => {
                Some(solana_signature::Signature::from(*signature).to_string())
            }
            Self::BitcoinTransaction { txid, .. } => Some(txid.clone()),
            Self::EvmMessage { .. } | Self::SolanaMessage { .. } => None,
        }
    }
}
