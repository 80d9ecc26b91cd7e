//! What a custodian lets its clients' wallets sign.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::signing_policy::SigningPolicy;
use portal_lifecycle::ids::ClientId;
use portal_store::audit::Actor;

use crate::approval;
use crate::auth::Custodian;
use crate::body::{Json, Path};
use crate::openapi::problems;
use crate::{ApiError, App, wallets};

problems!(UnknownClient: NotFound);

/// Sets what the environment's clients may sign.
#[utoipa::path(
    put,
    path = "/api/v3/custodians/me/signing-policy",
    operation_id = "putSigningPolicy",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    request_body = SigningPolicy,
    responses((status = 200, description = "The policy.", body = SigningPolicy))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Json(body): Json<SigningPolicy>,
) -> Result<axum::Json<SigningPolicy>, ApiError> {
    let text = approval::storable(&body)?;
    let (origin, now) = (
        wallets::origin(Actor::Custodian(custodian.key)),
        app.clock.now(),
    );
    app.store
        .put_signing_policy(custodian.environment_id, None, Some(&text), origin, now)
        .await?;
    Ok(axum::Json(body))
}

/// Reads what the environment's clients may sign.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/signing-policy",
    operation_id = "readSigningPolicy",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    responses((status = 200, description = "The policy.", body = SigningPolicy))
)]
pub(crate) async fn policy(
    State(app): State<App>,
    Custodian(custodian): Custodian,
) -> Result<axum::Json<SigningPolicy>, ApiError> {
    let stored = app
        .store
        .signing_policies(custodian.environment_id, None)
        .await?;
    let policy = approval::stored(stored.environment.as_deref())?;
    Ok(axum::Json(policy.unwrap_or_default()))
}

/// Sets what one client may sign, beside what the environment allows.
#[utoipa::path(
    put,
    path = "/api/v3/custodians/me/clients/{id}/signing-policy",
    operation_id = "putSigningPolicyOfClient",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    request_body = SigningPolicy,
    responses((status = 200, description = "The policy.", body = SigningPolicy), UnknownClient)
)]
pub(crate) async fn put_of_client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
    Json(body): Json<SigningPolicy>,
) -> Result<axum::Json<SigningPolicy>, ApiError> {
    let client = client(&id)?;
    let text = approval::storable(&body)?;
    let (origin, now) = (
        wallets::origin(Actor::Custodian(custodian.key)),
        app.clock.now(),
    );
    app.store
        .put_signing_policy(
            custodian.environment_id,
            Some(client),
            Some(&text),
            origin,
            now,
        )
        .await
        .map_err(unknown_client)?;
    Ok(axum::Json(body))
}

/// Reads what was set for one client; not found, if nothing was.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients/{id}/signing-policy",
    operation_id = "readSigningPolicyOfClient",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, description = "The policy.", body = SigningPolicy), UnknownClient)
)]
pub(crate) async fn policy_of_client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<axum::Json<SigningPolicy>, ApiError> {
    let client = client(&id)?;
    let stored = app
        .store
        .signing_policies(custodian.environment_id, Some(client))
        .await
        .map_err(unknown_client)?;
    let policy = approval::stored(stored.client.as_deref())?;
    policy.map(axum::Json).ok_or_else(ApiError::not_found)
}

/// Removes what was set for one client.
#[utoipa::path(
    delete,
    path = "/api/v3/custodians/me/clients/{id}/signing-policy",
    operation_id = "removeSigningPolicyOfClient",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 204, description = "Only the environment's policy holds."), UnknownClient)
)]
pub(crate) async fn remove_of_client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let client = client(&id)?;
    let (origin, now) = (
        wallets::origin(Actor::Custodian(custodian.key)),
        app.clock.now(),
    );
    app.store
        .put_signing_policy(custodian.environment_id, Some(client), None, origin, now)
        .await
        .map_err(unknown_client)?;
    Ok(StatusCode::NO_CONTENT)
}

fn client(id: &str) -> Result<ClientId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found())
}

fn unknown_client(error: portal_store::StoreError) -> ApiError {
    match error {
        portal_store::StoreError::NoSuchRow { .. } => ApiError::not_found(),
        error => error.into(),
    }
}
