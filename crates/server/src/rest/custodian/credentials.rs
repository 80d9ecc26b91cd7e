//! A client's credentials: ended, replaced, and given to a browser.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::rest::{CreateClientApiKey, CreatedClientApiKey, WebOtp};
use portal_lifecycle::ids::ClientId;
use portal_store::audit::{Actor, Origin};
use portal_store::{Act, CredentialKind};

use super::{UnknownClient, client_of};
use crate::auth::Custodian;
use crate::body::{OptionalJson, Path};
use crate::credential::{self, Kind};
use crate::idempotency::{Answer, IdempotencyKey, once};
use crate::wallets::origin;
use crate::{ApiError, App};

/// How long a one-time password for a browser is good.
const WEB_OTP_LIFE: Duration = Duration::from_secs(5 * 60);

/// Ends all sessions of a client, at once, and one-time passwords for others.
#[utoipa::path(
    delete,
    path = "/api/v3/custodians/me/clients/{id}/sessions",
    operation_id = "revokeSessions",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 204, description = "No session of before is in force."), UnknownClient)
)]
pub(crate) async fn revoke_sessions(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let origin = origin(Actor::Custodian(custodian.key));
    revoke(&app, client.client_id, CredentialKind::Session, origin).await
}

/// Ends a client's API key, at once. Its sessions go on.
#[utoipa::path(
    delete,
    path = "/api/v3/custodians/me/clients/{id}/api-key",
    operation_id = "revokeClientApiKey",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 204, description = "The client has no API key in force."), UnknownClient)
)]
pub(crate) async fn revoke_client_api_key(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let origin = origin(Actor::Custodian(custodian.key));
    revoke(&app, client.client_id, CredentialKind::ApiKey, origin).await
}

/// Gives a client another API key, shown only here, in the place of the one that it has.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/clients/{id}/api-key",
    operation_id = "replaceClientApiKey",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(
        ("id" = Uuid, Path, description = "The client."),
        ("Idempotency-Key" = Option<String>, Header),
    ),
    request_body(content = Option<CreateClientApiKey>),
    responses((status = 201, description = "The key.", body = CreatedClientApiKey), UnknownClient)
)]
pub(crate) async fn replace_client_api_key(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
    key: IdempotencyKey,
    OptionalJson(CreateClientApiKey {}): OptionalJson<CreateClientApiKey>,
) -> Result<Answer, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let caller = custodian.environment_id;
    let origin = origin(Actor::Custodian(custodian.key));
    let id = client.client_id;
    let acting = app.clone();
    once(
        &app,
        key,
        caller,
        origin,
        "replaceClientApiKey",
        &id,
        async move |keeper| {
            let now = acting.clock.now();
            let (client_api_key, key) = credential::make(Kind::Client);
            let created = CreatedClientApiKey { id, client_api_key };
            let answer = Answer::json(StatusCode::CREATED, &created)?;
            let act = Act::ReplaceClientKey {
                client: id,
                key,
                origin,
                now,
            };
            keeper.commit(act, &answer).await?;
            Ok(answer)
        },
    )
    .await
}

/// Makes a one-time password, with which a browser gets a session of the client within five
/// minutes: `POST /api/v3/clients/sessions`.
#[utoipa::path(
    get,
    path = "/api/v1/custodians/clients/{id}/web-otp",
    operation_id = "createWebOtp",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, description = "The password, shown only here.", body = WebOtp), UnknownClient)
)]
pub(crate) async fn create_web_otp(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let origin = origin(Actor::Custodian(custodian.key));
    let now = app.clock.now();
    let until = now.plus_ms(u64::try_from(WEB_OTP_LIFE.as_millis()).unwrap_or(u64::MAX));
    let (otp, hash) = credential::make(Kind::WebOtp);
    app.store
        .create_web_otp(client.client_id, hash, origin, now, until)
        .await?;
    Answer::json(StatusCode::OK, &WebOtp { otp })
}

async fn revoke(
    app: &App,
    client: ClientId,
    kind: CredentialKind,
    origin: Origin,
) -> Result<StatusCode, ApiError> {
    app.store
        .revoke_client(client, kind, origin, app.clock.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
