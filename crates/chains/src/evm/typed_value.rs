//! What an EIP-712 message is once it was read: the value that is hashed, however it was written.

use alloy_dyn_abi::DynSolValue;
use serde_json::{Map, Value};

use crate::{ChainError, Subject, params};

/// Sees that the message as it was sent says what is hashed and no more, in a way that every
/// reader takes alike.
pub(super) fn check(value: &DynSolValue, sent: &Value) -> Result<(), ChainError> {
    match (value, sent) {
        (
            DynSolValue::CustomStruct {
                name,
                prop_names,
                tuple,
            },
            Value::Object(fields),
        ) => {
            if let Some(field) = fields.keys().find(|field| !prop_names.contains(field)) {
                return Err(ChainError::FieldUnknown {
                    subject: Subject::Message,
                    field: params::shortened(field),
                    known: format!("the fields of {}", params::shortened(name)),
                });
            }
            let mut each = prop_names.iter().zip(tuple);
            each.try_for_each(|(name, value)| check(value, fields.get(name).unwrap_or(sent)))
        }
        (DynSolValue::Array(values) | DynSolValue::FixedArray(values), Value::Array(items)) => {
            let mut each = values.iter().zip(items);
            each.try_for_each(|(value, item)| check(value, item))
        }
        (DynSolValue::String(_), Value::String(_)) => Ok(()),
        (DynSolValue::Bytes(_), Value::Array(_)) => Err(unlike("bytes as 0x hex", sent)),
        (_, Value::String(text)) if text.starts_with("0X") => {
            Err(unlike("hex that begins with 0x", sent))
        }
        _ => Ok(()),
    }
}

fn unlike(expected: &str, found: &Value) -> ChainError {
    let found = params::shown(found);
    params::invalid(Subject::Message, "message", expected, &found)
}

/// The bytes of every value in which an account may stand, each as the contract is shown it, and
/// apart from the next.
pub(super) fn bytes(value: &DynSolValue, found: &mut Vec<u8>) {
    match value {
        DynSolValue::CustomStruct { tuple: values, .. }
        | DynSolValue::Tuple(values)
        | DynSolValue::Array(values)
        | DynSolValue::FixedArray(values) => {
            return values.iter().for_each(|value| bytes(value, found));
        }
        DynSolValue::Bool(_) => return,
        DynSolValue::Int(number, _) => found.extend(number.to_be_bytes::<32>()),
        DynSolValue::Uint(number, _) => found.extend(number.to_be_bytes::<32>()),
        DynSolValue::FixedBytes(word, _) => found.extend(word.as_slice()),
        DynSolValue::Address(address) => found.extend(address.as_slice()),
        DynSolValue::Function(function) => found.extend(function.as_slice()),
        DynSolValue::Bytes(bytes) => found.extend(bytes),
        DynSolValue::String(text) => found.extend(text.as_bytes()),
    }
    found.push(0);
}

/// The value in one spelling: numbers in decimal, bytes in hex, addresses with their checksum.
pub(super) fn json(value: &DynSolValue) -> Value {
    let hex = |bytes: &[u8]| Value::String(format!("0x{}", hex::encode(bytes)));
    match value {
        DynSolValue::Bool(value) => (*value).into(),
        DynSolValue::Int(number, _) => number.to_string().into(),
        DynSolValue::Uint(number, _) => number.to_string().into(),
        DynSolValue::FixedBytes(word, size) => hex(word.get(..*size).unwrap_or_default()),
        DynSolValue::Address(address) => address.to_checksum(None).into(),
        DynSolValue::Function(function) => hex(function.as_slice()),
        DynSolValue::Bytes(bytes) => hex(bytes),
        DynSolValue::String(text) => text.as_str().into(),
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => values.iter().map(json).collect(),
        DynSolValue::CustomStruct {
            prop_names, tuple, ..
        } => {
            let fields = prop_names.iter().zip(tuple);
            let fields: Map<_, _> = fields
                .map(|(name, value)| (name.clone(), json(value)))
                .collect();
            fields.into()
        }
    }
}
