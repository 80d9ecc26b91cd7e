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
    /// What is the matter.
    pub meaning: &'static str,
    /// Who raises it, and where; nothing while no code does.
    pub when: Option<&'static str>,
    /// Whether a retry helps.
    pub retry: Retry,
    /// What the caller should do.
    pub what_to_do: &'static str,
}

impl ErrorPage {
    /// The page, in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let retry = match self.retry {
            Retry::Yes => "Yes: the same call may succeed later, unchanged.",
            Retry::No => "No: not unless something else changes first.",
        };
        format!(
            "# {id}\n\n{title}.\n\n\
             - **What it means:** {meaning}\n\
             - **When:** {when}\n\
             - **Retry:** {retry}\n\
             - **What to do:** {what_to_do}\n\
             - **HTTP status:** {status}, unless an occurrence says otherwise\n",
            id = self.id,
            title = self.title,
            meaning = self.meaning,
            when = self.when.unwrap_or("Not raised yet."),
            what_to_do = self.what_to_do,
            status = self.id.http_status(),
        )
    }
}
