//! What stands on the page of each error.

use crate::ErrorId;

/// Whether the same call may succeed later, unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not unless something else changes first.
    No,
    /// Yes: it failed for a passing reason, and nothing was lost.
    Yes,
}

/// One page of the error reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorPage {
    /// The id that callers branch on.
    pub id: ErrorId,
    /// A short title, the same for every occurrence (RFC 9457 §3.1.3).
    pub title: &'static str,
    /// When it is raised.
    pub meaning: &'static str,
    /// Whether a retry helps.
    pub retry: Retry,
    /// What the caller should do.
    pub what_to_do: &'static str,
}
