//! What a caller of the SDK sees when something fails.

use core::fmt;

use portal_api::Problem;
use portal_backup::BackupError;
use portal_chains::ChainError;
use portal_keychain::KeychainError;
use portal_lifecycle::ids::TraceId;
use portal_lifecycle::{ErrorId, OperationKind, Refusal};
use portal_mpc::{Abort, Check, ShareError};

/// Why an operation failed; whatever was there before still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    id: ErrorId,
    detail: String,
    retryable: bool,
    http_status: Option<u16>,
    trace_id: Option<TraceId>,
    /// The server was caught cheating: the pair must not be used again.
    strike: bool,
}

impl Error {
    /// An error of this reference, raised around the SDK; `detail` says what was expected, what
    /// came, and what to do.
    pub fn new(id: ErrorId, detail: impl Into<String>) -> Self {
        Self {
            id,
            detail: detail.into(),
            retryable: id.is_retryable(),
            http_status: None,
            trace_id: None,
            strike: false,
        }
    }

    /// What to branch on; each id has a page in the error reference.
    #[must_use]
    pub const fn id(&self) -> ErrorId {
        self.id
    }

    /// What was expected, what came, and what to do.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The operation, as the server's log has it, and the log of the custodian's backend.
    #[must_use]
    pub const fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// Says which operation failed, unless the server already has.
    pub(crate) fn of_trace(mut self, trace_id: TraceId) -> Self {
        self.trace_id.get_or_insert(trace_id);
        self
    }

    pub(crate) const fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    pub(crate) fn from_abort(run: Run, abort: &Abort) -> Self {
        let id = match abort {
            Abort::SessionMismatch { .. } => ErrorId::MpcSessionMismatch,
            Abort::Unsupported { .. } => ErrorId::MpcProtocolUnsupported,
            Abort::Blamed {
                check: Check::Possession,
                ..
            } => run.share_mismatch(),
            Abort::Blamed { .. } => ErrorId::MpcPeerMisbehaved,
            Abort::Engine { .. } => run.failed(),
        };
        Self {
            strike: abort.is_strike(),
            ..Self::new(id, abort.to_string())
        }
    }

    pub(crate) const fn is_strike(&self) -> bool {
        self.strike
    }

    /// What is wrong with a share that this device stored.
    pub(crate) fn from_own_share(error: ShareError) -> Self {
        let id = match error {
            ShareError::Unsupported { .. } => ErrorId::MpcProtocolUnsupported,
            ShareError::Malformed | ShareError::Inconsistent => ErrorId::SignShareMismatch,
        };
        Self::new(id, format!("the share in the keychain: {error}"))
    }

    pub(crate) fn closed() -> Self {
        Self::new(
            ErrorId::WsClosed,
            "the server closed the connection before the session ended; run the operation again",
        )
    }

    /// `UNAVAILABLE`: somebody whom an operation needs cannot be reached, or broke off.
    #[must_use]
    pub fn unreachable(what: &str) -> Self {
        Self::new(ErrorId::Unavailable, format!("{what}; try again shortly"))
    }
}

/// What an MPC session does, as far as its errors are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Pair(OperationKind),
    Sign,
}

impl Run {
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.detail)
    }
}

impl std::error::Error for Error {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self {
            id: problem.id,
            detail: problem.detail,
            retryable: problem.retryable,
            http_status: Some(problem.status),
            trace_id: Some(problem.trace_id),
            strike: false,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.id(), refusal.to_string())
    }
}

impl From<KeychainError> for Error {
    fn from(error: KeychainError) -> Self {
        Self::new(error.id(), error.to_string())
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        Self::new(error.id(), error.to_string())
    }
}

impl From<ChainError> for Error {
    fn from(error: ChainError) -> Self {
        let id = ErrorId::from_wire(error.id()).unwrap_or(ErrorId::InternalError);
        Self::new(id, error.to_string())
    }
}
