//! Who calls.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use portal_lifecycle::ErrorId;
use portal_store::{ClientAuth, CustodianAuth};

use crate::{ApiError, App, credential};

/// A custodian's backend, by its API key.
pub(crate) struct Custodian(pub(crate) CustodianAuth);

/// A client, by its API key or a session token.
pub(crate) struct Client(pub(crate) ClientAuth);

impl FromRequestParts<App> for Custodian {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(refused)?;
        let found = app.store.custodian_by_key(credential::hash(token)).await?;
        found.map(Self).ok_or_else(refused)
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(refused)?;
        client(app, token).await.map(Self)
    }
}

/// The client that a token belongs to; uses the session.
pub(crate) async fn client(app: &App, token: &str) -> Result<ClientAuth, ApiError> {
    let now = app.clock.now();
    let idle_ms = u64::try_from(app.limits.session_idle.as_millis()).unwrap_or(u64::MAX);
    let found = app
        .store
        .client_by_credential(credential::hash(token), now, now.plus_ms(idle_ms))
        .await?;
    found.ok_or_else(refused)
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Missing, unknown, expired, revoked, and of another kind: all the same to a caller.
pub(crate) fn refused() -> ApiError {
    ApiError::new(
        ErrorId::AuthFailed,
        "expected `Authorization: Bearer` with a credential for this endpoint that is in force",
    )
}
