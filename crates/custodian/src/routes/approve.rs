//! Portal's question before a signature.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::webhook::ApproveSignature;

use super::webhook::FromPortal;
use crate::Decision;
use crate::refusal::Refusal;
use crate::router::Shared;

/// POST `/sign/approve`. The call is Portal's, and is answered once: a yes that was caught on its
/// way is no yes to another request.
pub(crate) async fn approve(
    State(shared): State<Shared>,
    FromPortal(request): FromPortal<ApproveSignature>,
) -> Result<StatusCode, Refusal> {
    let approver = shared.approver.as_ref().ok_or(Refusal::NoSuchPath)?;
    match approver.approve(&request).await {
        Decision::Allow => Ok(StatusCode::NO_CONTENT),
        Decision::Deny { reason } => Err(Refusal::Denied(reason)),
        Decision::Unavailable => Err(Refusal::NoDecision),
    }
}
