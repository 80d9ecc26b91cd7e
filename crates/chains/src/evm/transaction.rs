//! Transactions from the JSON of `eth_signTransaction`: EIP-1559 and, with a gas price, EIP-155.

use super::fields::{
    access_list, call_data, conflict, gas_limit, optional_quantity, recipient, required_quantity,
};
use super::{account, expect_own_address};
use crate::params::{self, Fields};
use crate::{ChainError, Secp256k1Key, Signature, Signed, Subject};
use alloy_consensus::{Transaction as _, TxEip1559, TxLegacy, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{TxKind, U256, utils::format_ether};
use serde_json::{Value, json};

const FIELDS: [&str; 14] = [
    "from",
    "to",
    "value",
    "data",
    "input",
    "gas",
    "gasLimit",
    "nonce",
    "chainId",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "accessList",
    "gasPrice",
    "type",
];
const FEE_MARKET: [&str; 3] = ["maxFeePerGas", "maxPriorityFeePerGas", "accessList"];

/// An unsigned transaction of this wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    key: Secp256k1Key,
    chain: u64,
    pub(super) unsigned: TypedTransaction,
}

impl Transaction {
    /// Reads `[transaction]`, or the transaction object alone.
    ///
    /// It is an EIP-155 legacy transaction if it has a `gasPrice` or the type
    /// `0x0`, else one of EIP-1559.
    ///
    /// # Errors
    ///
    /// `TX_BUILD_FAILED` for a field that is missing, unknown, out of range, or
    /// in contradiction to another, the chain, or the wallet.
    pub fn parse(chain: u64, params: &Value, key: &Secp256k1Key) -> Result<Self, ChainError> {
        let subject = Subject::Transaction;
        let body = params::single(subject, params)?;
        let fields = Fields::read(subject, "params[0]", body, &FIELDS)?;
        // An empty `from` is what some clients send for "mine".
        if let Some(from) = fields
            .optional("from")
            .filter(|from| from.as_str() != Some(""))
        {
            expect_own_address(subject, "from", from, account(key))?;
        }
        check_chain(&fields, chain)?;
        let unsigned = if is_legacy(&fields)? {
            TypedTransaction::Legacy(legacy(&fields, chain)?)
        } else {
            TypedTransaction::Eip1559(fee_market(&fields, chain)?)
        };
        Ok(Self {
            key: key.clone(),
            chain,
            unsigned,
        })
    }

    /// keccak256 of the unsigned transaction's signing form.
    pub fn digest(&self) -> [u8; 32] {
        use alloy_consensus::SignableTransaction;
        match &self.unsigned {
            TypedTransaction::Legacy(legacy) => legacy.signature_hash().0,
            TypedTransaction::Eip1559(fee_market) => fee_market.signature_hash().0,
            other => other.signature_hash().0,
        }
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let transaction = &self.unsigned;
        let fee = coins(self.fee());
        let (chain, value) = (self.chain, coins(transaction.value()));
        let data = transaction.input();
        let what = match (transaction.kind(), data.get(..4)) {
            (TxKind::Create, _) => {
                format!(
                    "create a contract from {} bytes of code with {value} coins",
                    data.len()
                )
            }
            (TxKind::Call(to), None) if data.is_empty() => format!("send {value} coins to {to}"),
            (TxKind::Call(to), None) => {
                format!("send {value} coins and 0x{} to {to}", hex::encode(data))
            }
            (TxKind::Call(to), Some(selector)) => {
                let (selector, bytes) = (hex::encode(selector), data.len());
                format!("call 0x{selector} of {to} with {bytes} bytes of data and {value} coins")
            }
        };
        let nonce = transaction.nonce();
        format!("eip155:{chain} transaction {nonce}: {what}; fee at most {fee}")
    }

    /// What it costs at most, in wei.
    pub(super) fn fee(&self) -> U256 {
        let price = U256::from(self.unsigned.max_fee_per_gas());
        price.saturating_mul(U256::from(self.unsigned.gas_limit()))
    }

    /// Everything that is signed, in one spelling.
    pub(crate) fn reading(&self) -> Value {
        let transaction = &self.unsigned;
        let to = match transaction.kind() {
            TxKind::Call(to) => Some(to.to_checksum(None)),
            TxKind::Create => None,
        };
        let listed = transaction.access_list().into_iter();
        let listed = listed.flat_map(|list| &list.0).map(|item| {
            let keys: Vec<_> = item.storage_keys.iter().map(ToString::to_string).collect();
            json!({ "address": item.address.to_checksum(None), "storageKeys": keys })
        });
        let tip = transaction.max_priority_fee_per_gas();
        json!({
            "kind": "EVM_TRANSACTION",
            "chainId": self.chain.to_string(),
            "from": account(&self.key).to_checksum(None),
            "to": to,
            "value": transaction.value().to_string(),
            "data": format!("0x{}", hex::encode(transaction.input())),
            "nonce": transaction.nonce().to_string(),
            "gas": transaction.gas_limit().to_string(),
            "maxFeePerGas": transaction.max_fee_per_gas().to_string(),
            "maxPriorityFeePerGas": tip.map(|tip| tip.to_string()),
            "accessList": listed.collect::<Vec<_>>(),
            "fee": self.fee().to_string(),
        })
    }

