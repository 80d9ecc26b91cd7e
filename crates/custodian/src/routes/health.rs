//! Whether the process lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::refusal::Refusal;
use crate::router::Shared;

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

/// GET `/live`: the process answers. Asks nothing else, so that no failing store gets it killed.
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// GET `/ready`: the store answers too.
pub(crate) async fn ready(State(shared): State<Shared>) -> Result<Json<Health>, Refusal> {
    shared.store.ping().await?;
    Ok(Json(Health { status: "ready" }))
}
