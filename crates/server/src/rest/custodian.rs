//! What a custodian's backend calls: its clients.

mod credentials;

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::SecretText;
use portal_api::rest::{
    ClientState, CreateClient, CreateSession, CreatedClient, CreatedSession, Page, PageQuery,
};
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_store::audit::Actor;
use portal_store::{Act, ClientRecord, NewClient, NewSession};

use crate::auth::Custodian;
use crate::body::{OptionalJson, Path, Query};
use crate::credential::{self, Kind};
use crate::idempotency::{Answer, IdempotencyKey, once};
use crate::openapi::problems;
use crate::page::{Wanted, page};
use crate::wallets::origin;
use crate::{ApiError, App, entropy, read_model};
pub(crate) use credentials::*;

problems!(UnknownClient: NotFound);

/// Makes a client with both its credentials, which are shown only here.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/clients",
    operation_id = "createClient",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = Option<CreateClient>),
    responses((status = 201, description = "The client.", body = CreatedClient))
)]
pub(crate) async fn create_client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    key: IdempotencyKey,
    OptionalJson(body): OptionalJson<CreateClient>,
) -> Result<Answer, ApiError> {
    let environment_id = custodian.environment_id;
    let origin = origin(Actor::Custodian(custodian.key));
    let asked = body.clone();
    let acting = app.clone();
    once(
        &app,
        key,
        environment_id,
        origin,
        "createClient",
        &asked,
        async move |keeper| {
            let app = acting;
            let now = app.clock.now();
            let (client_api_key, api_key) = credential::make(Kind::Client);
            let (client_session_token, session) = new_session(&app);
            let new = NewClient {
                client_id: ClientId::make(now, entropy::bytes()),
                environment_id,
                is_account_abstracted: body.is_account_abstracted,
                api_key,
                session,
                created_at: now,
            };
            let created = CreatedClient {
                id: new.client_id,
                client_api_key,
                client_session_token,
                is_account_abstracted: body.is_account_abstracted,
            };
            let answer = Answer::json(StatusCode::CREATED, &created)?;
            let act = Act::CreateClient(new, origin);
            keeper.commit(act, &answer).await?;
            tracing::info!(environment = %environment_id, "client created");
            Ok(answer)
        },
    )
    .await
}

/// The same, by the path that older backends call.
#[utoipa::path(
    post,
    path = "/api/clients",
    operation_id = "createClientByOlderPath",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = Option<CreateClient>),
    responses((status = 201, description = "The client.", body = CreatedClient))
)]
pub(crate) async fn create_client_by_older_path(
    app: State<App>,
    custodian: Custodian,
    key: IdempotencyKey,
    body: OptionalJson<CreateClient>,
) -> Result<Answer, ApiError> {
    create_client(app, custodian, key, body).await
}

/// Lists the environment's clients, oldest first, each as it is read alone.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients",
    operation_id = "listClients",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of the list.", body = Page<ClientState>))
)]
pub(crate) async fn list_clients(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<ClientState>>, ApiError> {
    let wanted = Wanted::of(&query)?;
    let (environment, after) = (custodian.environment_id, wanted.after.map(ClientId));
    let (clients, total) =
        read_model::clients(&app, environment, after, wanted.with_next()).await?;
    Ok(page(clients, wanted.take, total, |client| {
        client.id.to_string()
    }))
}

/// Reads a client: its addresses, its keys, and how far their pairs have come.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients/{id}",
    operation_id = "readClientOfCustodian",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, description = "The client.", body = ClientState), UnknownClient)
)]
pub(crate) async fn client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<axum::Json<ClientState>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    let client = read_model::client(&app, custodian.environment_id, id);
    client.await.map(axum::Json)
}

/// Gives a client another session; its others go on.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/clients/{id}/sessions",
    operation_id = "createSession",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(
        ("id" = Uuid, Path, description = "The client."),
        ("Idempotency-Key" = Option<String>, Header),
    ),
    request_body(content = Option<CreateSession>),
    responses((status = 201, description = "The session.", body = CreatedSession), UnknownClient)
)]
pub(crate) async fn create_session(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
    key: IdempotencyKey,
    OptionalJson(CreateSession {}): OptionalJson<CreateSession>,
) -> Result<Answer, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let caller = custodian.environment_id;
    let origin = origin(Actor::Custodian(custodian.key));
    let asked = client.client_id;
    let acting = app.clone();
    once(
        &app,
        key,
        caller,
        origin,
        "createSession",
        &asked,
        async move |keeper| {
            let (client_session_token, session) = new_session(&acting);
            let created = CreatedSession {
                id: client.client_id,
                client_session_token,
                is_account_abstracted: client.is_account_abstracted,
            };
            let answer = Answer::json(StatusCode::CREATED, &created)?;
            let act = Act::CreateSession {
                client: client.client_id,
                session,
                origin,
            };
            keeper.commit(act, &answer).await?;
            Ok(answer)
        },
    )
    .await
}

/// The same, by the path that older backends call.
#[utoipa::path(
    post,
    path = "/api/v1/custodians/clients/{id}/session",
    operation_id = "createSessionByOlderPath",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(
        ("id" = Uuid, Path, description = "The client."),
        ("Idempotency-Key" = Option<String>, Header),
    ),
    request_body(content = Option<CreateSession>),
    responses((status = 201, description = "The session.", body = CreatedSession), UnknownClient)
)]
pub(crate) async fn create_session_by_older_path(
    app: State<App>,
    custodian: Custodian,
    id: Path<String>,
    key: IdempotencyKey,
    body: OptionalJson<CreateSession>,
) -> Result<Answer, ApiError> {
    create_session(app, custodian, id, key, body).await
}

/// A client of this environment; another's is as good as none.
pub(super) async fn client_of(
    app: &App,
    environment: EnvironmentId,
    id: &str,
) -> Result<ClientRecord, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    let found = app.store.client(environment, id).await?;
    found.ok_or_else(ApiError::not_found)
}

/// A session token, and what is kept of it.
pub(super) fn new_session(app: &App) -> (SecretText, NewSession) {
    let now = app.clock.now();
    let after = |life: std::time::Duration| {
        now.plus_ms(u64::try_from(life.as_millis()).unwrap_or(u64::MAX))
    };
    let (text, token) = credential::make(Kind::Session);
    let session = NewSession {
        token,
        created_at: now,
        idle_until: after(app.limits.session_idle),
        expires_at: after(app.limits.session_life),
    };
    (text, session)
}
