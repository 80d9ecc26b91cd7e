//! What a custodian's backend calls.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_api::Time;
use portal_api::limits::PAGE_ENTRIES;
use portal_api::rest::{
    ClientSummary, CreateClient, CreatedClient, CreatedSession, Page, PageMetadata, PageQuery,
};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::ClientId;
use portal_store::audit::Actor;
use portal_store::{ClientRecord, NewClient, NewSession};

use crate::auth::Custodian;
use crate::body::{Json, Query};
use crate::credential::{self, Kind};
use crate::openapi::problems;
use crate::wallets::origin;
use crate::{ApiError, App, entropy};

problems!(UnknownClient: NotFound);

/// Makes a client with both its credentials, which are shown only here.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/clients",
    operation_id = "createClient",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    request_body = CreateClient,
    responses((status = 201, description = "The client.", body = CreatedClient))
)]
pub(crate) async fn create_client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Json(body): Json<CreateClient>,
) -> Result<(StatusCode, axum::Json<CreatedClient>), ApiError> {
    let now = app.clock.now();
    let (client_api_key, api_key) = credential::make(Kind::Client);
    let (client_session_token, session) = session(&app);
    let new = NewClient {
        client_id: ClientId::make(now, entropy::bytes()),
        environment_id: custodian.environment_id,
        is_account_abstracted: body.is_account_abstracted,
        api_key,
        session,
        created_at: now,
    };
    let id = new.client_id;
    let origin = origin(Actor::Custodian(custodian.key));
    app.store.create_client(new, origin).await?;
    tracing::info!(custodian = %custodian.custodian_id, "client created");
    let created = CreatedClient {
        id,
        client_api_key,
        client_session_token,
        is_account_abstracted: body.is_account_abstracted,
    };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// Lists the environment's clients, oldest first.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients",
    operation_id = "listClients",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of the list.", body = Page<ClientSummary>))
)]
pub(crate) async fn list_clients(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<ClientSummary>>, ApiError> {
    let bad = |what: &str| ApiError::new(ErrorId::BadRequest, what);
    let take = query.take.unwrap_or(PAGE_ENTRIES);
    if take == 0 || take > PAGE_ENTRIES {
        return Err(bad("expected `take` from 1 to 100"));
    }
    let after = match query.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(bad("expected the `cursor` of a former page")),
    };
    let page = app
        .store
        .clients(custodian.environment_id, after, take)
        .await?;
    let full = u32::try_from(page.entries.len()).is_ok_and(|entries| entries == take);
    let cursor = page
        .entries
        .last()
        .filter(|_| full)
        .map(|last| last.client_id.to_string());
    let metadata = PageMetadata {
        cursor,
        take,
        total: page.total,
    };
    Ok(axum::Json(Page {
        results: page.entries.iter().map(summary).collect(),
        metadata,
    }))
}

/// Reads a client.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients/{id}",
    operation_id = "readClientOfCustodian",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, description = "The client.", body = ClientSummary), UnknownClient)
)]
pub(crate) async fn client(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<axum::Json<ClientSummary>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    let found = app.store.client(custodian.environment_id, id).await?;
    found
        .as_ref()
        .map(summary)
        .map(axum::Json)
        .ok_or_else(ApiError::not_found)
}

/// Gives a client another session; its others go on.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/clients/{id}/sessions",
    operation_id = "createSession",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 201, description = "The session.", body = CreatedSession), UnknownClient)
)]
pub(crate) async fn create_session(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<CreatedSession>), ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    let found = app.store.client(custodian.environment_id, id).await?;
    let client = found.ok_or_else(ApiError::not_found)?;
    let (client_session_token, session) = session(&app);
    let origin = origin(Actor::Custodian(custodian.key));
    let made = app.store.create_session(client.client_id, session, origin);
    made.await?;
    let created = CreatedSession {
        id: client.client_id,
        client_session_token,
        is_account_abstracted: client.is_account_abstracted,
    };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

fn session(app: &App) -> (String, NewSession) {
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

fn summary(client: &ClientRecord) -> ClientSummary {
    ClientSummary {
        id: client.client_id,
        created_at: Time(client.created_at),
        is_account_abstracted: client.is_account_abstracted,
    }
}
