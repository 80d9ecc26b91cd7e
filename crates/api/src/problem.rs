//! Problem documents (RFC 9457).

use portal_lifecycle::ids::TraceId;
use portal_lifecycle::{ErrorId, Timestamp};
use serde::{Deserialize, Serialize};

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The page of an id in the published error reference.
///
/// The same wherever it is raised: a type is what an error is known by (RFC 9457 §3.1.1), so it
/// names no installation. Each server gives its own copy at `/errors/{id}`.
fn reference(id: ErrorId) -> String {
    format!("https://github.com/portal-mpc/portal/blob/main/docs/errors/{id}.md")
}

/// An error as every caller sees it, over REST and WebSocket alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The page of the error reference.
    #[serde(rename = "type")]
    pub reference: String,
    /// The title of that page.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was expected, what came, and what to do, for this occurrence. Never a secret.
    pub detail: String,
    /// The id to branch on.
    pub id: ErrorId,
    /// Whether the same call may succeed later, unchanged.
    pub retryable: bool,
    /// The request, as the logs have it.
    pub trace_id: TraceId,
}

impl Problem {
    /// Describes an occurrence of `id`.
    #[must_use]
    pub fn new(id: ErrorId, detail: impl Into<String>, trace_id: TraceId) -> Self {
        Self {
            reference: reference(id),
            title: id.page().title.to_owned(),
            status: id.http_status(),
            detail: detail.into(),
            id,
            retryable: id.is_retryable(),
            trace_id,
        }
    }

    /// What a service says to a connection that it has no place for. Nothing was read of it, so
    /// it has no trace: the id is of zeros, as far as one can be.
    #[must_use]
    pub fn of_full_service() -> Self {
        let what = "this service has as many connections as it may, in all or of your address; try \
                    again shortly";
        Self::new(
            ErrorId::Unavailable,
            what,
            TraceId::make(Timestamp::from_ms(0), [0; 10]),
        )
    }

    /// The same problem under another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}
