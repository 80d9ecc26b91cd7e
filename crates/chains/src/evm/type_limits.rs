//! Limits on the types of EIP-712 data, before anything expands them.

use crate::{ChainError, Subject, params};
use alloy_dyn_abi::DynSolValue;
use alloy_dyn_abi::eip712::Eip712Types;
use std::collections::{BTreeMap, BTreeSet};

const MAX_TYPES: usize = 128;
const MAX_EXPANDED_FIELDS: usize = 4096;
const MAX_STRUCT_DEPTH: usize = 16;
const MAX_ARRAY_DIMENSIONS: usize = 8;
/// What is written out and hashed of types, for all structs of a message together.
const MAX_TYPE_BYTES: usize = 1 << 20;
/// What looking at a field costs, in bytes that are hashed in that time.
const FIELD_BYTES: usize = 32;

/// Refuses types that contain themselves, nest too deep or expand to too many fields.
///
/// A resolver writes every struct out wherever it is used, and calls itself for
/// every level: 30 types of two fields each, every one made of the next, are a
/// billion fields, and a field of type `uint8[][]…[]` is as deep as it is long.
pub(super) fn check(types: &Eip712Types, primary_type: &str) -> Result<(), ChainError> {
    if types.len() > MAX_TYPES {
        let expected = format!("at most {MAX_TYPES} types");
        return Err(invalid(&expected, &types.len().to_string()));
    }
    let names = types
        .values()
        .flatten()
        .map(|property| property.type_name());
    for name in names.chain([primary_type]) {
        if name.matches('[').count() > MAX_ARRAY_DIMENSIONS {
            let expected = format!("arrays of at most {MAX_ARRAY_DIMENSIONS} dimensions");
            return Err(invalid(&expected, name));
        }
    }
    let root = primary_type.split('[').next().unwrap_or(primary_type);
    measure(types, root, &mut BTreeMap::new()).map(|_| ())
}

/// Refuses a message whose structs are too many for their types.
///
/// The hasher writes a struct's type out, with every type that it leads to, for each struct anew:
/// a message of a few bytes a struct may need a gigabyte of it.
pub(super) fn check_value(types: &Eip712Types, value: &DynSolValue) -> Result<(), ChainError> {
    let mut costs = BTreeMap::new();
    let mut left = vec![value];
    let mut total = 0_usize;
    while let Some(value) = left.pop() {
        match value {
            DynSolValue::CustomStruct { name, tuple, .. } => {
                let cost = costs
                    .entry(name)
                    .or_insert_with(|| written_out(types, name));
                total = total.saturating_add(*cost);
                left.extend(tuple);
            }
            DynSolValue::Array(values)
            | DynSolValue::FixedArray(values)
            | DynSolValue::Tuple(values) => left.extend(values),
            _ => {}
        }
        if total > MAX_TYPE_BYTES {
            let expected =
                format!("structs whose types come to at most {MAX_TYPE_BYTES} bytes in all");
            return Err(params::invalid(
                Subject::Message,
                "message",
                &expected,
                "more",
            ));
        }
    }
    Ok(())
}

/// What writing a type out costs, with every type that it leads to (EIP-712, "encodeType").
fn written_out(types: &Eip712Types, name: &str) -> usize {
    let mut seen = BTreeSet::from([name]);
    let mut left = vec![name];
    let mut cost = 0_usize;
    while let Some(name) = left.pop() {
        let Some(fields) = types.get(name) else {
            continue;
        };
        cost = cost.saturating_add(name.len());
        for field in fields {
            let written = FIELD_BYTES + field.type_name().len() + field.name().len();
            cost = cost.saturating_add(written);
            if seen.insert(field.root_type_name()) {
                left.push(field.root_type_name());
            }
        }
    }
    cost
}

/// What a type comes to when its structs are written out.
#[derive(Clone, Copy)]
struct Size {
    fields: usize,
    depth: usize,
}

/// `None` in `seen` is a type that is being measured: meeting it again is a cycle.
fn measure<'a>(
    types: &'a Eip712Types,
    name: &'a str,
    seen: &mut BTreeMap<&'a str, Option<Size>>,
) -> Result<Size, ChainError> {
    let Some(properties) = types.get(name) else {
        return Ok(Size {
            fields: 1,
            depth: 0,
        });
    };
    match seen.get(name) {
        Some(Some(size)) => return Ok(*size),
        Some(None) => return Err(invalid("types that do not contain themselves", name)),
        None => seen.insert(name, None),
    };
    let mut size = Size {
        fields: 1,
        depth: 1,
    };
    for property in properties {
        let inner = measure(types, property.root_type_name(), seen)?;
        size.fields += inner.fields;
        size.depth = size.depth.max(inner.depth + 1);
        if size.fields > MAX_EXPANDED_FIELDS {
            let expected = format!("at most {MAX_EXPANDED_FIELDS} fields, nested ones included");
            return Err(invalid(&expected, name));
        }
        if size.depth > MAX_STRUCT_DEPTH {
            let expected = format!("structs at most {MAX_STRUCT_DEPTH} deep");
            return Err(invalid(&expected, name));
        }
    }
    seen.insert(name, Some(size));
    Ok(size)
}

fn invalid(expected: &str, found: &str) -> ChainError {
    params::invalid(Subject::Message, "types", expected, found)
}
