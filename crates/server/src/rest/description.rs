//! What the service says of itself.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;

static OPENAPI: LazyLock<String> = LazyLock::new(crate::openapi::openapi);

/// Gives this description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "readOpenApi",
    tag = "operations",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object, content_type = "application/json"))
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        OPENAPI.as_str(),
    )
}
