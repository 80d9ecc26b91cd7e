//! Rules that a custodian sets for what its clients' wallets sign.
//!
//! `PUT` and `GET /api/v3/custodians/me/signing-policy` for all clients of the environment,
//! `…/custodians/me/clients/{id}/signing-policy` for one of them. Where both are set, both hold.

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
mod schema;

/// Most entries in one list of a policy.
pub const POLICY_ENTRIES: usize = 500;

/// What wallets may sign. A list that is absent allows everything; an empty one nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SigningPolicy {
    /// Whether bytes may be signed that nobody can read: a digest, or a message, without the
    /// request that it was made from. None of the other rules can hold those.
    pub raw_signing: bool,
    /// Whether messages may be signed that the rules on chains, recipients and values cannot see
    /// through: typed data, such as a permit, and bytes that are no text. Where there is no such
    /// rule, nothing needs to be seen.
    pub trust_messages: bool,
    /// Whether each request is shown to the custodian's backend first (`POST {base}/sign/approve`).
    pub approval: Approval,
    /// Methods that may be signed, such as `eth_sendTransaction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_items = 500))]
    pub methods: Option<Vec<String>>,
    /// Chains on which may be signed: CAIP-2 ids or short names of EVM chains, and `eip155:*`,
    /// `solana:*`, `bip122:*` for all of a kind. A Solana cluster or a Bitcoin network cannot be
    /// told from the others of its kind by what is signed for it, so none can be listed alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<schema::ChainRule>>, max_items = 500))]
    pub chains: Option<Vec<String>>,
    /// Addresses that may be paid, called, or let spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<schema::AccountAddress>>, max_items = 500))]
    pub recipients: Option<Vec<String>>,
    /// The most that one request may take out of the wallet. Of several for one asset, the least.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<schema::ValueCap>, max_items = 500))]
    pub value_caps: Vec<ValueCap>,
    /// Addresses that may not stand anywhere in a request, its call data included.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<schema::AccountAddress>, max_items = 500))]
    pub blocklist: Vec<String>,
}

/// Who is asked before a signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Approval {
    /// Nobody.
    #[default]
    None,
    /// The custodian's backend.
    Webhook,
}

/// The most that one request may take out of the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueCap {
    /// The chain: CAIP-2 id or short name.
    pub chain: String,
    /// Contract or mint of a token; absent for the chain's own coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Decimal number of the asset's smallest unit: wei, lamport, satoshi. Of the chain's own
    /// coin with the fee.
    pub max: String,
}
