//! CAIP-2 chain ids, the curve each chain signs with, and their short names.

use crate::ChainError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A chain that wallets can sign for, in CAIP-2 form.
///
/// Parses `eip155:1`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`,
/// `bip122:000000000019d6689c085ae165831e93-p2wpkh` and the short names of
/// [`ChainId::aliases`]; prints the CAIP-2 form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainId(Reference);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Reference {
    Eip155(u64),
    Solana(String),
    Bip122(BitcoinNetwork),
}

/// The CAIP-2 namespace of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// EVM chains.
    Eip155,
    /// Solana clusters.
    Solana,
    /// Bitcoin networks.
    Bip122,
}

/// The curve that a chain's signatures are made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Curve {
    /// secp256k1, for ECDSA.
    #[serde(rename = "SECP256K1")]
    Secp256k1,
    /// edwards25519, for Ed25519.
    #[serde(rename = "ED25519")]
    Ed25519,
}

/// A Bitcoin network, spent from with P2WPKH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BitcoinNetwork {
    /// The main network: addresses start with `bc1`.
    Mainnet,
    /// Testnet 3: addresses start with `tb1`.
    Testnet,
}

const CAIP2: &str = "a CAIP-2 id such as eip155:1, solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp or \
    bip122:000000000019d6689c085ae165831e93-p2wpkh, or a short name such as ethereum";
const EIP155: &str = "eip155: followed by a decimal chain id from 1 to 9223372036854775771";
const SOLANA: &str = "solana: followed by the first 32 base58 characters of the genesis hash";
const BIP122: &str = "bip122:000000000019d6689c085ae165831e93-p2wpkh (mainnet) or \
    bip122:000000000933ea01ad0ee984209779ba-p2wpkh (testnet)";

/// EIP-2294: above this, v = 2 · chain id + 36 no longer fits in 64 bits.
const EIP155_MAX: u64 = u64::MAX / 2 - 36;
const SOLANA_REFERENCE_CHARS: usize = 32;

const ALIASES: [(&str, &str); 25] = [
    ("arbitrum", "eip155:42161"),
    ("arbitrum-sepolia", "eip155:421614"),
    ("avalanche", "eip155:43114"),
    ("avalanche-fuji", "eip155:43113"),
    ("base", "eip155:8453"),
    ("base-sepolia", "eip155:84532"),
    ("bitcoin", "bip122:000000000019d6689c085ae165831e93-p2wpkh"),
    (
        "bitcoin-testnet",
        "bip122:000000000933ea01ad0ee984209779ba-p2wpkh",
    ),
    ("bsc", "eip155:56"),
    ("bsc-testnet", "eip155:97"),
    ("celo", "eip155:42220"),
    ("ethereum", "eip155:1"),
    ("gnosis", "eip155:100"),
    ("holesky", "eip155:17000"),
    ("linea", "eip155:59144"),
    ("monad-testnet", "eip155:10143"),
    ("optimism", "eip155:10"),
    ("optimism-sepolia", "eip155:11155420"),
    ("polygon", "eip155:137"),
    ("polygon-amoy", "eip155:80002"),
    ("scroll", "eip155:534352"),
    ("sepolia", "eip155:11155111"),
    ("solana", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"),
    ("solana-devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"),
    ("solana-testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"),
];

impl ChainId {
    /// The EVM chain of this EIP-155 number.
    ///
    /// # Errors
    ///
    /// [`ChainError::ChainUnsupported`] for 0 and above the limit of EIP-2294.
    pub fn eip155(number: u64) -> Result<Self, ChainError> {
        if (1..=EIP155_MAX).contains(&number) {
            Ok(Self(Reference::Eip155(number)))
        } else {
            Err(unsupported(&format!("eip155:{number}"), EIP155))
        }
    }

    /// The Bitcoin network, spent from with P2WPKH.
    pub const fn bip122(network: BitcoinNetwork) -> Self {
        Self(Reference::Bip122(network))
    }

    /// The short names, each with the CAIP-2 id it stands for, in alphabetical order.
    pub const fn aliases() -> &'static [(&'static str, &'static str)] {
        &ALIASES
    }

    /// The CAIP-2 namespace.
    pub const fn namespace(&self) -> Namespace {
        match self.0 {
            Reference::Eip155(_) => Namespace::Eip155,
            Reference::Solana(_) => Namespace::Solana,
            Reference::Bip122(_) => Namespace::Bip122,
        }
    }

    /// The curve that this chain's signatures are made on.
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Reference::Eip155(_) | Reference::Bip122(_) => Curve::Secp256k1,
            Reference::Solana(_) => Curve::Ed25519,
        }
    }

    /// The EIP-155 number, if this is an EVM chain.
    pub const fn eip155_number(&self) -> Option<u64> {
        match self.0 {
            Reference::Eip155(number) => Some(number),
            Reference::Solana(_) | Reference::Bip122(_) => None,
        }
    }

    /// The network, if this is a Bitcoin one.
    pub const fn bitcoin_network(&self) -> Option<BitcoinNetwork> {
        match self.0 {
            Reference::Bip122(network) => Some(network),
            Reference::Eip155(_) | Reference::Solana(_) => None,
        }
    }
}

