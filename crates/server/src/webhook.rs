//! Calls to a custodian's backend.

mod transport;

use std::sync::Arc;
use std::time::Duration;

use portal_api::webhook::{
    ApproveSignature, BackupReleased, BackupShareProofs, BackupShares, FetchBackupShares,
    ProveBackupShares, SECRET_HEADER, StoreBackupShare, StoredBackupShare,
};
use portal_api::{Base64Bytes, TRACE_HEADER};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, PerCurve};
use portal_store::WebhookConfig;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use zeroize::Zeroizing;

pub use transport::{
    HttpWebhooks, WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable,
};

use crate::{ApiError, trace};

/// How long the custodian may think about a signature.
const APPROVAL_TIMEOUT: Duration = Duration::from_secs(5);

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

/// Calls webhooks, as far as the policy allows.
pub(crate) struct WebhookClient {
    transport: Arc<dyn WebhookTransport>,
    policy: WebhookPolicy,
}

impl WebhookClient {
    pub(crate) fn new(policy: WebhookPolicy, transport: Arc<dyn WebhookTransport>) -> Self {
        Self { transport, policy }
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

    /// The shares of a pair that the custodian holds; among others, from a receiver that cannot
    /// choose.
    pub(crate) async fn fetch(
        &self,
        webhook: &WebhookConfig,
        client_id: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Zeroizing<Vec<String>>, ApiError> {
        let body = FetchBackupShares {
            client_id,
            backup_share_pair_ids: Some(ids),
        };
        let answer = self.call(webhook, "backup/fetch", &body).await?;
        serde_json::from_slice::<BackupShares>(&answer)
            .map(|shares| Zeroizing::new(shares.backup_shares))
            .map_err(|_| failed("expected `{\"backupShares\": [string]}` from the custodian"))
    }

    /// Proofs that the custodian holds its shares of a pair.
    ///
    /// # Errors
    ///
    /// `WEBHOOK_FAILED`; its text says so where the receiver knows no such call.
    pub(crate) async fn prove(
        &self,
        webhook: &WebhookConfig,
        body: &ProveBackupShares,
    ) -> Result<BackupShareProofs, ApiError> {
        let answer = self.call(webhook, "backup/prove", body).await;
        let answer = answer.map_err(|error| {
            if error.is_unknown_call() {
                failed("the custodian's backend cannot prove what it holds; update it")
            } else {
                error.into()
            }
        })?;
        serde_json::from_slice(&answer)
            .map_err(|_| failed("expected proofs for both curves from the custodian"))
    }

    /// Asks whether a wallet may sign something: only 2xx within five seconds allows it.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN` where the custodian says no, `WEBHOOK_FAILED` where it says nothing.
    pub(crate) async fn approve(
        &self,
        webhook: &WebhookConfig,
        body: &ApproveSignature,
    ) -> Result<(), ApiError> {
        let call = self.call(webhook, "sign/approve", body);
        let answer = tokio::time::timeout(APPROVAL_TIMEOUT, call)
            .await
            .map_err(|_| {
                let within = APPROVAL_TIMEOUT.as_secs();
                failed(&format!("the custodian did not approve within {within} s"))
            })?;
        match answer {
            Ok(_) => Ok(()),
            Err(CallError::Status { status, .. }) => Err(ApiError::new(
                ErrorId::Forbidden,
                format!("the custodian's backend denied this signature (status {status})"),
            )),
            Err(CallError::Failed(error)) => Err(error),
        }
    }

    /// E18: says that a pair is of no use any more. A receiver that knows no such call keeps it.
    pub(crate) async fn released(
        &self,
        webhook: &WebhookConfig,
        body: &BackupReleased,
    ) -> Result<(), ApiError> {
        match self.call(webhook, "backup/released", body).await {
            Err(error) if !error.is_unknown_call() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn call(
        &self,
        webhook: &WebhookConfig,
        path: &'static str,
        body: &impl Serialize,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        // Checked at every call: the policy may have become stricter since it was configured.
        self.policy
            .check(&webhook.base_url)
            .map_err(|error| failed(&error.to_string()))?;
        let url = format!("{}/{path}", webhook.base_url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| failed("the webhook's URL is none"))?;
        let secret = std::str::from_utf8(webhook.secret.expose())
            .map_err(|_| failed("the webhook's secret is no text"))?;
        let call = WebhookCall {
            url,
            headers: [
                (SECRET_HEADER, Zeroizing::new(secret.to_owned())),
                (TRACE_HEADER, Zeroizing::new(trace::current().to_string())),
            ],
            body: Zeroizing::new(serde_json::to_vec(body).unwrap_or_default()),
        };
        let answer = self.transport.post(call).await;
        let answer = answer.map_err(|error| failed(&error.to_string()))?;
        if !(200..300).contains(&answer.status) {
            return Err(CallError::Status {
                status: answer.status,
                path,
            });
        }
        Ok(answer.body)
    }
}

/// How a call went wrong.
enum CallError {
    /// The custodian said no.
    Status { status: u16, path: &'static str },
    /// Everything else.
    Failed(ApiError),
}

impl From<ApiError> for CallError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Status { status, path } => failed(&format!(
                "expected 2xx from POST {path} of the custodian, got {status}"
            )),
            CallError::Failed(error) => error,
        }
    }
}

impl CallError {
    /// Whether the receiver does not know this call: it is of an older kind.
    const fn is_unknown_call(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 404 | 405 | 501,
                ..
            }
        )
    }
}

fn failed(what: &str) -> ApiError {
    ApiError::new(ErrorId::WebhookFailed, what)
}
