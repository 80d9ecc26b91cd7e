//! `eth_signTypedData_v4`: EIP-712.

use super::{account, expect_own_address, finish_message, type_limits};
use crate::{ChainError, Secp256k1Key, Signature, Signed, Subject, params};
use alloy_dyn_abi::eip712::{Eip712Types, TypedData as Eip712};
use alloy_primitives::U256;
use serde_json::Value;

const MAX_JSON_BYTES: usize = 128 * 1024;
const DOMAIN: &str = "EIP712Domain";

/// Typed structured data, hashed (EIP-712, "Specification of the eth_signTypedData JSON RPC").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedData {
    key: Secp256k1Key,
    chain: u64,
    digest: [u8; 32],
    pub(super) data: Eip712,
}

impl TypedData {
    /// Reads `[address, data]`, or data alone; data is an object or its JSON text.
    ///
    /// # Errors
    ///
    /// `MSG_BUILD_FAILED` for another wallet's address, another chain's domain,
    /// types that do not fit the data, or a declared `EIP712Domain` that is not
    /// made of the domain's fields in the standard's order (wallets hash such
    /// data differently).
    pub fn parse(chain: u64, params: &Value, key: &Secp256k1Key) -> Result<Self, ChainError> {
        let subject = Subject::Message;
        let (address, data) = match params.as_array().map(Vec::as_slice) {
            None => (None, params),
            Some([data]) => (None, data),
            Some([address, data]) => (Some(address), data),
            Some(_) => {
                let expected = "[address, typed data], in this order";
                return Err(params::invalid(
                    subject,
                    "params",
                    expected,
                    &params::shown(params),
                ));
            }
        };
        if let Some(address) = address {
            expect_own_address(subject, "address", address, account(key))?;
        }
        let data = read(data)?;
        check_chain(&data, chain)?;
        type_limits::check(&Eip712Types::from(&data.resolver), &data.primary_type)?;
        check_domain(&data)?;
        let digest = data.eip712_signing_hash().map_err(|error| {
            let expected = "a message of the declared types";
            params::invalid(subject, "message", expected, &error.to_string())
        })?;
        Ok(Self {
            key: key.clone(),
            chain,
            digest: digest.0,
            data,
        })
    }

    /// keccak256("\x19\x01" ‖ domainSeparator ‖ hashStruct(message)).
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Whether its domain names the chain: else it is good on every chain that has the contract.
    pub(crate) const fn names_its_chain(&self) -> bool {
        self.data.domain.chain_id.is_some()
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let domain = &self.data.domain;
        let name = domain.name.as_deref().unwrap_or("(no name)");
        let contract = domain.verifying_contract.map_or_else(
            || "no contract".to_owned(),
            |contract| format!("contract {contract}"),
        );
        let chain = match domain.chain_id {
            Some(_) => format!("eip155:{}", self.chain),
            None => "any chain".to_owned(),
        };
        let primary_type = params::shortened(&self.data.primary_type);
        format!(
            "typed data {primary_type} for \"{}\", {contract}, on {chain}",
            params::shortened(name)
        )
    }

    /// r ‖ s ‖ v of a signature over [`Self::digest`].
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless the signature is this wallet's, with a low s.
    pub fn finish(&self, signature: &Signature) -> Result<Signed, ChainError> {
        finish_message(&self.key, &self.digest, signature)
    }
}

fn read(value: &Value) -> Result<Eip712, ChainError> {
    let error = |error: serde_json::Error| {
        let expected = "EIP-712 typed data with types, primaryType, domain and message";
        params::invalid(Subject::Message, "typed data", expected, &error.to_string())
    };
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    params::at_most(Subject::Message, "typed data", text.len(), MAX_JSON_BYTES)?;
    // Through a value, which is never text again: the reader would unwrap that.
    let object: Value = serde_json::from_str(&text).map_err(error)?;
    if !object.is_object() {
        let expected = "an object, or its JSON text";
        return Err(params::invalid(
            Subject::Message,
            "typed data",
            expected,
            &params::shown(&object),
        ));
    }
    // The untagged reader says only "no variant matched", so name what is absent first.
    for field in ["types", "primaryType", "domain", "message"] {
        if object.get(field).is_none() {
            let action = "EIP-712 data has types, primaryType, domain and message";
            return Err(ChainError::FieldMissing {
                subject: Subject::Message,
                field,
                action,
            });
        }
    }
    serde_json::from_value(object).map_err(error)
}

/// EIP-712: "The user-agent should refuse signing if it does not match the currently active chain."
fn check_chain(data: &Eip712, chain: u64) -> Result<(), ChainError> {
    match data.domain.chain_id {
        Some(found) if found != U256::from(chain) => Err(ChainError::ChainMismatch {
            subject: Subject::Message,
            field: "domain.chainId",
            expected: chain,
            found: found.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The domain separator is made from the domain's fields, in the standard's
/// order; a contract that declares others would not find its own digest.
fn check_domain(data: &Eip712) -> Result<(), ChainError> {
    let expected = data.domain.encode_type();
    let declared = data
        .resolver
        .contains_type_name(DOMAIN)
        .then(|| data.resolver.encode_type(DOMAIN).ok())
        .flatten();
    if declared.as_ref() == Some(&expected) {
        return Ok(());
    }
    let expected = format!("the type of the domain's own fields, {expected}");
    let found = declared.unwrap_or_else(|| "none".to_owned());
    Err(params::invalid(
        Subject::Message,
        "types.EIP712Domain",
        &expected,
        &found,
    ))
}
