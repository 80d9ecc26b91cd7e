//! Who calls.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use portal_lifecycle::ErrorId;
use portal_store::{ClientAuth, CredentialHash, CustodianAuth};

use crate::rates::Address;
use crate::{ApiError, App, credential};

/// A custodian's backend, by its API key.
pub(crate) struct Custodian(pub(crate) CustodianAuth);

/// A client, by its API key or a session token.
pub(crate) struct Client(pub(crate) ClientAuth);

/// Who was found to call, to be asked for again where time has passed: [`still`](Self::still).
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    Custodian(CustodianAuth, CredentialHash),
    Client(ClientAuth),
}

impl Caller {
    /// Refuses where the credential that the request began with is in force no longer.
    pub(crate) async fn still(self, app: &App) -> Result<(), ApiError> {
        match self {
            Self::Client(client) => still(app, client).await,
            Self::Custodian(custodian, key) => {
                let present = app.store.custodian_by_key(key).await?;
                (present == Some(custodian)).then_some(()).ok_or_else(over)
            }
        }
    }
}

impl FromRequestParts<App> for Custodian {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(refused)?;
        let address = address(parts, app);
        app.rates.may_authenticate(address)?;
        let key = credential::hash(token);
        let found = app.store.custodian_by_key(key).await?;
        let found = found.ok_or_else(|| failed(app, address))?;
        app.rates.custodian(found.custodian_id)?;
        parts.extensions.insert(Caller::Custodian(found, key));
        Ok(Self(found))
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(refused)?;
        let found = client(app, token, address(parts, app)).await?;
        parts.extensions.insert(Caller::Client(found));
        Ok(Self(found))
    }
}

/// Where a request comes from, for those that bring no credential.
pub(crate) struct Origin(pub(crate) Address);

impl FromRequestParts<App> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Ok(Self(address(parts, app)))
    }
}

fn address(parts: &Parts, app: &App) -> Address {
    if app.limits.proxies == 0 && Address::is_noted(&parts.headers) {
        app.rates.proxy_is_unknown();
    }
    Address::of_request(&parts.headers, &parts.extensions, app.limits.proxies)
}

/// What whoever shows a credential that is none is told; it is counted.
pub(crate) fn failed(app: &App, address: Address) -> ApiError {
    app.rates.failed(address);
    refused()
}

/// The client that a token belongs to; uses the session, and counts the request.
pub(crate) async fn client(
    app: &App,
    token: &str,
    address: Address,
) -> Result<ClientAuth, ApiError> {
    app.rates.may_authenticate(address)?;
    let now = app.clock.now();
    let idle_ms = u64::try_from(app.limits.session_idle.as_millis()).unwrap_or(u64::MAX);
    let found = app
        .store
        .client_by_credential(credential::hash(token), now, now.plus_ms(idle_ms))
        .await?;
    let found = found.ok_or_else(|| failed(app, address))?;
    app.rates.client(found.client_id)?;
    Ok(found)
}

/// Refuses where the credential that a session began with is in force no longer.
pub(crate) async fn still(app: &App, client: ClientAuth) -> Result<(), ApiError> {
    let owner = app
        .store
        .owner_of_credential(client.credential, app.clock.now());
    match owner.await? {
        Some(owner) if owner == client => Ok(()),
        _ => Err(over()),
    }
}

fn over() -> ApiError {
    ApiError::new(
        ErrorId::AuthFailed,
        "the credential that this began with was revoked, or has ended; nothing was done",
    )
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
