//! Whether the server runs, and whether it can serve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::App;
use crate::readiness::{self, Report, Status};

/// Says that the process answers.
///
/// It asks nothing else, so that no failing database gets the process killed.
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

/// Says whether the server can serve, and what it found when it looked.
///
/// 200 where database and KMS answer and the server was not told to stop, else 503. A share that
/// waits too long for its custodian makes it `degraded`, with 200.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "isReady",
    tag = "operations",
    responses(
        (status = 200, description = "It can.", body = Report),
        (status = 503, description = "It cannot.", body = Report),
    )
)]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Report>) {
    let report = readiness::look(&app).await;
    let status = match report.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::Draining | Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report))
}
