//! Accounts of every chain: whom a request pays, calls or names.

use std::fmt;
use std::str::FromStr;

use ::bitcoin::{Address as BitcoinAddress, Network, ScriptBuf};
use alloy_primitives::Address as EvmAddress;
use solana_address::Address as SolanaAddress;

use crate::BitcoinNetwork;

/// An account, whatever way its address was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// An EVM account or contract, on every EVM chain.
    Evm(EvmAddress),
    /// A Solana account, on every cluster.
    Solana([u8; 32]),
    /// What a Bitcoin output pays to, on every network.
    Bitcoin(ScriptBuf),
}

/// A text that is no address of any chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a 0x address with a right checksum or in one case, a Solana address, or a Bitcoin \
     address, got {found:?}"
)]
pub struct AccountError {
    /// What came, shortened.
    pub found: String,
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let error = || AccountError {
            found: crate::params::shortened(text),
        };
        if text.starts_with("0x") {
            return crate::evm::read_address(text)
                .map(Self::Evm)
                .map_err(|_| error());
        }
        if let Ok(address) = text.parse::<BitcoinAddress<_>>() {
            return Ok(Self::Bitcoin(address.assume_checked().script_pubkey()));
        }
        let address: SolanaAddress = text.parse().map_err(|_| error())?;
        Ok(Self::Solana(address.to_bytes()))
    }
}

impl Account {
    /// The address on a Bitcoin network; elsewhere the network makes no difference.
    pub(crate) fn shown(&self, network: BitcoinNetwork) -> String {
        match self {
            Self::Evm(address) => address.to_checksum(None),
            Self::Solana(bytes) => SolanaAddress::from(*bytes).to_string(),
            Self::Bitcoin(script) => {
                let network = match network {
                    BitcoinNetwork::Mainnet => Network::Bitcoin,
                    BitcoinNetwork::Testnet => Network::Testnet,
                };
                BitcoinAddress::from_script(script, network).map_or_else(
                    |_| format!("script {script:x}"),
                    |address| address.to_string(),
                )
            }
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(BitcoinNetwork::Mainnet))
    }
}
