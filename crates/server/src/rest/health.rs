//! Whether the server runs, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;

use crate::{ApiError, App};

/// `GET /live`: the process answers.
pub(crate) async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// `GET /ready`: the database answers too.
pub(crate) async fn ready(State(app): State<App>) -> Result<StatusCode, ApiError> {
    app.store.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}
