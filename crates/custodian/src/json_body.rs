//! Reading a JSON body, and telling what is wrong with it without repeating any of it.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use portal_api::custodian_app::{OpenRecovery, StoreCipherText};
use portal_api::webhook::{
    ApproveSignature, BackupReleased, FetchBackupShares, ProveBackupShares, RecoverBackupShares,
    StoreBackupShare,
};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use zeroize::Zeroize as _;

use crate::refusal::Refusal;

/// A body whose field names may be repeated in a problem document.
///
/// Only these may: a caller that mixes names and values up could have put a share where a name
/// belongs.
pub(crate) trait Body: DeserializeOwned {
    /// The names, of nested objects as well.
    const FIELDS: &'static [&'static str];
}

impl Body for StoreBackupShare {
    const FIELDS: &'static [&'static str] = &[
        "clientId",
        "backupMethod",
        "share",
        "backupSharePairId",
        "walletId",
        "curve",
        "generation",
        "sealed",
        "backupSharePairIds",
        "secp256k1",
        "ed25519",
        "blind",
        "keyId",
        "point",
        "encapsulated",
        "cipherText",
    ];
}

impl Body for RecoverBackupShares {
    const FIELDS: &'static [&'static str] = &[
        "clientId",
        "backupSharePairIds",
        "secp256k1",
        "ed25519",
        "challenge",
        "blinds",
        "keyId",
        "point",
        "encapsulated",
        "cipherText",
        "proofs",
    ];
}

impl Body for OpenRecovery {
    const FIELDS: &'static [&'static str] = &[];
}

impl Body for FetchBackupShares {
    const FIELDS: &'static [&'static str] =
        &["clientId", "backupSharePairIds", "secp256k1", "ed25519"];
}

impl Body for ProveBackupShares {
    const FIELDS: &'static [&'static str] = &[
        "clientId",
        "backupSharePairIds",
        "secp256k1",
        "ed25519",
        "challenge",
    ];
}

impl Body for BackupReleased {
    const FIELDS: &'static [&'static str] = &[
        "clientId",
        "backupSharePairIds",
        "secp256k1",
        "ed25519",
        "status",
    ];
}

impl Body for ApproveSignature {
    const FIELDS: &'static [&'static str] = &[
        "clientId",
        "walletId",
        "curve",
        "signingSharePairId",
        "request",
        "chain",
        "method",
        "params",
        "summary",
        "payloadIndex",
        "payloadCount",
        "payload",
    ];
}

impl Body for StoreCipherText {
    const FIELDS: &'static [&'static str] =
        &["backupSharePairIds", "secp256k1", "ed25519", "cipherText"];
}

/// Extracts a JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: Body, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let headers = request.headers().clone();
        // Said first: a body that is no JSON need not be sent.
        expect_json(&headers)?;
        let bytes = whole(request, state).await?;
        parse(&headers, &bytes).map(Self)
    }
}

/// The bytes of a body that is within its limit.
pub(crate) async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                Refusal::BodyTooLarge
            }
            _ => Refusal::Malformed("the body did not arrive whole".to_owned()),
        })
}

/// Overwrites a body that may hold a secret, where nobody else holds its bytes.
pub(crate) fn erase(body: Bytes) {
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
}

/// Reads a body that is declared as JSON.
pub(crate) fn parse<T: Body>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Refusal> {
    expect_json(headers)?;
    read(bytes).map_err(Refusal::Malformed)
}

fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    if is_json(headers) {
        Ok(())
    } else {
        Err(Refusal::NotJson)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn read<T: Body>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| describe(T::FIELDS, error.path(), error.inner()))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(body)
}

fn not_json(error: &serde_json::Error) -> String {
    format!(
        "the body is not JSON from line {}, column {} on",
        error.line(),
        error.column()
    )
}

/// What is wrong, in words of this crate. `error`'s own text may quote the body, so of it only
/// a field's name is taken, and only one that stands in `fields`.
fn describe(
    fields: &'static [&'static str],
    path: &serde_path_to_error::Path,
    error: &serde_json::Error,
) -> String {
    if !error.is_data() {
        return not_json(error);
    }
    let known = |name: &str| fields.iter().copied().find(|field| *field == name);
    let mut names = Vec::new();
    for segment in path.iter() {
        match segment {
            Segment::Map { key } => match known(key) {
                Some(name) => names.push(name),
                None => return unknown_field(&names),
            },
            Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.to_string();
    let named_after = |prefix| {
        let (name, _) = text.strip_prefix(prefix)?.split_once('`')?;
        Some(known(name))
    };
    if let Some(Some(name)) = named_after("missing field `") {
        names.push(name);
        return format!("the field {} is missing", names.join("."));
    }
    if named_after("unknown field `").is_some() {
        return unknown_field(&names);
    }
    match names.as_slice() {
        [] => "the body is not an object with the expected fields".to_owned(),
        names => format!("the field {} is not of the expected form", names.join(".")),
    }
}

fn unknown_field(parent: &[&str]) -> String {
    match parent {
        [] => "the body has a field that is not known".to_owned(),
        names => format!(
            "the field {} has a field that is not known",
            names.join(".")
        ),
    }
}
