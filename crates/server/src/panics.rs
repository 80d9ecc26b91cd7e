//! A request whose handler panics is answered as any that fails.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::ApiError;

/// Answers in the place of a handler that panicked.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let failed = || ApiError::internal("a request was not handled to its end").into_response();
    portal_serving::caught(request, next, failed).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use portal_api::{PROBLEM_MEDIA_TYPE, Problem, TRACE_HEADER};
    use portal_lifecycle::ErrorId;

    async fn panicking() {
        panic!("of a test");
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        // Another test of this process may have done it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let router = crate::serve::layered(Router::new().route("/", get(panicking)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(axum::serve(listener, router).into_future());
        let answer = reqwest::get(format!("http://{address}/")).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], PROBLEM_MEDIA_TYPE);
        let trace = answer.headers()[TRACE_HEADER].clone();
        let problem: Problem =
            serde_json::from_str(&answer.text().await.expect("text")).expect("a problem");
        assert_eq!(problem.id, ErrorId::InternalError);
        assert_eq!(trace, problem.trace_id.to_string());
        assert!(!problem.detail.contains("of a test"), "{problem:?}");
    }
}
