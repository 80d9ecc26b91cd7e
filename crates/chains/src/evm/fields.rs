//! The values of an EVM transaction's JSON fields (execution-apis, "Encoding").

use super::parse_address;
use crate::params::{self, Fields};
use crate::{ChainError, Subject};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{B256, TxKind, U256};
use serde_json::Value;

/// geth's limit on a transaction in its pool.
const MAX_DATA_BYTES: usize = 128 * 1024;
const MAX_ACCESS_LIST_ITEMS: usize = 1024;

/// A `0x` hex quantity that fits `T`; a bare number or a decimal string is refused, since
/// "10" means two things.
pub(super) fn quantity<T: TryFrom<U256>>(
    fields: &Fields<'_>,
    name: &str,
    value: &Value,
) -> Result<T, ChainError> {
    let expected = format!("a 0x hex quantity of at most {} bits", 8 * size_of::<T>());
    let error = || fields.invalid(name, &expected, value);
    let digits = value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .ok_or_else(error)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(error());
    }
    let number = U256::from_str_radix(digits, 16).map_err(|_| error())?;
    T::try_from(number).map_err(|_| error())
}

/// A quantity, if it is there.
pub(super) fn optional_quantity<T: TryFrom<U256>>(
    fields: &Fields<'_>,
    name: &str,
) -> Result<Option<T>, ChainError> {
    fields
        .optional(name)
        .map(|value| quantity(fields, name, value))
        .transpose()
}

/// A quantity that only a node knows.
pub(super) fn required_quantity<T: TryFrom<U256>>(
    fields: &Fields<'_>,
    name: &'static str,
    action: &'static str,
) -> Result<T, ChainError> {
    quantity(fields, name, fields.required(name, action)?)
}

/// The gas limit, under either of its names.
pub(super) fn gas_limit(fields: &Fields<'_>) -> Result<u64, ChainError> {
    let gas: Option<u64> = optional_quantity(fields, "gas")?;
    let limit: Option<u64> = optional_quantity(fields, "gasLimit")?;
    match (gas, limit) {
        (Some(gas), Some(limit)) if gas != limit => Err(conflict(
            "gas",
            "gasLimit",
            "they are one field and differ: send one of them",
        )),
        (Some(gas), _) | (None, Some(gas)) => Ok(gas),
        (None, None) => Err(ChainError::FieldMissing {
            subject: Subject::Transaction,
            field: "gas",
            action: "take it from eth_estimateGas",
        }),
    }
}

/// The call data, under either of its names.
pub(super) fn call_data(fields: &Fields<'_>) -> Result<Vec<u8>, ChainError> {
    let read = |name: &str| {
        let Some(value) = fields.optional(name) else {
            return Ok(None);
        };
        match params::text(Subject::Transaction, name, value)? {
            "" => Ok(None),
            text => params::hex_bytes(Subject::Transaction, name, text, MAX_DATA_BYTES).map(Some),
        }
    };
    match (read("data")?, read("input")?) {
        (Some(data), Some(input)) if data != input => Err(conflict(
            "data",
            "input",
            "they are one field and differ: send one of them",
        )),
        (Some(data), _) | (None, Some(data)) => Ok(data),
        (None, None) => Ok(Vec::new()),
    }
}

/// The recipient; without one the data is a new contract's code, so there must be some.
pub(super) fn recipient(fields: &Fields<'_>, data: &[u8]) -> Result<TxKind, ChainError> {
    match fields.optional("to") {
        Some(to) => parse_address(Subject::Transaction, "to", to).map(TxKind::Call),
        None if !data.is_empty() => Ok(TxKind::Create),
        None => Err(ChainError::FieldMissing {
            subject: Subject::Transaction,
            field: "to",
            action: "name the recipient (only a transaction with data, which makes a contract, has none)",
        }),
    }
}

/// The access list (EIP-2930), empty where absent.
pub(super) fn access_list(fields: &Fields<'_>) -> Result<AccessList, ChainError> {
    let Some(value) = fields.optional("accessList") else {
        return Ok(AccessList::default());
    };
    let expected = format!("an array of at most {MAX_ACCESS_LIST_ITEMS} {{address, storageKeys}}");
    let items = value
        .as_array()
        .filter(|items| items.len() <= MAX_ACCESS_LIST_ITEMS);
    let items = items.ok_or_else(|| fields.invalid("accessList", &expected, value))?;
    items
        .iter()
        .map(access_list_item)
        .collect::<Result<Vec<_>, _>>()
        .map(AccessList)
}

fn access_list_item(value: &Value) -> Result<AccessListItem, ChainError> {
    let subject = Subject::Transaction;
    let item = Fields::read(subject, "accessList[]", value, &["address", "storageKeys"])?;
    let action = "each entry of accessList has an address and its storageKeys";
    let address = parse_address(
        subject,
        "accessList[].address",
        item.required("address", action)?,
    )?;
    let keys = item.required("storageKeys", action)?;
    let storage_keys = keys
        .as_array()
        .ok_or_else(|| item.invalid("accessList[].storageKeys", "an array", keys))?
        .iter()
        .map(|key| {
            let error =
                || item.invalid("accessList[].storageKeys[]", "0x and 32 bytes in hex", key);
            let digits = key
                .as_str()
                .and_then(|text| text.strip_prefix("0x"))
                .ok_or_else(error)?;
            let bytes = hex::decode(digits).map_err(|_| error())?;
            B256::try_from(bytes.as_slice()).map_err(|_| error())
        })
        .collect::<Result<_, _>>()?;
    Ok(AccessListItem {
        address,
        storage_keys,
    })
}

/// An error about two fields of a transaction.
pub(super) fn conflict(first: &str, second: &str, action: &'static str) -> ChainError {
    let (first, second) = (first.to_owned(), second.to_owned());
    ChainError::FieldsConflict {
        subject: Subject::Transaction,
        first,
        second,
        action,
    }
}
