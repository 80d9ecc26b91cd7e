//! REST calls as anybody could make them, without the SDK.

use reqwest::Method;
use serde_json::Value;

/// An answer of any status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The id of the problem, if it is one.
    pub(crate) fn id(&self) -> &str {
        self.body.get("id").and_then(Value::as_str).unwrap_or("-")
    }

    /// The problem without what differs from call to call.
    pub(crate) fn without_trace(mut self) -> Self {
        if let Some(body) = self.body.as_object_mut() {
            body.remove("traceId");
        }
        self
    }

    /// Expects a problem.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, id: &str, when: &str) {
        assert_eq!(
            (self.status, self.id()),
            (status, id),
            "{when}: expected the left, seen the right of {self:?}"
        );
    }
}

/// Calls `url`; an empty answer is `null`.
pub(crate) async fn call(method: Method, url: String, token: &str, body: Option<Value>) -> Answer {
    let mut request = reqwest::Client::new().request(method, url);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    Answer {
        status,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}
