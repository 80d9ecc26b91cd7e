//! What the service says of itself.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use portal_lifecycle::ErrorId;

use crate::ApiError;
use crate::body::Path;
use crate::openapi::problems;

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

problems!(Explaining: NotFound);

/// Tells what an error means, when it is raised, whether a retry helps, and what to do.
///
/// The page that `type` of a problem names, as this server's version has it.
#[utoipa::path(
    get,
    path = "/errors/{id}",
    operation_id = "readError",
    tag = "operations",
    params(("id" = ErrorId, Path, description = "The id of a problem.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/markdown"), Explaining)
)]
pub(crate) async fn error(Path(id): Path<String>) -> Result<impl IntoResponse, ApiError> {
    let id = ErrorId::from_wire(&id).ok_or_else(ApiError::not_found)?;
    let markdown = "text/markdown; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, markdown)], id.page().markdown()))
}
