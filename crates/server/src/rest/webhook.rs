//! What a custodian's backend does with its webhook.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::rest::{
    Page, PageQuery, PutWebhook, WebhookDelivery, WebhookSettings, WebhookTest,
};
use portal_api::webhook::signature::SigningSecret;
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::EnvironmentId;
use portal_store::audit::{Actor, Origin};
use portal_store::{Act, CommitError, WebhookConfig};

use crate::auth::Custodian;
use crate::body::{Json, Query};
use crate::idempotency::{Answer, IdempotencyKey, Keeper, once};
use crate::openapi::problems;
use crate::page::{Wanted, page};
use crate::wallets::origin;
use crate::webhook::settings::{self, FORMER_LIFE_MAX_S, FORMER_LIFE_S, delivery};
use crate::webhook::{SecretChange, Webhook, WebhookChange, WebhookSettingsError};
use crate::{ApiError, App};

problems!(NoWebhook: WebhookNotConfigured);
problems!(TestingWebhook: WebhookNotConfigured, WebhookFailed);
problems!(PuttingWebhook: WebhookNotConfigured, OperationInProgress, Forbidden);

/// Configures the environment's webhook, or changes its secret: the former one stays in force for a
/// while.
///
/// Where the operator keeps the URLs to themselves, another URL than the one in force is forbidden.
#[utoipa::path(
    put,
    path = "/api/v3/custodians/me/webhook",
    operation_id = "putWebhook",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = PutWebhook,
    responses(
        (status = 200, description = "The webhook; a secret that was drawn is shown only here.", body = WebhookSettings),
        PuttingWebhook
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    key: IdempotencyKey,
    Json(body): Json<PutWebhook>,
) -> Result<Answer, ApiError> {
    let environment = custodian.environment_id;
    let origin = origin(Actor::Custodian(custodian.key));
    let (acting, asked) = (app.clone(), body.clone());
    // A rotation whose answer is lost would leave a receiver that knows neither secret for long.
    let changing = async move |keeper: Keeper| {
        let (drawn, answer) = change(&acting, keeper, environment, body, origin).await?;
        let rotated = drawn.is_some();
        tracing::info!(custodian = %custodian.custodian_id, rotated, "webhook changed");
        Ok(answer)
    };
    once(
        &app,
        key,
        environment,
        origin,
        "putWebhook",
        &asked,
        changing,
    )
    .await
}

async fn change(
    app: &App,
    keeper: Keeper,
    environment: EnvironmentId,
    body: PutWebhook,
    origin: Origin,
) -> Result<(Option<SigningSecret>, Answer), ApiError> {
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
    for _ in 0..settings::DECISIONS {
        let now = app.clock.now();
        let stored = store.webhook(environment).await?;
        may_send_to(app, stored.as_ref(), change.base_url.as_deref())?;
        let last = store.webhook_attempts(environment, None, 1).await?;
        let (next, drawn) = settings::decide(policy, stored, &change, now)?;
        let shown = settings::shown(next.clone(), last.entries.first(), drawn.as_ref(), now);
        let answer = Answer::json(StatusCode::OK, &shown)?;
        let act = Act::PutWebhook {
            environment,
            webhook: Box::new(next),
            origin,
            now,
        };
        match keeper.commit(act, &answer).await {
            Ok(()) => return Ok((drawn, answer)),
            Err(CommitError::Conflict | CommitError::Overtaken) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(WebhookSettingsError::Busy.into())
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
) -> Result<axum::Json<WebhookSettings>, ApiError> {
    let (store, now) = (app.store.as_ref(), app.clock.now());
    let state = settings::state(store, custodian.environment_id, None, now).await?;
    Ok(axum::Json(state))
}

/// Makes a signed call to the webhook now, and says how it ended.
///
/// It takes no `Idempotency-Key`: a second test is another call.
#[utoipa::path(
    post,
    path = "/api/v3/custodians/me/webhook/test",
    operation_id = "testWebhook",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    responses((status = 200, description = "How the call ended.", body = WebhookTest), TestingWebhook)
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
    let wanted = Wanted::parse(query.cursor.as_deref(), query.take)?;
    let found = app
        .store
        .webhook_attempts(custodian.environment_id, wanted.after, wanted.with_next())
        .await?;
    let results = found.entries.iter().map(delivery).collect();
    let cursor = |delivery: &WebhookDelivery| delivery.id.to_string();
    Ok(page(results, wanted.take, found.total, cursor))
}

/// An API key that was stolen must not be enough to be sent the shares of later backups, where the
/// operator says so.
fn may_send_to(
    app: &App,
    stored: Option<&WebhookConfig>,
    base_url: Option<&str>,
) -> Result<(), ApiError> {
    let Some(base_url) = base_url.filter(|_| app.limits.fixed_webhooks) else {
        return Ok(());
    };
    if stored.is_some_and(|stored| stored.base_url == base_url) {
        return Ok(());
    }
    let what = "only the operator of this server says where webhooks go (`portal custodian \
                webhook move`); leave `baseUrl` out";
    Err(ApiError::new(ErrorId::Forbidden, what))
}
