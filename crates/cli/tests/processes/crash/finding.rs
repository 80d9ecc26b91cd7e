//! What must not be.

use std::fmt;

/// Something that a run must not find.
pub(super) enum Finding {
    /// A wallet that nobody can sign for.
    Lost(String),
    /// A wallet that signs for another address than was handed out.
    Mismatched(String),
    /// Anything else that the lifecycle forbids.
    Forbidden(String),
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Mismatched(what) => write!(f, "mismatched: {what}"),
            Self::Forbidden(what) => write!(f, "forbidden: {what}"),
        }
    }
}
