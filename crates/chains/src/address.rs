//! The addresses of a wallet's two public keys.

use crate::{BitcoinNetwork, ChainError, Ed25519Key, Secp256k1Key, bitcoin, evm, solana};

/// A wallet's addresses on every chain family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The EIP-55 address, the same on every EVM chain.
    pub eip155: String,
    /// The base58 address, the same on every Solana cluster.
    pub solana: String,
    /// The P2WPKH address on Bitcoin's main network (BIP-84's script type, BIP-173).
    pub bip122_mainnet: String,
    /// The P2WPKH address on Bitcoin's testnet.
    pub bip122_testnet: String,
}

/// The addresses of a wallet, from its two public keys.
///
/// # Errors
///
/// [`ChainError::PublicKeyInvalid`] if either key is no usable point of its curve.
pub fn addresses(secp256k1: &[u8; 33], ed25519: &[u8; 32]) -> Result<Addresses, ChainError> {
    let secp256k1 = Secp256k1Key::parse(secp256k1)?;
    let ed25519 = Ed25519Key::parse(ed25519)?;
    Ok(Addresses {
        eip155: evm::address(&secp256k1),
        solana: solana::address(&ed25519),
        bip122_mainnet: bitcoin::address(&secp256k1, BitcoinNetwork::Mainnet),
        bip122_testnet: bitcoin::address(&secp256k1, BitcoinNetwork::Testnet),
    })
}
