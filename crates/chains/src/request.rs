//! One entry for every chain and method.

use crate::{
    BitcoinNetwork, ChainError, ChainId, Curve, Ed25519Key, Namespace, Payload, Secp256k1Key,
    Signature, Signed, bitcoin, evm, solana,
};
use serde_json::Value;

/// A request that was checked, and says exactly what gets signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// `eth_signTransaction`, `eth_sendTransaction`.
    EvmTransaction(Box<evm::Transaction>),
    /// `personal_sign`.
    EvmPersonalMessage(Box<evm::PersonalMessage>),
    /// `eth_signTypedData_v4`.
    EvmTypedData(Box<evm::TypedData>),
    /// `sol_signTransaction`, `sol_signAndSendTransaction`, `sol_signAndConfirmTransaction`.
    SolanaTransaction(Box<solana::Transaction>),
    /// `sol_signMessage`.
    SolanaMessage(Box<solana::Message>),
    /// `btc_signTransaction`, `btc_sendTransaction`.
    BitcoinTransaction(Box<bitcoin::Transaction>),
}

impl Request {
    /// Reads a method's parameters for the wallet whose public key this is.
    ///
    /// Methods that also send are signed alike; sending is the caller's.
    ///
    /// # Errors
    ///
    /// `METHOD_UNSUPPORTED`, `TX_BUILD_FAILED` or `MSG_BUILD_FAILED`; see the
    /// `parse` of each request.
    pub fn parse(
        chain: &ChainId,
        method: &str,
        params: &Value,
        public_key: &[u8],
    ) -> Result<Self, ChainError> {
        if let Some(number) = chain.eip155_number() {
            return parse_evm(chain, number, method, params, public_key);
        }
        if let Some(network) = chain.bitcoin_network() {
            return match method {
                "btc_signTransaction" | "btc_sendTransaction" => {
                    let key = Secp256k1Key::parse(public_key)?;
                    let transaction = bitcoin::Transaction::parse(network, params, &key)?;
                    Ok(Self::BitcoinTransaction(Box::new(transaction)))
                }
                _ => Err(unsupported(chain, method)),
            };
        }
        match method {
            "sol_signTransaction"
            | "sol_signAndSendTransaction"
            | "sol_signAndConfirmTransaction" => {
                let key = Ed25519Key::parse(public_key)?;
                let transaction = solana::Transaction::parse(params, &key)?;
                Ok(Self::SolanaTransaction(Box::new(transaction)))
            }
            "sol_signMessage" => {
                let key = Ed25519Key::parse(public_key)?;
                Ok(Self::SolanaMessage(Box::new(solana::Message::parse(
                    params, &key,
                )?)))
            }
            _ => Err(unsupported(chain, method)),
        }
    }

    /// Whether what is signed for an EVM chain is good on that chain alone; none elsewhere.
    pub(crate) fn is_evm_of_one_chain(&self) -> Option<bool> {
        match self {
            Self::EvmTransaction(_) => Some(true),
            Self::EvmTypedData(request) => Some(request.names_its_chain()),
            Self::EvmPersonalMessage(_) => Some(false),
            Self::SolanaTransaction(_) | Self::SolanaMessage(_) | Self::BitcoinTransaction(_) => {
                None
            }
        }
    }

    /// On which network a Bitcoin address is shown.
    pub(crate) fn bitcoin_network(&self) -> BitcoinNetwork {
        match self {
            Self::BitcoinTransaction(request) => request.network(),
            _ => BitcoinNetwork::Mainnet,
        }
    }

    /// Whether it is a message: whatever it does, it does through whom it is shown to.
    pub(crate) const fn is_message(&self) -> bool {
        match self {
            Self::EvmTypedData(_) | Self::EvmPersonalMessage(_) | Self::SolanaMessage(_) => true,
            Self::EvmTransaction(_) | Self::SolanaTransaction(_) | Self::BitcoinTransaction(_) => {
                false
            }
        }
    }

