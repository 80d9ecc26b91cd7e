//! Bodies, queries and paths, with their mistakes as problems; and bodies that hold a secret.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use portal_lifecycle::ErrorId;
use portal_serving::{BodyTooSlow, SecretJson};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::Caller;
use crate::{ApiError, App};

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body all of which may be left out: none is an empty object.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

/// What a path names.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body = read(request, app).await?;
        if body.is_empty() {
            // It may have been lost on the way; to act on none could undo what it was to change.
            let what = "expected a JSON object, got an empty body";
            return Err(ApiError::new(ErrorId::BadRequest, what));
        }
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<App> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body = read(request, app).await?;
        let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
        parse(body).map(Self)
    }
}

/// A body, which is JSON if there is any, of a caller whose credential is in force when it is there:
/// a sender may take seconds over it, and what was revoked meanwhile must do nothing any more.
async fn read(request: Request, app: &App) -> Result<Bytes, ApiError> {
    let most_bytes = app.limits.body_bytes;
    let is_json = is_json(request.headers());
    let caller = request.extensions().get::<Caller>().copied();
    let body = axum::body::to_bytes(request.into_body(), most_bytes)
        .await
        .map_err(|error| unread(&error, most_bytes))?;
    if let Some(caller) = caller {
        caller.still(app).await?;
    }
    if !body.is_empty() && !is_json {
        return Err(ApiError::no_json());
    }
    Ok(body)
}

/// A body that came too slowly is not one that is too large.
fn unread(error: &axum::Error, most_bytes: usize) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(slow) = error.downcast_ref::<BodyTooSlow>() {
            return ApiError::too_slow(slow.to_string());
        }
        cause = error.source();
    }
    ApiError::new(
        ErrorId::PayloadTooLarge,
        format!("expected a body of at most {most_bytes} bytes, sent whole"),
    )
}

/// Whether a body is said to be JSON (RFC 9110 §8.3); parameters say nothing here.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("application/json")
    })
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        AxumQuery::try_from_uri(&parts.uri)
            .map(|AxumQuery(query)| Self(query))
            .map_err(|_| {
                ApiError::new(
                    ErrorId::BadRequest,
                    "the query string has a parameter that is unknown or out of its range",
                )
            })
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    /// What is no text names nothing, as any other name that nobody gave.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        AxumPath::from_request_parts(parts, app)
            .await
            .map(|AxumPath(path)| Self(path))
            .map_err(|_| ApiError::not_found())
    }
}

/// An answer that holds a share, a cipher text, or a credential.
pub(crate) fn secret_json(answer: &impl Serialize) -> Result<SecretJson, ApiError> {
    SecretJson::of(answer).map_err(|_| ApiError::internal("an answer cannot be written"))
}

/// Reads a JSON object.
///
/// The error names the field, never what stood in it: it may be a secret in the wrong place.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // Else a list would do for a body: its entries as fields, in their order.
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins.is_some_and(|byte| *byte != b'{') {
        let what = "expected a JSON object";
        return Err(ApiError::new(ErrorId::BadRequest, what));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let malformed = |what: String| ApiError::new(ErrorId::BadRequest, what);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        if inner.is_data() {
            let (path, text) = (error.path(), inner.to_string());
            // The only messages of serde that are made of the program's own words.
            let reason = text
                .split_once(" at line")
                .map_or(text.as_str(), |(reason, _)| reason)
                .strip_prefix("missing field ")
                .map_or_else(
                    || "not of the expected form".to_owned(),
                    |field| format!("lacks {field}"),
                );
            malformed(format!("the body's `{path}` is wrong: {reason}"))
        } else {
            malformed(format!(
                "expected JSON; it breaks off or goes wrong at line {} column {}",
                inner.line(),
                inner.column()
            ))
        }
    })?;
    deserializer
        .end()
        .map_err(|_| malformed("expected one JSON value and nothing after it".to_owned()))?;
    Ok(value)
}
