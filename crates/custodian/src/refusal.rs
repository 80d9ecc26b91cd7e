//! The one place where what went wrong becomes what a caller hears.

use core::error::Error;
use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_api::{PROBLEM_MEDIA_TYPE, Problem};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::TraceId;

use crate::blinded::SealRefusal;
use crate::webhook_auth::NotPortals;
use crate::{AppAuthError, InsertError, RecoveryError, StoreError};

/// Why a request is not answered as asked.
///
/// Rides in the response until [`crate::trace`], which knows the trace id, writes it out.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// The call is not Portal's, or cannot be told from one that was heard before.
    NotPortals(NotPortals),
    /// The app's login lets the request in for no client.
    AppAuth(AppAuthError),
    /// No such cipher text, or another client's: the two are not told apart.
    NoCipherText,
    /// Not both shares of the pair are here, as Portal made them.
    NoShare,
    /// The app's backend did not show its secret.
    BackendSecret,
    /// The app's own rules deny a signature; the text says why.
    Denied(String),
    /// The app's own rules cannot be asked now.
    NoDecision,
    /// This backend takes sealed backups only.
    PlainShare,
    /// This backend takes no sealed backups.
    NoSealing,
    /// No recovery of the client is open.
    RecoveryNotOpen,
    /// What the client sealed served another request.
    Replayed,
    /// A sealed backup was not taken, or a blinded share not given.
    Seal(SealRefusal),
    /// No such path.
    NoSuchPath,
    /// The path does not know the method.
    NoSuchMethod,
    /// The body is over the path's limit.
    BodyTooLarge,
    /// The cipher text is over [`CIPHER_TEXT_BYTES`].
    CipherTextTooLarge,
    /// The body is not declared as JSON.
    NotJson,
    /// The request is not well formed; the text names the field, never its value.
    Malformed(String),
    /// Something else is stored under the ids.
    Taken,
    /// Storage failed; the log has the rest.
    Store(Arc<StoreError>),
    /// The handler panicked, or what it asked of the app did.
    Panicked,
}

