//! Calls to a custodian's backend.

use std::time::Duration;

use portal_api::webhook::{
    BackupShares, FetchBackupShares, SECRET_HEADER, StoreBackupShare, StoredBackupShare,
};
use portal_api::{Base64Bytes, TRACE_HEADER};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::ClientId;
use portal_store::WebhookConfig;
use reqwest::redirect::Policy;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::{ApiError, trace};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Room for every share of a client who has made thousands of backups.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Where webhooks may go.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookPolicy {
    /// Whether plain HTTP to a loopback address is allowed: for development and one-machine set-ups.
    pub allow_http_to_loopback: bool,
}

/// A webhook's base URL that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Not a URL with a host.
    #[error("the webhook's URL: expected an absolute one such as https://example.com/portal")]
    Malformed,
    /// Neither HTTPS, nor HTTP to loopback where that is allowed.
    #[error(
        "the webhook's URL: expected https; http is for loopback addresses only, and only where it is allowed"
    )]
    Insecure,
}

impl WebhookPolicy {
    /// Checks a base URL.
    ///
    /// # Errors
    ///
    /// [`WebhookUrlError`].
    pub fn check(self, base_url: &str) -> Result<Url, WebhookUrlError> {
        let url = Url::parse(base_url).map_err(|_| WebhookUrlError::Malformed)?;
        let loopback = match url.host().ok_or(WebhookUrlError::Malformed)? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => Ok(url),
            "http" if loopback && self.allow_http_to_loopback => Ok(url),
            _ => Err(WebhookUrlError::Insecure),
        }
    }
}

/// Calls webhooks: without redirects, and for ten seconds at most.
pub(crate) struct WebhookClient {
    http: reqwest::Client,
    policy: WebhookPolicy,
}

impl WebhookClient {
    pub(crate) fn new(policy: WebhookPolicy) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            // The policy looks at the URL: the connection must go there and nowhere else.
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent("portal-webhook/1")
            .build()?;
        Ok(Self { http, policy })
    }

    /// Hands a share over, and checks the receipt if there is one.
    pub(crate) async fn store(
        &self,
        webhook: &WebhookConfig,
        share: &StoreBackupShare,
    ) -> Result<(), ApiError> {
        let answer = self.call(webhook, "backup", share).await?;
        let receipt = serde_json::from_slice::<StoredBackupShare>(&answer).unwrap_or_default();
        let digest = Base64Bytes(Sha256::digest(share.share.as_bytes()).to_vec());
        match receipt.digest {
            Some(given) if given != digest => Err(failed(
                "the custodian's receipt has the digest of another share",
            )),
            _ => Ok(()),
        }
    }

    /// Every share that the custodian holds for a client.
    pub(crate) async fn fetch(
        &self,
        webhook: &WebhookConfig,
        client_id: ClientId,
    ) -> Result<Zeroizing<Vec<String>>, ApiError> {
        let answer = self
            .call(webhook, "backup/fetch", &FetchBackupShares { client_id })
            .await?;
        serde_json::from_slice::<BackupShares>(&answer)
            .map(|shares| Zeroizing::new(shares.backup_shares))
            .map_err(|_| failed("expected `{\"backupShares\": [string]}` from the custodian"))
    }

    async fn call(
        &self,
        webhook: &WebhookConfig,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        // Checked at every call: the policy may have become stricter since it was configured.
        self.policy
            .check(&webhook.base_url)
            .map_err(|error| failed(&error.to_string()))?;
        let url = format!("{}/{path}", webhook.base_url.trim_end_matches('/'));
        let secret = std::str::from_utf8(webhook.secret.expose())
            .map_err(|_| failed("the webhook's secret is no text"))?;
        let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        let mut response = self
            .http
            .post(url)
            .header(SECRET_HEADER, secret)
            .header(TRACE_HEADER, trace::current().to_string())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body.to_vec())
            .send()
            .await
            .map_err(|error| failed(unreachable(&error)))?;
        if !response.status().is_success() {
            return Err(failed(&format!(
                "expected 2xx from POST {path} of the custodian, got {}",
                response.status().as_u16()
            )));
        }
        let mut answer = Zeroizing::new(Vec::new());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failed(unreachable(&error)))?
        {
            if answer.len().saturating_add(chunk.len()) > ANSWER_BYTES {
                return Err(failed("the custodian's answer is too large"));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// `reqwest`'s own text names the URL; what went wrong is enough.
fn unreachable(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the custodian's webhook did not answer within 10 seconds"
    } else if error.is_connect() {
        "the custodian's webhook cannot be reached"
    } else {
        "the connection to the custodian's webhook broke"
    }
}

fn failed(what: &str) -> ApiError {
    ApiError::new(ErrorId::WebhookFailed, what)
}
