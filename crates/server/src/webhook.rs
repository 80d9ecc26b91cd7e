//! Calls to a custodian's backend.

mod address;
mod policy;
mod resolver;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use portal_api::webhook::signature::{
    ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER,
};
use portal_api::webhook::{
    ApproveSignature, BackupReleased, BackupShareProofs, BackupShares, FetchBackupShares,
    ProveBackupShares, SECRET_HEADER, StoreBackupShare, StoredBackupShare, WebhookRoute,
};
use portal_api::{Base64Bytes, TRACE_HEADER};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, PerCurve};
use portal_store::WebhookConfig;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

pub use policy::{WebhookPolicy, WebhookUrlError};
pub use resolver::{Resolver, SystemResolver};
pub use transport::{
    HttpWebhooks, WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable,
};

use crate::clock::Clock;
use crate::{ApiError, entropy, trace};

/// How long the custodian may think about a signature.
const APPROVAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Room for every share of a client who has made thousands of backups.
const SHARES_BYTES: usize = 4 * 1024 * 1024;
/// Room for a receipt or a proof, with whatever else a receiver says.
const ANSWER_BYTES: usize = 64 * 1024;

/// Calls webhooks, as far as the policy allows.
pub(crate) struct WebhookClient {
    transport: Arc<dyn WebhookTransport>,
    policy: WebhookPolicy,
    clock: Arc<dyn Clock>,
}

impl WebhookClient {
    pub(crate) fn new(
        policy: WebhookPolicy,
        transport: Arc<dyn WebhookTransport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            transport,
            policy,
            clock,
        }
    }

    /// Hands a share over, and checks the receipt if there is one.
    pub(crate) async fn store(
        &self,
        webhook: &WebhookConfig,
        share: &StoreBackupShare,
    ) -> Result<(), ApiError> {
        // The same at every attempt: each share is one message.
        let id = WebhookRoute::Store.id(share.backup_share_pair_id);
        let call = self.call(webhook, WebhookRoute::Store, id, share);
        let answer = call.await?;
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
        let id = once(WebhookRoute::Fetch);
        let call = self.call(webhook, WebhookRoute::Fetch, id, &body);
        let answer = call.await?;
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
        let id = once(WebhookRoute::Prove);
        let answer = self.call(webhook, WebhookRoute::Prove, id, body).await;
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
        let id = once(WebhookRoute::Approve);
        let call = self.call(webhook, WebhookRoute::Approve, id, body);
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
        let pair = body.backup_share_pair_ids.secp256k1;
        let id = WebhookRoute::Release.id(format_args!("{pair}_{}", body.status));
        match self.call(webhook, WebhookRoute::Release, id, body).await {
            Err(error) if !error.is_unknown_call() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn call(
        &self,
        webhook: &WebhookConfig,
        route: WebhookRoute,
        id: String,
        body: &impl Serialize,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        // Checked at every call: the policy may have become stricter since it was configured.
        self.policy
            .check(&webhook.base_url)
            .map_err(|error| failed(&error.to_string()))?;
        let base_url = webhook.base_url.trim_end_matches('/');
        let url = Url::parse(&format!("{base_url}/{}", route.path()));
        let url = url.map_err(|_| failed("the webhook's URL is none"))?;
        let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        let call = WebhookCall {
            url,
            headers: self.headers(webhook, id, &body)?,
            body,
            answer_bytes: match route {
                WebhookRoute::Fetch => SHARES_BYTES,
                WebhookRoute::Store
                | WebhookRoute::Prove
                | WebhookRoute::Release
                | WebhookRoute::Approve => ANSWER_BYTES,
            },
        };
        let answer = self.transport.post(call).await;
        let answer = answer.map_err(|error| failed(&error.to_string()))?;
        if !(200..300).contains(&answer.status) {
            return Err(CallError::Status {
                status: answer.status,
                route,
            });
        }
        Ok(answer.body)
    }

    /// What shows that the call is ours, and that it is this one.
    fn headers(
        &self,
        webhook: &WebhookConfig,
        id: String,
        body: &[u8],
    ) -> Result<Vec<(&'static str, Zeroizing<String>)>, ApiError> {
        let text = std::str::from_utf8(webhook.secret.expose()).ok(); // to sign by
        let secret = text.and_then(|text| SigningSecret::parse(text).ok());
        let secret =
            secret.ok_or_else(|| failed("the webhook's secret is none; give it another"))?;
        // Of this attempt: a receiver believes it for some minutes.
        let timestamp_s = self.clock.now().as_ms() / 1_000;
        let signature = secret.sign(&id, timestamp_s, body);
        Ok(vec![
            (ID_HEADER, Zeroizing::new(id)),
            (TIMESTAMP_HEADER, Zeroizing::new(timestamp_s.to_string())),
            (SIGNATURE_HEADER, Zeroizing::new(signature)),
            (SECRET_HEADER, secret.static_header()),
            (TRACE_HEADER, Zeroizing::new(trace::current().to_string())),
        ])
    }
}

/// The id of a call that is made once: asked again, it is another question.
fn once(route: WebhookRoute) -> String {
    route.id(hex::encode(entropy::bytes::<16>()))
}

/// How a call went wrong.
enum CallError {
    /// The custodian said no.
    Status { status: u16, route: WebhookRoute },
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
            CallError::Status { status, route } => {
                let hint = match status {
                    300..=399 => "; redirects are not followed: configure the URL where it ends",
                    401 | 403 => "; it may have another secret, or its clock another time",
                    _ => "",
                };
                let path = route.path();
                failed(&format!(
                    "expected 2xx from POST {path} of the custodian, got {status}{hint}"
                ))
            }
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
