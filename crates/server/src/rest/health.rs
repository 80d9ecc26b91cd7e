//! Whether the server runs, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;

use crate::{ApiError, App};

/// Says that the process answers.
#[utoipa::path(
    get,
    path = "/live",
    operation_id = "isLive",
    tag = "operations",
    responses((status = 204, description = "It does."))
)]
pub(crate) async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Says whether the server can serve: its database answers too.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "isReady",
    tag = "operations",
    responses((status = 204, description = "It can."))
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<StatusCode, ApiError> {
    app.store.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}
