//! Where internal errors become public ones.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portal_api::{PROBLEM_MEDIA_TYPE, Problem};
use portal_lifecycle::ids::TraceId;
use portal_lifecycle::{ErrorId, OperationKind, Refusal};
use portal_mpc::{Abort, Check, ShareError};
use portal_serving::ProblemId;
use portal_store::kms::KmsError;
use portal_store::{CommitError, StoreError};

use crate::trace;
use crate::webhook::WebhookSettingsError;

/// An error as a caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    id: ErrorId,
    detail: String,
    status: u16,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// An occurrence of `id`. `detail` says what was expected, what came, and what to do; it
    /// repeats no secret.
    pub(crate) fn new(id: ErrorId, detail: impl Into<String>) -> Self {
        Self {
            id,
            detail: detail.into(),
            status: id.http_status(),
            retry_after_s: None,
        }
    }

    /// The same, with when to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    #[cfg(test)]
    pub(crate) const fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// What callers branch on.
    #[must_use]
    pub const fn id(&self) -> ErrorId {
        self.id
    }

    /// What was expected, what came, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            ErrorId::NotFound,
            "there is no such thing, or it is not yours to see",
        )
    }

    pub(crate) fn wrong_method() -> Self {
        let what = "this path is there, but not for this method; see the list of endpoints";
        Self {
            status: 405,
            ..Self::new(ErrorId::BadRequest, what)
        }
    }

    /// RFC 9110 §15.5.16.
    pub(crate) fn no_json() -> Self {
        let what = "expected a body of `Content-Type: application/json`";
        Self {
            status: 415,
            ..Self::new(ErrorId::BadRequest, what)
        }
    }

    /// RFC 9110 §15.5.22.
    pub(crate) fn no_upgrade() -> Self {
        let what = "expected the upgrade to a WebSocket, version 13 (RFC 6455 section 4.1)";
        Self {
            status: 426,
            ..Self::new(ErrorId::BadRequest, what)
        }
    }

    /// A body that did not arrive in time (RFC 9110 §15.5.9).
    pub(crate) fn too_slow(what: String) -> Self {
        Self {
            status: 408,
            ..Self::new(ErrorId::BadRequest, what)
        }
    }

    pub(crate) fn internal(what: &'static str) -> Self {
        Self::new(
            ErrorId::InternalError,
            format!("{what}; the log has the rest"),
        )
    }

    /// What became of an MPC run.
    pub(crate) fn from_abort(operation: Operation, abort: &Abort) -> Self {
        let id = match abort {
            Abort::SessionMismatch { .. } => ErrorId::MpcSessionMismatch,
            Abort::Unsupported { .. } => ErrorId::MpcProtocolUnsupported,
            Abort::Blamed {
                check: Check::Possession,
                ..
            } => operation.share_mismatch(),
            Abort::Blamed { .. } => ErrorId::MpcPeerMisbehaved,
            Abort::Engine { .. } => operation.failed(),
        };
        Self::new(id, abort.to_string())
    }

    /// What is wrong with a share that this server stored.
    pub(crate) fn from_own_share(error: ShareError) -> Self {
        tracing::error!(%error, "a stored share cannot be used");
        match error {
            ShareError::Unsupported { .. } => Self::new(
                ErrorId::MpcProtocolUnsupported,
                format!("the server's share: {error}"),
            ),
            ShareError::Malformed | ShareError::Inconsistent => {
                Self::internal("the server's share cannot be read")
            }
        }
    }

    pub(crate) fn problem(&self, trace_id: TraceId) -> Problem {
        Problem::new(self.id, self.detail.clone(), trace_id).with_status(self.status)
    }
}

/// What an MPC session does, as far as its errors are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Pair(OperationKind),
    Sign,
}

impl Operation {
    const fn failed(self) -> ErrorId {
        match self {
            Self::Pair(OperationKind::Generate) => ErrorId::DkgFailed,
            Self::Pair(_) => ErrorId::ReshareFailed,
            Self::Sign => ErrorId::SignFailed,
        }
    }

    const fn share_mismatch(self) -> ErrorId {
        match self {
            Self::Pair(OperationKind::Recover) => ErrorId::BackupShareMismatch,
            Self::Pair(_) | Self::Sign => ErrorId::SignShareMismatch,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self {
            id: refusal.id(),
            detail: refusal.to_string(),
            status: refusal.http_status(),
            retry_after_s: None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "storage failed");
        match error {
            StoreError::Unavailable { .. } => Self::new(
                ErrorId::Unavailable,
                "the database does not answer; try again shortly",
            ),
            StoreError::Kms {
                source: KmsError::Unavailable { .. },
            } => Self::new(
                ErrorId::Unavailable,
                "the KMS does not answer; try again shortly",
            ),
            StoreError::ClaimLost => crate::idempotency::in_progress(),
            StoreError::Statement { .. }
            | StoreError::Kms { .. }
            | StoreError::Refused { .. }
            | StoreError::Migration { .. }
            | StoreError::AnotherSchema { .. }
            | StoreError::AnotherKey { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Unsealing { .. }
            | StoreError::NoSuchRow { .. }
            | StoreError::HistoryRewritten { .. }
            | StoreError::OutOfRange { .. } => Self::internal("storage failed"),
        }
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::new(
                ErrorId::OperationInProgress,
                "the wallet is being changed by another request; try again",
            ),
            CommitError::Overtaken => Self::new(
                ErrorId::OperationInProgress,
                "the signing policy changes faster than a request is judged; try again",
            ),
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<WebhookSettingsError> for ApiError {
    fn from(error: WebhookSettingsError) -> Self {
        let id = match error {
            WebhookSettingsError::Url(_)
            | WebhookSettingsError::Secret(_)
            | WebhookSettingsError::TooLong => ErrorId::BadRequest,
            WebhookSettingsError::NotConfigured => ErrorId::WebhookNotConfigured,
            WebhookSettingsError::Busy => ErrorId::OperationInProgress,
            WebhookSettingsError::Store(error) => return error.into(),
        };
        Self::new(id, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem(trace::current());
        tracing::info!(id = %self.id, detail = %self.detail, "answered with a problem");
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let media_type = HeaderValue::from_static(PROBLEM_MEDIA_TYPE);
        let mut response = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
        let headers = response.headers_mut();
        match self.status {
            // RFC 9110 §11.6.1, RFC 6750 §3.
            401 => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            426 => headers.insert(header::UPGRADE, HeaderValue::from_static("websocket")),
            _ => None,
        };
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
            .extensions_mut()
            .insert(ProblemId(self.id.as_str()));
        response
    }
}
