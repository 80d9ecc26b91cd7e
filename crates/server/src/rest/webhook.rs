//! What a custodian's backend does with its webhook.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use portal_api::limits::PAGE_ENTRIES;
use portal_api::rest::{
    Page, PageMetadata, PageQuery, PutWebhook, WebhookDelivery, WebhookSettings, WebhookTest,
};
use portal_api::webhook::signature::SigningSecret;
use portal_lifecycle::ErrorId;
use portal_store::CustodianAuth;
use portal_store::audit::Actor;

use crate::auth::Custodian;
use crate::body::{Json, Query};
use crate::openapi::problems;
use crate::wallets::origin;
use crate::webhook::settings::{self, FORMER_LIFE_MAX_S, FORMER_LIFE_S, delivery};
use crate::webhook::{SecretChange, Webhook, WebhookChange, WebhookSettingsError};
use crate::{ApiError, App};

problems!(NoWebhook: WebhookNotConfigured);
problems!(PuttingWebhook: WebhookNotConfigured, OperationInProgress, Forbidden);

/// Configures the environment's webhook, or changes its secret: the former one stays in force for a while.
///
/// Where the operator keeps the URLs to themselves, another URL than the one in force is forbidden.
#[utoipa::path(
    put,
    path = "/api/v3/custodians/me/webhook",
    operation_id = "putWebhook",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    request_body = PutWebhook,
    responses(
        (status = 200, description = "The webhook; a secret that was drawn is shown only here.", body = WebhookSettings),
        PuttingWebhook
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Json(body): Json<PutWebhook>,
) -> Result<Response, ApiError> {
    may_send_to(&app, custodian, body.base_url.as_deref()).await?;
    let former_life_s = body.former_secret_lifetime_s.unwrap_or(FORMER_LIFE_S);
    // Also where there is nothing to rotate: whoever asks for it believes that it can be had.
    if former_life_s > FORMER_LIFE_MAX_S {
        return Err(WebhookSettingsError::TooLong.into());
    }
    let change = WebhookChange {
        base_url: body.base_url,
        secret: if body.rotate_secret {
            SecretChange::Rotate { former_life_s }
        } else {
            SecretChange::Keep
        },
        ends_former: body.end_former_secret,
    };
    let (store, policy) = (app.store.as_ref(), app.webhooks.policy());
    let environment = custodian.environment_id;
    let (origin, now) = (origin(Actor::Custodian(custodian.key)), app.clock.now());
    let drawn = settings::change(store, policy, environment, &change, origin, now).await?;
    tracing::info!(custodian = %custodian.custodian_id, rotated = drawn.is_some(), "webhook changed");
    answer(&app, custodian, drawn.as_ref()).await
}

/// The environment's webhook and its last call; never a secret.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/webhook",
    operation_id = "readWebhook",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    responses((status = 200, description = "The webhook.", body = WebhookSettings), NoWebhook)
)]
pub(crate) async fn get(
    State(app): State<App>,
    Custodian(custodian): Custodian,
) -> Result<Response, ApiError> {
    answer(&app, custodian, None).await
}

/// Makes a signed call to the webhook now, and says how it ended.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/webhook/test",
    operation_id = "testWebhook",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    responses((status = 200, description = "How the call ended.", body = WebhookTest), NoWebhook)
)]
pub(crate) async fn test(
    State(app): State<App>,
    Custodian(custodian): Custodian,
) -> Result<axum::Json<WebhookTest>, ApiError> {
    let environment_id = custodian.environment_id;
    let config = app.store.webhook(environment_id).await?;
    let config = config.ok_or(WebhookSettingsError::NotConfigured)?;
    let webhook = Webhook {
        environment_id,
        config,
    };
    Ok(axum::Json(app.webhooks.test(&webhook).await?))
}

/// Lists calls to the webhook, newest first: what, when and how they ended, never what was in them.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/webhook/deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of calls.", body = Page<WebhookDelivery>))
)]
pub(crate) async fn deliveries(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<WebhookDelivery>>, ApiError> {
    let bad = |what: &str| ApiError::new(ErrorId::BadRequest, what);
    let take = query.take.unwrap_or(PAGE_ENTRIES);
    if take == 0 || take > PAGE_ENTRIES {
        return Err(bad("expected `take` from 1 to 100"));
    }
    let before = match query.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(bad("expected the `cursor` of a former page")),
    };
    let page = app
        .store
        .webhook_attempts(custodian.environment_id, before, take)
        .await?;
    let full = u32::try_from(page.entries.len()).is_ok_and(|entries| entries == take);
    let last = page.entries.last().filter(|_| full);
    Ok(axum::Json(Page {
        metadata: PageMetadata {
            cursor: last.map(|last| last.id.to_string()),
            take,
            total: page.total,
        },
        results: page.entries.iter().map(delivery).collect(),
    }))
}

/// An API key that was stolen must not be enough to be sent the shares of later backups, where the
/// operator says so.
async fn may_send_to(
    app: &App,
    custodian: CustodianAuth,
    base_url: Option<&str>,
) -> Result<(), ApiError> {
    let Some(base_url) = base_url.filter(|_| app.limits.fixed_webhooks) else {
        return Ok(());
    };
    let stored = app.store.webhook(custodian.environment_id).await?;
    if stored.is_some_and(|stored| stored.base_url == base_url) {
        return Ok(());
    }
    let what = "only the operator of this server says where webhooks go (`portal custodian \
                webhook move`); leave `baseUrl` out";
    Err(ApiError::new(ErrorId::Forbidden, what))
}

async fn answer(
    app: &App,
    custodian: CustodianAuth,
    drawn: Option<&SigningSecret>,
) -> Result<Response, ApiError> {
    let (store, now) = (app.store.as_ref(), app.clock.now());
    let state = settings::state(store, custodian.environment_id, drawn, now).await?;
    // It may hold a secret, which is nothing for a cache on the way.
    Ok(([(CACHE_CONTROL, "no-store")], axum::Json(state)).into_response())
}
