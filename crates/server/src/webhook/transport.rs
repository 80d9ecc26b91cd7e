//! How a call gets to a custodian's backend: over HTTP, or over a simulated network.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::redirect::Policy;
use url::Url;
use zeroize::Zeroizing;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Room for every share of a client who has made thousands of backups.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// One call: a POST with a JSON body. Its headers and its body hold secrets.
pub struct WebhookCall {
    /// Where it goes; checked against the policy.
    pub url: Url,
    /// Names and values, besides the content type.
    pub headers: [(&'static str, Zeroizing<String>); 2],
    /// JSON.
    pub body: Zeroizing<Vec<u8>>,
}

/// What came back.
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: Zeroizing<Vec<u8>>,
}

/// No answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUnreachable {
    /// Not in time.
    #[error("the custodian's webhook did not answer within 10 seconds")]
    TimedOut,
    /// There is no connection.
    #[error("the custodian's webhook cannot be reached")]
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
    /// [`WebhookUnreachable`]; whether the call arrived is then not known.
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable>;
}

/// Over HTTP: without redirects, and past any proxy.
pub struct HttpWebhooks(reqwest::Client);

impl HttpWebhooks {
    /// A client of its own.
    ///
    /// # Errors
    ///
    /// Where no TLS can be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .redirect(Policy::none())
            // The policy looks at the URL: the connection must go there and nowhere else.
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent("portal-webhook/1")
            .build()
            .map(Self)
    }
}

#[async_trait]
impl WebhookTransport for HttpWebhooks {
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        let mut request = self
            .0
            .post(call.url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(call.body.to_vec());
        for (name, value) in &call.headers {
            request = request.header(*name, value.as_str());
        }
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES {
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

/// `reqwest`'s own text names the URL; what went wrong is enough.
fn unreachable(error: &reqwest::Error) -> WebhookUnreachable {
    if error.is_timeout() {
        WebhookUnreachable::TimedOut
    } else if error.is_connect() {
        WebhookUnreachable::NoConnection
    } else {
        WebhookUnreachable::Broken
    }
}
