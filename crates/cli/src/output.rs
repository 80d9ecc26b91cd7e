//! What the program prints: lines for people, or one JSON document for scripts.

use std::io::Write as _;

use portal_sdk::Error;
use serde_json::{Value, json};

/// Where results go.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// A line for people only.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        if !self.json {
            print(line.as_ref());
        }
    }

    /// The result: for people as `lines`, for scripts as `document`.
    pub(crate) fn result(self, lines: impl AsRef<str>, document: &Value) {
        if self.json {
            print(&document.to_string());
        } else {
            print(lines.as_ref());
        }
    }

    /// A document that is JSON for people and scripts alike.
    pub(crate) fn document(self, text: &str) {
        print(text.trim_end());
    }

    /// What went wrong, on standard error, with the id of its page if it has one.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let known = error.downcast_ref::<Error>();
        if !self.json {
            eprintln!("error: {error:#}");
            if let Some(known) = known {
                eprintln!("  what to do: {}", known.id().page().what_to_do);
                if let Some(trace_id) = known.trace_id() {
                    eprintln!("  trace id: {trace_id}");
                }
            }
            return;
        }
        let document = known.map_or_else(
            || json!({ "error": { "detail": format!("{error:#}") } }),
            |known| {
                json!({ "error": {
                    "id": known.id(),
                    "detail": known.detail(),
                    "retryable": known.is_retryable(),
                    "traceId": known.trace_id(),
                } })
            },
        );
        eprintln!("{document}");
    }
}

/// A reader that has seen enough and closed the pipe is no failure of what was done.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