impl FromStr for ChainId {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        let caip2 = ALIASES
            .iter()
            .find(|(alias, _)| *alias == text)
            .map_or(text, |(_, id)| id);
        let (namespace, reference) = caip2
            .split_once(':')
            .ok_or_else(|| unsupported(text, CAIP2))?;
        match namespace {
            "eip155" => eip155_reference(reference)
                .and_then(|number| Self::eip155(number).ok())
                .ok_or_else(|| unsupported(text, EIP155)),
            "solana" if is_solana_reference(reference) => {
                Ok(Self(Reference::Solana(reference.to_owned())))
            }
            "solana" => Err(unsupported(text, SOLANA)),
            "bip122" => [BitcoinNetwork::Mainnet, BitcoinNetwork::Testnet]
                .into_iter()
                .find(|network| network.reference() == reference)
                .map(Self::bip122)
                .ok_or_else(|| unsupported(text, BIP122)),
            _ => Err(unsupported(text, CAIP2)),
        }
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reference::Eip155(number) => write!(f, "eip155:{number}"),
            Reference::Solana(reference) => write!(f, "solana:{reference}"),
            Reference::Bip122(network) => write!(f, "bip122:{}", network.reference()),
        }
    }
}

impl TryFrom<String> for ChainId {
    type Error = ChainError;

    fn try_from(text: String) -> Result<Self, ChainError> {
        text.parse()
    }
}

impl From<ChainId> for String {
    fn from(chain: ChainId) -> Self {
        chain.to_string()
    }
}

impl Namespace {
    /// The namespace as CAIP-2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eip155 => "eip155",
            Self::Solana => "solana",
            Self::Bip122 => "bip122",
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Curve {
    /// The curve's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secp256k1 => "SECP256K1",
            Self::Ed25519 => "ED25519",
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl BitcoinNetwork {
    /// The CAIP-2 reference (CAIP-4: the genesis block's hash), with the script type.
    const fn reference(self) -> &'static str {
        match self {
            Self::Mainnet => "000000000019d6689c085ae165831e93-p2wpkh",
            Self::Testnet => "000000000933ea01ad0ee984209779ba-p2wpkh",
        }
    }
}

/// One way to write each number: no sign, no leading zero.
fn eip155_reference(reference: &str) -> Option<u64> {
    let canonical =
        !reference.starts_with('0') && reference.bytes().all(|byte| byte.is_ascii_digit());
    canonical.then(|| reference.parse().ok()).flatten()
}

/// Any genesis hash, so that local validators and new clusters work unnamed.
fn is_solana_reference(reference: &str) -> bool {
    let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte);
    reference.len() == SOLANA_REFERENCE_CHARS && reference.bytes().all(base58)
}

fn unsupported(chain: &str, expected: &'static str) -> ChainError {
    ChainError::ChainUnsupported {
        chain: crate::params::shortened(chain),
        expected,
    }
}
