//! The OpenAPI 3.1 description of the REST API, made from the handlers' own annotations.
//!
//! A handler says what it takes and answers, and names the problems that are its own
//! ([`problems!`]). What holds for every route is added here: the problems that any route may
//! answer, the trace id, and for each problem the document that comes with it.

mod complete;
mod frames;
mod names;
mod problems;

use serde_json::{Value, json};

use crate::rest;
pub(crate) use frames::conversation;
pub(crate) use problems::{Occurrence, named, problems};

/// The description as JSON text, with a line break at the end.
///
/// It is served at `/openapi.json`, printed by `portal openapi`, and committed as
/// `docs/openapi.json`.
#[must_use]
pub fn openapi() -> String {
    let mut document = document();
    // Else the order would hang on a feature that some dependency may turn on.
    document.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> Value {
    let described = rest::routes().into_openapi();
    let mut document = serde_json::to_value(described).unwrap_or_default();
    if let Some(document) = document.as_object_mut() {
        document.insert("info".to_owned(), info());
        document.insert("tags".to_owned(), tags());
    }
    complete::complete(&mut document);
    document
}

fn info() -> Value {
    json!({
        "title": "Portal",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Wallets whose private keys exist nowhere.",
        "description": "JSON in camelCase, times RFC 3339 in UTC, bytes base64url without padding, \
            ids UUIDv7. Unknown fields are refused in requests; answers may gain fields. Every \
            error is a problem document (RFC 9457): branch on its `id` alone. Only what is no HTTP \
            (400) and a head that is too large (431) are answered without a body. The ids are explained \
            in the [error reference](https://github.com/portal-mpc/portal/blob/main/docs/errors.md), \
            and by each server at `/errors/{id}`.",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    })
}

fn tags() -> Value {
    json!([
        { "name": "custodian", "description": "What a customer's backend calls, with its API key." },
        { "name": "client", "description": "What an end user's SDK calls, with a client API key or a session token." },
        { "name": "operations", "description": "What whoever runs the server calls; no credential." },
    ])
}
