//! Calls to custodians' backends, counted.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use url::Url;

use super::{CallOutcome, Metrics};
use crate::webhook::{WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable};

/// The calls there are, the longest first: the receiver's base URL stands before them.
const CALLS: [(&str, &str); 5] = [
    ("/sign/approve", "approve"),
    ("/backup/released", "released"),
    ("/backup/prove", "prove"),
    ("/backup/fetch", "fetch"),
    ("/backup", "store"),
];

/// Counts what another transport carries.
pub(crate) struct CountedWebhooks {
    pub(crate) inner: Arc<dyn WebhookTransport>,
    pub(crate) metrics: Metrics,
}

#[async_trait]
impl WebhookTransport for CountedWebhooks {
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        let begun = Instant::now();
        let name = name_of(&call.url);
        let answer = self.inner.post(call).await;
        let labels = CallOutcome {
            call: name,
            outcome: outcome_of(&answer),
        };
        let seconds = self.metrics.0.webhook_seconds.get_or_create(&labels);
        seconds.observe(begun.elapsed().as_secs_f64());
        answer
    }
}

fn name_of(url: &Url) -> &'static str {
    let path = url.path();
    let call = CALLS.iter().find(|(end, _)| path.ends_with(end));
    call.map_or("other", |(_, name)| name)
}

const fn outcome_of(answer: &Result<WebhookAnswer, WebhookUnreachable>) -> &'static str {
    match answer {
        Ok(WebhookAnswer { status, .. }) => match *status {
            200..300 => "ok",
            300..400 => "status_3xx",
            400..500 => "status_4xx",
            _ => "status_5xx",
        },
        Err(WebhookUnreachable::TimedOut) => "timed_out",
        Err(WebhookUnreachable::Unresolved) => "unresolved",
        Err(WebhookUnreachable::NotPublic) => "not_public",
        Err(_) => "unreachable",
    }
}
