//! Reading JSON parameters: each refusal names the field, the expectation and what came.

use crate::{ChainError, Subject};
use serde_json::{Map, Value};

/// A JSON object all of whose fields are known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) subject: Subject,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Refuses anything but an object whose fields are all among `known`.
    pub(crate) fn read(
        subject: Subject,
        name: &str,
        value: &'a Value,
        known: &[&'static str],
    ) -> Result<Self, ChainError> {
        let map = value
            .as_object()
            .ok_or_else(|| invalid(subject, name, "an object", &shown(value)))?;
        match map.keys().find(|field| !known.contains(&field.as_str())) {
            None => Ok(Self { subject, map }),
            Some(field) => Err(ChainError::FieldUnknown {
                subject,
                field: shortened(field),
                known: known.join(", "),
            }),
        }
    }

    /// The field's value; null is the same as absent.
    pub(crate) fn optional(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// The field's value, or an error that says where to get it.
    pub(crate) fn required(
        &self,
        field: &'static str,
        action: &'static str,
    ) -> Result<&'a Value, ChainError> {
        self.optional(field).ok_or(ChainError::FieldMissing {
            subject: self.subject,
            field,
            action,
        })
    }

    /// An error about this object's field.
    pub(crate) fn invalid(&self, field: &str, expected: &str, value: &Value) -> ChainError {
        invalid(self.subject, field, expected, &shown(value))
    }
}

/// The one parameter: bare, or alone in an array.
pub(crate) fn single(subject: Subject, params: &Value) -> Result<&Value, ChainError> {
    match params.as_array().map(Vec::as_slice) {
        None => Ok(params),
        Some([one]) => Ok(one),
        Some(many) => Err(invalid(
            subject,
            "params",
            "exactly one parameter",
            &format!("{}", many.len()),
        )),
    }
}

/// A string.
pub(crate) fn text<'a>(
    subject: Subject,
    field: &str,
    value: &'a Value,
) -> Result<&'a str, ChainError> {
    value
        .as_str()
        .ok_or_else(|| invalid(subject, field, "a string", &shown(value)))
}

/// Bytes as `0x` hex, at most `max_bytes` of them.
pub(crate) fn hex_bytes(
    subject: Subject,
    field: &str,
    text: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, ChainError> {
    let expected = "0x and an even number of hex digits";
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| invalid(subject, field, expected, text))?;
    at_most(subject, field, digits.len() / 2, max_bytes)?;
    hex::decode(digits).map_err(|_| invalid(subject, field, expected, text))
}

/// Text as its UTF-8 bytes, unless it starts with `0x`: then it must be hex.
///
/// Text that starts with `0x` but is no hex is refused: wallets disagree on what
/// it means, and two readings are two different signatures.
pub(crate) fn text_or_hex(
    field: &str,
    text: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, ChainError> {
    if let Some(digits) = text.strip_prefix("0x") {
        at_most(Subject::Message, field, digits.len() / 2, max_bytes)?;
        let expected = "hex after 0x (text that only looks like hex must itself be sent as hex)";
        return hex::decode(digits).map_err(|_| invalid(Subject::Message, field, expected, text));
    }
    at_most(Subject::Message, field, text.len(), max_bytes)?;
    Ok(text.as_bytes().to_vec())
}

/// Refuses what is over its limit.
pub(crate) fn at_most(
    subject: Subject,
    field: &str,
    bytes: usize,
    max_bytes: usize,
) -> Result<(), ChainError> {
    if bytes <= max_bytes {
        return Ok(());
    }
    Err(invalid(
        subject,
        field,
        &format!("at most {max_bytes} bytes"),
        &format!("{bytes} bytes"),
    ))
}

/// An error about a field's value.
pub(crate) fn invalid(subject: Subject, field: &str, expected: &str, found: &str) -> ChainError {
    ChainError::FieldInvalid {
        subject,
        field: field.to_owned(),
        expected: expected.to_owned(),
        found: shortened(found),
    }
}

/// A JSON value, short enough for an error.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(items) => format!("an array of {}", items.len()),
        other => shortened(&other.to_string()),
    }
}

/// The same in quotes, and none that its text could end by one of its own.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text).replace('"', "\\\""))
}

/// Text from outside for a person's eyes: one line, at most 96 characters,
/// nothing invisible and nothing that turns the direction of reading.
pub(crate) fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 96;
    let mut short = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MAX_CHARS {
            short.push('…');
            break;
        }
        match character {
            '"' | '\'' => short.push(character),
            other => short.extend(other.escape_debug()),
        }
    }
    short
}