    /// The curve of the key that must sign.
    pub const fn curve(&self) -> Curve {
        match self {
            Self::EvmTransaction(_)
            | Self::EvmPersonalMessage(_)
            | Self::EvmTypedData(_)
            | Self::BitcoinTransaction(_) => Curve::Secp256k1,
            Self::SolanaTransaction(_) | Self::SolanaMessage(_) => Curve::Ed25519,
        }
    }

    /// What to sign, in order: one payload, or one for each Bitcoin input.
    pub fn payloads(&self) -> Vec<Payload> {
        match self {
            Self::EvmTransaction(request) => vec![Payload::Digest(request.digest())],
            Self::EvmPersonalMessage(request) => vec![Payload::Digest(request.digest())],
            Self::EvmTypedData(request) => vec![Payload::Digest(request.digest())],
            Self::SolanaTransaction(request) => vec![Payload::Message(request.message())],
            Self::SolanaMessage(request) => vec![Payload::Message(request.message().to_vec())],
            Self::BitcoinTransaction(request) => request
                .digests()
                .iter()
                .copied()
                .map(Payload::Digest)
                .collect(),
        }
    }

    /// One line that says what a person is about to sign.
    pub fn summary(&self) -> String {
        match self {
            Self::EvmTransaction(request) => request.summary(),
            Self::EvmPersonalMessage(request) => request.summary(),
            Self::EvmTypedData(request) => request.summary(),
            Self::SolanaTransaction(request) => request.summary(),
            Self::SolanaMessage(request) => request.summary(),
            Self::BitcoinTransaction(request) => request.summary(),
        }
    }

    /// Puts the signatures, one for each of [`Self::payloads`] in order, where they belong.
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless every signature verifies against the
    /// wallet's public key, ECDSA ones with a low s.
    pub fn finish(&self, signatures: &[Signature]) -> Result<Signed, ChainError> {
        match self {
            Self::EvmTransaction(request) => request.finish(only(signatures)?),
            Self::EvmPersonalMessage(request) => request.finish(only(signatures)?),
            Self::EvmTypedData(request) => request.finish(only(signatures)?),
            Self::SolanaTransaction(request) => request.finish(only(signatures)?),
            Self::SolanaMessage(request) => request.finish(only(signatures)?),
            Self::BitcoinTransaction(request) => request.finish(signatures),
        }
    }
}

fn parse_evm(
    chain: &ChainId,
    number: u64,
    method: &str,
    params: &Value,
    public_key: &[u8],
) -> Result<Request, ChainError> {
    let key = || Secp256k1Key::parse(public_key);
    match method {
        "eth_signTransaction" | "eth_sendTransaction" => {
            let transaction = evm::Transaction::parse(number, params, &key()?)?;
            Ok(Request::EvmTransaction(Box::new(transaction)))
        }
        "personal_sign" => {
            let message = evm::PersonalMessage::parse(params, &key()?)?;
            Ok(Request::EvmPersonalMessage(Box::new(message)))
        }
        "eth_signTypedData_v4" => {
            let data = evm::TypedData::parse(number, params, &key()?)?;
            Ok(Request::EvmTypedData(Box::new(data)))
        }
        _ => Err(unsupported(chain, method)),
    }
}

fn only(signatures: &[Signature]) -> Result<&Signature, ChainError> {
    match signatures {
        [one] => Ok(one),
        many => Err(ChainError::SignatureCount {
            expected: 1,
            found: many.len(),
        }),
    }
}

fn unsupported(chain: &ChainId, method: &str) -> ChainError {
    ChainError::MethodUnsupported {
        method: crate::params::shortened(method),
        chain: chain.to_string(),
        supported: match chain.namespace() {
            Namespace::Eip155 => {
                "eth_signTransaction, eth_sendTransaction, personal_sign, eth_signTypedData_v4"
            }
            Namespace::Solana => {
                "sol_signTransaction, sol_signAndSendTransaction, sol_signAndConfirmTransaction, sol_signMessage"
            }
            Namespace::Bip122 => "btc_signTransaction, btc_sendTransaction",
        },
    }
}
