//! What the OpenAPI description says of a policy's texts.
//!
//! The server knows the chains' names and puts them in the place of what stands here.
#![allow(dead_code, reason = "described, never made")]

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Object, ObjectBuilder};

/// A chain: a CAIP-2 id or a short name.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String)]
pub(super) struct ChainName(String);

/// An EVM chain: a CAIP-2 id or a short name.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String)]
pub(super) struct EvmChainName(String);

/// A Solana cluster: a CAIP-2 id or a short name.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String)]
pub(super) struct SolanaChainName(String);

/// An EVM chain, or all chains of a kind.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String)]
pub(super) struct ChainRule(String);

/// An address of any chain: `0x` and 40 hex digits, which have the checksum of EIP-55 if they are
/// in both cases; base58 of 32 bytes (Solana); or a Bitcoin address, with its checksum.
#[derive(Serialize, ToSchema)]
#[schema(
    value_type = String,
    format = "account-address",
    pattern = "^(0x[0-9A-Fa-f]{40}|[0-9A-Za-z]{26,90})$"
)]
pub(super) struct AccountAddress(String);

/// `0x` and 40 hex digits, which have the checksum of EIP-55 if they are in both cases.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String, format = "evm-address", pattern = "^0x[0-9A-Fa-f]{40}$")]
pub(super) struct EvmAddress(String);

/// Base58 of 32 bytes.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String, format = "solana-address", pattern = "^[1-9A-HJ-NP-Za-km-z]{32,44}$")]
pub(super) struct SolanaAddress(String);

/// A decimal number below 2^256.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String, format = "uint256", pattern = "^[0-9]{1,78}$")]
pub(super) struct Amount(String);

/// The most that one request may take out of the wallet.
#[derive(Serialize, ToSchema)]
#[schema(as = ValueCap)]
#[serde(untagged)]
pub(super) enum ValueCap {
    /// Of a chain's own coin, with the fee.
    Coin(CoinCap),
    /// Of a token of an EVM chain.
    EvmToken(EvmTokenCap),
    /// Of a token of Solana.
    SolanaToken(SolanaTokenCap),
}

/// Of a chain's own coin, with the fee.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoinCap {
    /// The chain.
    chain: ChainName,
    /// None for the chain's own coin.
    #[schema(schema_with = null)]
    token: Option<()>,
    /// In the smallest unit: wei, lamport, satoshi.
    max: Amount,
}

/// Of a token of an EVM chain.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EvmTokenCap {
    /// The chain.
    chain: EvmChainName,
    /// Its contract.
    token: EvmAddress,
    /// In the smallest unit.
    max: Amount,
}

/// Of a token of Solana.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SolanaTokenCap {
    /// The cluster.
    chain: SolanaChainName,
    /// Its mint.
    token: SolanaAddress,
    /// In the smallest unit.
    max: Amount,
}

fn null() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).build()
}