    /// The raw signed transaction and its hash.
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless the signature over [`Self::digest`] is this
    /// wallet's, with a low s.
    pub fn finish(&self, signature: &Signature) -> Result<Signed, ChainError> {
        let verified = self.key.verify(0, &self.digest(), signature)?;
        let (r, s) = verified.scalars();
        let signature = alloy_primitives::Signature::new(
            U256::from_be_bytes(r),
            U256::from_be_bytes(s),
            verified.y_is_odd,
        );
        let envelope = self.unsigned.clone().into_envelope(signature);
        Ok(Signed::EvmTransaction {
            raw: envelope.encoded_2718(),
            hash: envelope.tx_hash().0,
        })
    }
}

/// EIP-155's purpose: what was made for one chain is not signed for another.
fn check_chain(fields: &Fields<'_>, chain: u64) -> Result<(), ChainError> {
    let Some(found) = optional_quantity::<U256>(fields, "chainId")? else {
        return Ok(());
    };
    if found == U256::from(chain) {
        return Ok(());
    }
    Err(ChainError::ChainMismatch {
        subject: fields.subject,
        field: "chainId",
        expected: chain,
        found: found.to_string(),
    })
}

/// Whether the transaction is a legacy one; refuses a mixture of both kinds of fee.
fn is_legacy(fields: &Fields<'_>) -> Result<bool, ChainError> {
    let has_price = fields.optional("gasPrice").is_some();
    let legacy = match optional_quantity::<u64>(fields, "type")? {
        None => has_price,
        Some(0) => true,
        Some(2) => false,
        Some(other) => {
            let expected = "0x0 (legacy) or 0x2 (EIP-1559)";
            return Err(fields.invalid("type", expected, &format!("{other:#x}").into()));
        }
    };
    if has_price && !legacy {
        return Err(conflict(
            "gasPrice",
            "type",
            "an EIP-1559 transaction has no gasPrice: remove one",
        ));
    }
    let fee_market = FEE_MARKET
        .into_iter()
        .find(|field| fields.optional(field).is_some());
    match fee_market.filter(|_| legacy) {
        None => Ok(legacy),
        Some(field) => Err(conflict(
            if has_price { "gasPrice" } else { "type" },
            field,
            "they belong to different transaction types: send gasPrice alone, or the EIP-1559 fields alone",
        )),
    }
}

fn legacy(fields: &Fields<'_>, chain: u64) -> Result<TxLegacy, ChainError> {
    let input = call_data(fields)?;
    Ok(TxLegacy {
        chain_id: Some(chain),
        nonce: nonce(fields)?,
        gas_price: required_quantity(fields, "gasPrice", "take it from eth_gasPrice")?,
        gas_limit: gas_limit(fields)?,
        to: recipient(fields, &input)?,
        value: optional_quantity(fields, "value")?.unwrap_or_default(),
        input: input.into(),
    })
}

fn fee_market(fields: &Fields<'_>, chain: u64) -> Result<TxEip1559, ChainError> {
    let input = call_data(fields)?;
    let action = "take it from eth_feeHistory (or give gasPrice for a legacy transaction)";
    let max_fee_per_gas: u128 = required_quantity(fields, "maxFeePerGas", action)?;
    let action = "take it from eth_maxPriorityFeePerGas";
    let max_priority_fee_per_gas: u128 = required_quantity(fields, "maxPriorityFeePerGas", action)?;
    if max_priority_fee_per_gas > max_fee_per_gas {
        let action =
            "the tip is part of the fee, so every node refuses more tip than fee: lower the tip";
        return Err(conflict("maxPriorityFeePerGas", "maxFeePerGas", action));
    }
    Ok(TxEip1559 {
        chain_id: chain,
        nonce: nonce(fields)?,
        gas_limit: gas_limit(fields)?,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to: recipient(fields, &input)?,
        value: optional_quantity(fields, "value")?.unwrap_or_default(),
        access_list: access_list(fields)?,
        input: input.into(),
    })
}

fn nonce(fields: &Fields<'_>) -> Result<u64, ChainError> {
    let action = "take it from eth_getTransactionCount with the block tag \"pending\"";
    required_quantity(fields, "nonce", action)
}

/// An amount of the chain's own coin, which has 18 decimals.
fn coins(wei: U256) -> String {
    let text = format_ether(wei);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
