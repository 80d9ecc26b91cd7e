//! A request whose handler panics ends by itself, and takes nothing else with it.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;

/// What `next` answers, or `failed` in the place of a handler that panicked: a layer of a router, below
/// the one that gives the request its span. What the panic said is on standard error.
pub async fn caught(request: Request, next: Next, failed: impl FnOnce() -> Response) -> Response {
    // Nothing that it held is used any more: its transaction is rolled back, its claims end by
    // themselves.
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| {
        tracing::error!("a handler panicked");
        failed()
    })
}
