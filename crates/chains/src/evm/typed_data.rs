//! `eth_signTypedData_v4`: EIP-712.

use super::{account, expect_own_address, finish_message, type_limits, typed_json, typed_value};
use crate::{ChainError, Secp256k1Key, Signature, Signed, Subject, params};
use alloy_dyn_abi::DynSolValue;
use alloy_dyn_abi::eip712::{Eip712Types, TypedData as Eip712};
use alloy_primitives::{U256, keccak256};
use serde_json::{Map, Value, json};

const DOMAIN: &str = "EIP712Domain";

/// Typed structured data, hashed (EIP-712, "Specification of the eth_signTypedData JSON RPC").
#[derive(Clone, Debug, PartialEq)]
pub struct TypedData {
    key: Secp256k1Key,
    chain: u64,
    digest: [u8; 32],
    pub(super) data: Eip712,
    /// The type of the message, written out.
    encoded_type: String,
    /// The message as it is hashed.
    pub(super) value: DynSolValue,
}

/// No value of a message is unlike itself.
impl Eq for TypedData {}

impl TypedData {
    /// Reads `[address, data]`, or data alone; data is an object or its JSON text.
    ///
    /// # Errors
    ///
    /// `MSG_BUILD_FAILED` for another wallet's address, another chain's domain,
    /// types that do not fit the data, whatever is not signed (fields that no type
    /// declares) or read in several ways (a key twice, bytes as numbers), or a
    /// declared `EIP712Domain` that is not made of the domain's fields in the
    /// standard's order (wallets hash such data differently).
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
        let data = typed_json::read(data)?;
        check_chain(&data, chain)?;
        let types = Eip712Types::from(&data.resolver);
        type_limits::check(&types, &data.primary_type)?;
        check_domain(&data)?;
        // Then the message is not hashed at all.
        if data.primary_type == DOMAIN {
            let expected = "the type of a message";
            return Err(params::invalid(subject, "primaryType", expected, DOMAIN));
        }
        let unfit = |error: alloy_dyn_abi::Error| {
            let expected = "a message of the declared types";
            params::invalid(subject, "message", expected, &error.to_string())
        };
        let encoded_type = data.encode_type().map_err(unfit)?;
        let value = data.coerce().map_err(unfit)?;
        typed_value::check(&value, &data.message)?;
        type_limits::check_value(&types, &value)?;
        let message = data.resolver.eip712_data_word(&value).map_err(unfit)?;
        let separator = data.domain.separator();
        let signed = [&[0x19, 0x01], separator.as_slice(), message.as_slice()].concat();
        Ok(Self {
            key: key.clone(),
            chain,
            digest: keccak256(signed).0,
            data,
            encoded_type,
            value,
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
        let name = params::quoted(name);
        format!("typed data {primary_type} for {name}, {contract}, on {chain}")
    }

    /// Everything that is signed, in one spelling.
    pub(crate) fn reading(&self) -> Value {
        let domain = &self.data.domain;
        let contract = domain.verifying_contract;
        let parts = [
            ("name", domain.name.as_deref().map(str::to_owned)),
            ("version", domain.version.as_deref().map(str::to_owned)),
            ("chainId", domain.chain_id.map(|number| number.to_string())),
            (
                "verifyingContract",
                contract.map(|contract| contract.to_checksum(None)),
            ),
            ("salt", domain.salt.map(|salt| salt.to_string())),
        ];
        let domain: Map<_, _> = parts
            .into_iter()
            .filter_map(|(name, part)| Some((name.to_owned(), part?.into())))
            .collect();
        json!({
            "kind": "TYPED_DATA",
            "primaryType": self.data.primary_type,
            "encodedType": self.encoded_type,
            "domain": domain,
            "message": typed_value::json(&self.value),
        })
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
