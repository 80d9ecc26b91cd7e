//! Calls to custodians' backends, counted.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use portal_api::webhook::WebhookRoute;
use url::Url;

use super::{CallOutcome, Metrics};
use crate::webhook::{WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable};

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

/// The call, by what its URL ends in: the receiver's base URL stands before it.
fn name_of(url: &Url) -> &'static str {
    let path = url.path();
    let is_called = |route: &WebhookRoute| {
        let base = path.strip_suffix(route.path());
        base.is_some_and(|base| base.ends_with('/'))
    };
    let route = WebhookRoute::ALL.into_iter().find(is_called);
    route.map_or("other", name)
}

const fn name(route: WebhookRoute) -> &'static str {
    match route {
        WebhookRoute::Store => "store",
        WebhookRoute::Fetch => "fetch",
        WebhookRoute::Prove => "prove",
        WebhookRoute::Recover => "recover",
        WebhookRoute::Release => "released",
        WebhookRoute::Approve => "approve",
    }
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

#[cfg(test)]
mod tests {
    use super::{name, name_of};
    use portal_api::webhook::WebhookRoute;

    #[test]
    fn every_call_has_its_name() {
        for route in WebhookRoute::ALL {
            let url = format!("https://acme.example/backup/{}", route.path());
            assert_eq!(name_of(&url.parse().expect("a URL")), name(route), "{url}");
        }
        let other = "https://acme.example/rollback".parse().expect("a URL");
        assert_eq!(name_of(&other), "other");
    }
}