impl Refusal {
    /// The problem document, for one occurrence.
    pub(crate) fn problem(&self, trace_id: TraceId) -> Problem {
        let problem = |id, detail: &str| Problem::new(id, detail, trace_id);
        match self {
            Self::NotPortals(reason) => problem(ErrorId::AuthFailed, &reason.to_string()),
            Self::AppAuth(AppAuthError::Refused) => problem(
                ErrorId::AuthFailed,
                "the app's credential for this client is missing or not accepted",
            ),
            Self::AppAuth(AppAuthError::Unavailable) => {
                problem(ErrorId::Unavailable, "the app's login does not answer")
            }
            Self::NoCipherText => problem(
                ErrorId::NotFound,
                "no cipher text of this method is stored for this client and pair",
            ),
            Self::NoShare => problem(
                ErrorId::CustodianShareNotFound,
                "the shares of this pair are not stored here",
            )
            .with_status(StatusCode::CONFLICT.as_u16()),
            Self::BackendSecret => problem(
                ErrorId::AuthFailed,
                "expected the secret of the app's backend in the header authorization: Bearer …",
            ),
            Self::Denied(reason) => problem(ErrorId::Forbidden, reason),
            Self::NoDecision => problem(
                ErrorId::Unavailable,
                "whether this may be signed cannot be found out now",
            ),
            Self::PlainShare => problem(
                ErrorId::BackupModeMismatch,
                "expected a sealed backup share, got a plain one, which this backend does not take; \
                 nothing was stored. Set the environment's backup mode to sealed, or have the \
                 backend take plain backups too",
            ),
            Self::NoSealing => problem(
                ErrorId::NotFound,
                "this backend has no sealing keys; start it with some to take sealed backups",
            ),
            Self::RecoveryNotOpen => problem(
                ErrorId::RecoveryNotOpen,
                "the app's backend opened no recovery for this client, or it is over or used up",
            ),
            Self::Replayed => problem(
                ErrorId::BackupShareMismatch,
                "these blinds served another request; draw new ones",
            ),
            Self::Seal(refusal) => seal_problem(refusal, trace_id),
            Self::NoSuchPath => problem(ErrorId::NotFound, "there is no such path"),
            Self::NoSuchMethod => problem(
                ErrorId::BadRequest,
                "this path does not know the method; the header allow names those it knows",
            )
            .with_status(StatusCode::METHOD_NOT_ALLOWED.as_u16()),
            Self::BodyTooLarge => problem(
                ErrorId::PayloadTooLarge,
                "the body is larger than this path takes",
            ),
            Self::CipherTextTooLarge => problem(
                ErrorId::PayloadTooLarge,
                &format!("cipherText is over {CIPHER_TEXT_BYTES} bytes"),
            ),
            Self::NotJson => problem(
                ErrorId::BadRequest,
                "expected the header content-type: application/json",
            )
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16()),
            Self::Malformed(detail) => problem(ErrorId::BadRequest, detail),
            Self::Taken => problem(
                ErrorId::BackupShareMismatch,
                "something else is stored under this backupSharePairId; it stays, and nothing of this request was stored",
            ),
            Self::Panicked => problem(
                ErrorId::InternalError,
                "the log has the rest under this traceId",
            ),
            Self::Store(error) => match **error {
                StoreError::Unavailable { .. } => {
                    problem(ErrorId::Unavailable, "the share store does not answer")
                }
                StoreError::Failed { .. }
                | StoreError::Corrupt { .. }
                | StoreError::TooLarge { .. }
                | StoreError::Unsealing { .. } => problem(
                    ErrorId::InternalError,
                    "the log has the rest under this traceId",
                ),
            },
        }
    }

    /// What the log says and the caller does not hear: a fault of this backend, with its causes.
    pub(crate) fn fault(&self) -> Option<String> {
        let Self::Store(error) = self else {
            return None;
        };
        let mut told = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            told.push_str(": ");
            told.push_str(&error.to_string());
            cause = error.source();
        }
        Some(told)
    }
}

fn seal_problem(refusal: &SealRefusal, trace_id: TraceId) -> Problem {
    let problem = |id, detail: &str| Problem::new(id, detail, trace_id);
    match refusal {
        SealRefusal::Malformed(field) => problem(
            ErrorId::BadRequest,
            &format!("the field {field} is not what a sealed backup has there"),
        ),
        SealRefusal::UnknownKey => problem(
            ErrorId::SealingKeyUnknown,
            "sealed to a key that is not here; fetch the keys anew",
        ),
        SealRefusal::NotOpened => problem(
            ErrorId::DecryptFailed,
            "the seal does not open for this client, pair, wallet, curve, generation and key",
        ),
        SealRefusal::Mismatch => problem(
            ErrorId::BackupShareMismatch,
            "the sealed scalar, the points and the server's part do not fit one another",
        ),
        SealRefusal::Proof => problem(
            ErrorId::BackupShareMismatch,
            "expected a proof that the client holds its share of this pair",
        ),
        SealRefusal::NoShare => problem(
            ErrorId::CustodianShareNotFound,
            "no sealed backup of this pair is stored here",
        )
        .with_status(StatusCode::CONFLICT.as_u16()),
    }
}

/// A problem document as a response.
pub(crate) fn problem_response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<InsertError> for Refusal {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Taken => Self::Taken,
            InsertError::Store(error) => error.into(),
        }
    }
}

impl From<SealRefusal> for Refusal {
    fn from(refusal: SealRefusal) -> Self {
        Self::Seal(refusal)
    }
}

impl From<RecoveryError> for Refusal {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::NotOpen => Self::RecoveryNotOpen,
            RecoveryError::Replayed => Self::Replayed,
            RecoveryError::Store(error) => error.into(),
        }
    }
}

impl From<AppAuthError> for Refusal {
    fn from(error: AppAuthError) -> Self {
        Self::AppAuth(error)
    }
}
