//! The JSON of EIP-712 data: one shape, and nothing in it that is not signed.
//!
//! Readers take more than the standard has: fields that nobody declared, sequences for objects, a
//! key twice. Each is a way to show one message and have another one signed, so none is taken.

use std::collections::BTreeSet;
use std::fmt;

use alloy_dyn_abi::DynSolType;
use alloy_dyn_abi::eip712::{Eip712Types, TypedData as Eip712};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::params::{self, Fields};
use crate::{ChainError, Subject};

const SUBJECT: Subject = Subject::Message;
const MAX_JSON_BYTES: usize = 128 * 1024;
/// Of a type or a field. What is written out for each use of a type is bounded by it.
const MAX_NAME_BYTES: usize = 256;
const MEMBERS: [&str; 4] = ["types", "primaryType", "domain", "message"];
const DOMAIN_FIELDS: [&str; 5] = ["name", "version", "chainId", "verifyingContract", "salt"];
const EXPECTED: &str = "EIP-712 typed data with types, primaryType, domain and message";

/// Reads an object, or its JSON text.
pub(super) fn read(value: &Value) -> Result<Eip712, ChainError> {
    let size = |bytes| params::at_most(SUBJECT, "typed data", bytes, MAX_JSON_BYTES);
    let object = match value {
        Value::String(text) => {
            size(text.len())?;
            let read: Result<Unique, _> = serde_json::from_str(text);
            read.map_err(|error| invalid(&error.to_string()))?.0
        }
        other => {
            size(other.to_string().len())?;
            other.clone()
        }
    };
    if !object.is_object() {
        let expected = "an object, or its JSON text";
        let found = params::shown(&object);
        return Err(params::invalid(SUBJECT, "typed data", expected, &found));
    }
    let members = Fields::read(SUBJECT, "typed data", &object, &MEMBERS)?;
    // The untagged reader says only "no variant matched", so name what is absent first.
    let action = "EIP-712 data has types, primaryType, domain and message";
    for member in MEMBERS {
        members.required(member, action)?;
    }
    let types = members.required("types", action)?;
    check_types(types)?;
    let domain = members.required("domain", action)?;
    Fields::read(SUBJECT, "domain", domain, &DOMAIN_FIELDS)?;
    let declared = types.as_object().map_or(0, Map::len);
    let data: Eip712 =
        serde_json::from_value(object).map_err(|error| invalid(&error.to_string()))?;
    // A type whose name is none is left out without a word.
    if Eip712Types::from(&data.resolver).len() != declared {
        let expected = "types whose names are identifiers";
        return Err(params::invalid(SUBJECT, "types", expected, "another name"));
    }
    Ok(data)
}

fn check_types(value: &Value) -> Result<(), ChainError> {
    let types = value
        .as_object()
        .ok_or_else(|| invalid(&format!("types that are {}", params::shown(value))))?;
    for (name, fields) in types {
        check_name(name)?;
        // Some wallets take it for the struct, others for what everybody knows by that name.
        if name.parse::<DynSolType>().is_ok() {
            let expected = "structs that are not named like a type of Solidity";
            return Err(params::invalid(SUBJECT, "types", expected, name));
        }
        let fields = fields.as_array().ok_or_else(|| {
            let expected = "a list of {name, type} for each type";
            params::invalid(SUBJECT, "types", expected, &params::shown(fields))
        })?;
        let mut names = BTreeSet::new();
        for field in fields {
            let field = Fields::read(SUBJECT, "types", field, &["name", "type"])?;
            let action = "each field of a type has a name and a type";
            let text = |part| {
                let value = field.required(part, action)?;
                let text = params::text(SUBJECT, "types", value)?;
                check_name(text).map(|()| text)
            };
            text("type")?;
            let name = text("name")?;
            if !names.insert(name) {
                let expected = "fields of different names in each type";
                return Err(params::invalid(SUBJECT, "types", expected, name));
            }
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ChainError> {
    if name.len() <= MAX_NAME_BYTES {
        return Ok(());
    }
    let expected = format!("names of at most {MAX_NAME_BYTES} bytes");
    Err(params::invalid(SUBJECT, "types", &expected, name))
}

fn invalid(found: &str) -> ChainError {
    params::invalid(SUBJECT, "typed data", EXPECTED, found)
}

/// A JSON value in which no object has a key twice: of two, readers take the first or the last.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if all.insert(key, value).is_some() {
                return Err(A::Error::custom("each key once in an object"));
            }
        }
        Ok(Value::Object(all))
    }
}
