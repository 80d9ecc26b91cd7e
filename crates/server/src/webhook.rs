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
    ApproveSignature, BackupReleased, BackupShareProofs, BackupShares, BlindedBackupShares,
    FetchBackupShares, ProveBackupShares, RecoverBackupShares, SECRET_HEADER, StoreBackupShare,
    StoredBackupShare, WebhookRoute,
};
use portal_api::{Base64Bytes, TRACE_HEADER};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, PerCurve};
use portal_store::WebhookConfig;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

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
        let digest = Base64Bytes(Sha256::digest(share.receipt_bytes()).to_vec());
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
    ) -> Result<FetchedShares, ApiError> {
        let body = FetchBackupShares {
            client_id,
            backup_share_pair_ids: Some(ids),
        };
        let id = once(WebhookRoute::Fetch);
        let call = self.call(webhook, WebhookRoute::Fetch, id, &body);
        let answer = call.await?;
        serde_json::from_slice::<BackupShares>(&answer)
            .map(FetchedShares)
            .map_err(|_| failed("expected `{\"backupShares\": [string]}` from the custodian"))
    }

    /// The custodian's shares of a sealed backup, blinded by the client.
    ///
    /// # Errors
    ///
    /// `RECOVERY_NOT_OPEN` where the app's backend has opened none; `WEBHOOK_FAILED`.
    pub(crate) async fn recover(
        &self,
        webhook: &WebhookConfig,
        body: &RecoverBackupShares,
    ) -> Result<PerCurve<Zeroizing<String>>, ApiError> {
        let id = once(WebhookRoute::Recover);
        let answer = self.call(webhook, WebhookRoute::Recover, id, body).await;
        let answer = answer.map_err(|error| match error.problem() {
            Some(ErrorId::RecoveryNotOpen) => ApiError::new(
                ErrorId::RecoveryNotOpen,
                "the app's backend opened no recovery for this client, or it is over or used up",
            ),
            Some(id @ (ErrorId::CustodianShareNotFound | ErrorId::BackupShareMismatch)) => {
                ApiError::new(id, format!("the custodian refused: {}", id.page().title))
            }
            _ if error.is_unknown_call() => failed(
                "the custodian's backend takes no sealed backups; start it with sealing keys",
            ),
            _ => error.into(),
        })?;
        serde_json::from_slice::<BlindedBackupShares>(&answer)
            .map(|answer| answer.backup_shares.map(Zeroizing::new))
            .map_err(|_| failed("expected blinded shares of both curves from the custodian"))
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
                | WebhookRoute::Recover
                | WebhookRoute::Release
                | WebhookRoute::Approve => ANSWER_BYTES,
            },
        };
        let answer = self.transport.post(call).await;
        let answer = answer.map_err(|error| failed(&error.to_string()))?;
        if !(200..300).contains(&answer.status) {
            return Err(CallError::Status {
                status: answer.status,
                problem: problem_of(&answer.body),
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
    Status {
        status: u16,
        /// The id of its problem document, if it is one that we know.
        problem: Option<ErrorId>,
        route: WebhookRoute,
    },
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
            CallError::Status {
                status,
                problem,
                route,
            } => {
                let hint = match status {
                    300..=399 => "; redirects are not followed: configure the URL where it ends",
                    401 | 403 => "; it may have another secret, or its clock another time",
                    _ => "",
                };
                // Its own words may repeat what it was sent.
                let why = problem.map(|id| format!(" {id} ({})", id.page().title));
                let (why, path) = (why.unwrap_or_default(), route.path());
                failed(&format!(
                    "expected 2xx from POST {path} of the custodian, got {status}{why}{hint}"
                ))
            }
            CallError::Failed(error) => error,
        }
    }
}

impl CallError {
    /// What the custodian's problem document says, if it is one that we know.
    const fn problem(&self) -> Option<ErrorId> {
        match self {
            Self::Status { problem, .. } => *problem,
            Self::Failed(_) => None,
        }
    }

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

/// Of a problem document only the id is taken.
fn problem_of(body: &[u8]) -> Option<ErrorId> {
    #[derive(serde::Deserialize)]
    struct Identified {
        id: ErrorId,
    }
    serde_json::from_slice::<Identified>(body)
        .ok()
        .map(|problem| problem.id)
}

/// What a custodian gave; its shares are erased when dropped.
pub(crate) struct FetchedShares(BackupShares);

impl std::ops::Deref for FetchedShares {
    type Target = BackupShares;

    fn deref(&self) -> &BackupShares {
        &self.0
    }
}

impl Drop for FetchedShares {
    fn drop(&mut self) {
        self.0.backup_shares.zeroize();
    }
}

fn failed(what: &str) -> ApiError {
    ApiError::new(ErrorId::WebhookFailed, what)
}
