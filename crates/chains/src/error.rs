//! Everything that can be wrong with a request, a key or a signature.

use crate::Curve;

/// What was being built when an error came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A transaction: its errors are `TX_BUILD_FAILED`.
    Transaction,
    /// A message: its errors are `MSG_BUILD_FAILED`.
    Message,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transaction => "transaction",
            Self::Message => "message",
        })
    }
}

/// Why nothing was signed: what was expected, what came, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The chain id is malformed, or names a chain that this crate does not know.
    #[error("chain {chain:?} is not supported: expected {expected}")]
    ChainUnsupported {
        /// The chain as it came.
        chain: String,
        /// What would have been taken.
        expected: &'static str,
    },
    /// The method does not exist on this chain.
    #[error("method {method:?} is not supported on {chain}: call one of {supported}")]
    MethodUnsupported {
        /// The method as it came.
        method: String,
        /// The chain it was called on.
        chain: String,
        /// The methods that this chain has.
        supported: &'static str,
    },
    /// The public key is not one of the chain's curve.
    #[error("public key: expected {expected}, got {found}; pass the wallet's {curve} public key")]
    PublicKeyInvalid {
        /// The curve that the chain needs.
        curve: Curve,
        /// The encoding that is taken.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// A field that cannot be defaulted without asking a network is absent.
    #[error("{subject}: field `{field}` is missing: {action}")]
    FieldMissing {
        /// What was being built.
        subject: Subject,
        /// The absent field.
        field: &'static str,
        /// Where its value comes from.
        action: &'static str,
    },
    /// A field that is not part of the request: refused, since it would not be signed.
    #[error(
        "{subject}: field `{field}` is unknown and would not be signed: remove it, or use one of {known}"
    )]
    FieldUnknown {
        /// What was being built.
        subject: Subject,
        /// The field as it came.
        field: String,
        /// The fields that are understood.
        known: String,
    },
    /// A field whose value has the wrong shape or is out of range.
    #[error("{subject}: `{field}`: expected {expected}, got {found}")]
    FieldInvalid {
        /// What was being built.
        subject: Subject,
        /// The field, or the path to it.
        field: String,
        /// What would have been taken.
        expected: String,
        /// What came, shortened.
        found: String,
    },
    /// Two fields that contradict or exclude each other.
    #[error("{subject}: `{first}` and `{second}` cannot stand together: {action}")]
    FieldsConflict {
        /// What was being built.
        subject: Subject,
        /// One field.
        first: String,
        /// The other field.
        second: String,
        /// How to resolve it.
        action: &'static str,
    },
    /// The body is for another chain than the request.
    #[error(
        "{subject}: `{field}` is {found}, but the request is for chain {expected}: send it to the chain it was made for"
    )]
    ChainMismatch {
        /// What was being built.
        subject: Subject,
        /// The field that names the other chain.
        field: &'static str,
        /// The request's chain.
        expected: u64,
        /// The body's chain.
        found: String,
    },
    /// The body is for another signer than this wallet.
    #[error(
        "{subject}: `{field}` is {found}, but this wallet is {expected}: ask the wallet that owns it"
    )]
    SignerMismatch {
        /// What was being built.
        subject: Subject,
        /// The field that names the other signer.
        field: &'static str,
        /// This wallet's address.
        expected: String,
        /// Whom the body names.
        found: String,
    },
    /// A "message" whose signature would be a valid transaction signature.
    #[error(
        "message: expected bytes that no Solana node takes for a transaction, got a {version} transaction \
         message; its signature would move funds: use sol_signTransaction if a transaction is meant, \
         and distrust whoever asked if not"
    )]
    MessageIsTransaction {
        /// The version of the transaction message that the bytes parse as.
        version: &'static str,
    },
    /// The number of signatures is not the number of payloads.
    #[error("expected {expected} signature(s), one for each payload in order, got {found}")]
    SignatureCount {
        /// The number of payloads.
        expected: usize,
        /// The number of signatures.
        found: usize,
    },
    /// A signature of the other curve.
    #[error(
        "expected a {expected} signature, got a {found} one: sign with the key of this chain's curve"
    )]
    SignatureCurve {
        /// The chain's curve.
        expected: Curve,
        /// The signature's curve.
        found: Curve,
    },
    /// A signature whose numbers are out of range.
    #[error("signature {index}: expected {expected}, got {found}: sign again")]
    SignatureMalformed {
        /// Which signature, from 0.
        index: usize,
        /// What would have been taken.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// A signature with s above half the group order (BIP-62, EIP-2).
    #[error(
        "signature {index}: expected s in the lower half of the group order, got the upper half: negate s and flip the recovery id"
    )]
    SignatureHighS {
        /// Which signature, from 0.
        index: usize,
    },
    /// A signature by another key, or over other bytes.
    #[error(
        "signature {index}: expected one by {expected} over this payload, got one that does not verify: the signer used other bytes or another key"
    )]
    SignatureMismatch {
        /// Which signature, from 0.
        index: usize,
        /// The wallet's public key, in hex.
        expected: String,
    },
}

impl ChainError {
    /// The stable id that callers branch on (the error reference, "Chains").
    pub const fn id(&self) -> &'static str {
        match self {
            Self::ChainUnsupported { .. } => "CHAIN_UNSUPPORTED",
            Self::MethodUnsupported { .. } => "METHOD_UNSUPPORTED",
            Self::PublicKeyInvalid { .. } => "TX_BUILD_FAILED",
            Self::FieldMissing { subject, .. }
            | Self::FieldUnknown { subject, .. }
            | Self::FieldInvalid { subject, .. }
            | Self::FieldsConflict { subject, .. }
            | Self::ChainMismatch { subject, .. }
            | Self::SignerMismatch { subject, .. } => match subject {
                Subject::Transaction => "TX_BUILD_FAILED",
                Subject::Message => "MSG_BUILD_FAILED",
            },
            Self::MessageIsTransaction { .. } => "MSG_BUILD_FAILED",
            Self::SignatureCount { .. }
            | Self::SignatureCurve { .. }
            | Self::SignatureMalformed { .. }
            | Self::SignatureHighS { .. }
            | Self::SignatureMismatch { .. } => "SIGNATURE_REJECTED",
        }
    }
}
