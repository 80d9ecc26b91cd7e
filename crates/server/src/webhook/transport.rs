//! How a call gets to a custodian's backend: over HTTP, or over a simulated network.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portal_lifecycle::ids::EnvironmentId;
use reqwest::redirect::Policy;
use url::Url;
use zeroize::Zeroizing;

use super::WebhookPolicy;
use super::resolver::{CALLER, Judged, Resolver, SystemResolver};

/// Longest wait for an answer, from the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One call: a POST with a JSON body. Its headers and its body hold secrets.
pub struct WebhookCall {
    /// Whose webhook it is.
    pub environment_id: EnvironmentId,
    /// Where it goes; checked against the policy.
    pub url: Url,
    /// Names and values, besides the content type.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// JSON.
    pub body: Zeroizing<Vec<u8>>,
    /// Longest answer, in bytes.
    pub answer_bytes: usize,
}

/// What came back.
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: Zeroizing<Vec<u8>>,
}

/// No answer came.
///
/// What is told is the same whatever is at an address that nobody may call: it was not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUnreachable {
    /// The name leads nowhere, or nobody knows where.
    #[error(
        "the name in the webhook's URL does not resolve; check the URL, and the name's records"
    )]
    Unresolved,
    /// The name leads where webhooks may not go.
    #[error(
        "the name in the webhook's URL leads to an address that is not public; nothing was sent. \
         The operator may allow private ones (--allow-private-webhooks)"
    )]
    NotPublic,
    /// Not in time.
    #[error("the custodian's webhook did not answer in full within 10 seconds")]
    TimedOut,
    /// There is no connection.
    #[error("the custodian's webhook cannot be reached, or its TLS certificate is not valid")]
    NoConnection,
    /// The connection ended before the answer did.
    #[error("the connection to the custodian's webhook broke")]
    Broken,
    /// It is too long.
    #[error("the custodian's answer is too large")]
    TooLarge,
}

/// Carries calls to custodians' backends.
#[async_trait]
pub trait WebhookTransport: Send + Sync + 'static {
    /// Makes a call and takes its answer, of whatever status, within ten seconds.
    ///
    /// # Errors
    ///
    /// [`WebhookUnreachable`]; whether the call arrived is then not known, but for a name that
    /// leads nowhere or where it may not.
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable>;
}

/// Over HTTP: each call on a connection of its own, to an address that the policy allows, without
/// redirects and past any proxy.
pub struct HttpWebhooks(reqwest::Client);

impl HttpWebhooks {
    /// A client of its own, with this machine's resolver.
    ///
    /// # Errors
    ///
    /// Where no TLS can be set up.
    pub fn new(policy: WebhookPolicy) -> Result<Self, reqwest::Error> {
        Self::with_resolver(policy, Arc::new(SystemResolver::default()))
    }

    /// The same, with another resolver.
    ///
    /// # Errors
    ///
    /// Where no TLS can be set up.
    pub fn with_resolver(
        policy: WebhookPolicy,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .redirect(Policy::none())
            // The policy looks at the URL: the connection must go there and nowhere else.
            .no_proxy()
            .dns_resolver(Arc::new(Judged::new(policy, resolver)))
            // A connection that is kept leads where the name led once.
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .user_agent("portal-webhook/1")
            .build()
            .map(Self)
    }

    async fn exchange(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        let mut request = self
            .0
            .post(call.url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(call.body.to_vec());
        for (name, value) in &call.headers {
            request = request.header(*name, value.as_str());
        }
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let longest = u64::try_from(call.answer_bytes).unwrap_or(u64::MAX);
        if response.content_length().is_some_and(|said| said > longest) {
            return Err(WebhookUnreachable::TooLarge);
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if body.len().saturating_add(chunk.len()) > call.answer_bytes {
                return Err(WebhookUnreachable::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(WebhookAnswer {
            status: response.status().as_u16(),
            body,
        })
    }
}

#[async_trait]
impl WebhookTransport for HttpWebhooks {
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        // Around everything, whatever of it the client's own limit covers.
        let caller = call.environment_id;
        tokio::time::timeout(TIMEOUT, CALLER.scope(caller, self.exchange(call)))
            .await
            .unwrap_or(Err(WebhookUnreachable::TimedOut))
    }
}

/// `reqwest`'s own text names the URL; what went wrong is enough.
fn unreachable(error: &reqwest::Error) -> WebhookUnreachable {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(judged) = error.downcast_ref::<WebhookUnreachable>() {
            return *judged;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        WebhookUnreachable::TimedOut
    } else if error.is_connect() {
        WebhookUnreachable::NoConnection
    } else {
        WebhookUnreachable::Broken
    }
}
