//! The calls: a share is handed over, asked back, proved, released; and a test of them.

use std::time::Duration;

use portal_api::rest::WebhookTest;
use portal_api::webhook::{
    ApproveSignature, BackupReleased, BackupShareProofs, BackupShares, BlindedBackupShares,
    FetchBackupShares, ProveBackupShares, RecoverBackupShares, StoreBackupShare, StoredBackupShare,
    WebhookKind, WebhookRoute,
};
use portal_api::{Base64Bytes, SecretText};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, PerCurve};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::client::{Call, CallError, Webhook, WebhookClient, failed};
use super::settings::delivery;
use super::transport::WebhookUnreachable;
use crate::{ApiError, entropy};

/// How long the custodian may think about a signature.
const APPROVAL_TIMEOUT: Duration = Duration::from_secs(5);

impl WebhookClient {
    /// Hands a share over, and checks the receipt if there is one.
    pub(crate) async fn store(
        &self,
        webhook: &Webhook,
        share: &StoreBackupShare,
    ) -> Result<(), ApiError> {
        let route = WebhookRoute::Store;
        let call = Call {
            route,
            kind: WebhookKind::Backup,
            // The same at every attempt: each share is one message.
            id: route.id(share.backup_share_pair_id),
            client_id: Some(share.client_id),
            pair: Some(share.backup_share_pair_id),
            timeout: None,
        };
        let read = |answer: &[u8]| {
            let receipt = serde_json::from_slice::<StoredBackupShare>(answer).unwrap_or_default();
            let digest = Base64Bytes(Sha256::digest(share.receipt_bytes()).to_vec());
            match receipt.digest {
                Some(given) if given != digest => Err(failed(
                    "the custodian's receipt has the digest of another share",
                )),
                _ => Ok(()),
            }
        };
        Ok(self.call(webhook, call, share, read).await.answer?)
    }

    /// The shares of a pair that the custodian holds; among others, from a receiver that cannot
    /// choose.
    pub(crate) async fn fetch(
        &self,
        webhook: &Webhook,
        client_id: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<BackupShares, ApiError> {
        let body = FetchBackupShares {
            client_id,
            backup_share_pair_ids: Some(ids),
        };
        let call = Call {
            client_id: Some(client_id),
            pair: Some(ids.secp256k1),
            ..once(WebhookRoute::Fetch, WebhookKind::BackupFetch)
        };
        Ok(self.call(webhook, call, &body, shares).await.answer?)
    }

    /// The custodian's shares of a sealed backup, blinded by the client.
    ///
    /// # Errors
    ///
    /// `RECOVERY_NOT_OPEN` where the app's backend has opened none; `WEBHOOK_FAILED`.
    pub(crate) async fn recover(
        &self,
        webhook: &Webhook,
        body: &RecoverBackupShares,
    ) -> Result<PerCurve<SecretText>, ApiError> {
        let call = Call {
            client_id: Some(body.client_id),
            ..once(WebhookRoute::Recover, WebhookKind::BackupRecover)
        };
        let read = |answer: &[u8]| {
            serde_json::from_slice::<BlindedBackupShares>(answer)
                .map(|answer| answer.backup_shares)
                .map_err(|_| failed("expected blinded shares of both curves from the custodian"))
        };
        let called = self.call(webhook, call, body, read).await;
        called.answer.map_err(|error| match error.problem() {
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
        })
    }

    /// Proofs that the custodian holds its shares of a pair.
    ///
    /// # Errors
    ///
    /// `WEBHOOK_FAILED`; its text says so where the receiver knows no such call.
    pub(crate) async fn prove(
        &self,
        webhook: &Webhook,
        body: &ProveBackupShares,
    ) -> Result<BackupShareProofs, ApiError> {
        let call = Call {
            client_id: Some(body.client_id),
            pair: Some(body.backup_share_pair_ids.secp256k1),
            ..once(WebhookRoute::Prove, WebhookKind::BackupProve)
        };
        let read = |answer: &[u8]| {
            serde_json::from_slice(answer)
                .map_err(|_| failed("expected proofs for both curves from the custodian"))
        };
        let called = self.call(webhook, call, body, read).await;
        called.answer.map_err(|error| {
            if error.is_unknown_call() {
                failed("the custodian's backend cannot prove what it holds; update it")
            } else {
                error.into()
            }
        })
    }

    /// Asks whether a wallet may sign something: only 2xx within five seconds allows it, and only
    /// without a body or with JSON that does not say otherwise. The id of the call that did.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN` where the custodian says no, or something that is no answer;
    /// `WEBHOOK_FAILED` where it says nothing.
    pub(crate) async fn approve(
        &self,
        webhook: &Webhook,
        body: &ApproveSignature,
    ) -> Result<String, ApiError> {
        let call = Call {
            client_id: Some(body.client_id),
            timeout: Some(APPROVAL_TIMEOUT),
            ..once(WebhookRoute::Approve, WebhookKind::SignApprove)
        };
        let id = call.id.clone();
        let called = self.call(webhook, call, body, approval).await;
        let answer = called.answer.map(|()| id);
        answer.map_err(|error| match error {
            CallError::Status { status, .. } => denied(&format!("status {status}")),
            CallError::Unreachable(WebhookUnreachable::TimedOut) => {
                let within = APPROVAL_TIMEOUT.as_secs();
                failed(&format!("the custodian did not approve within {within} s"))
            }
            error => error.into(),
        })
    }

    /// E18: says that a pair is of no use any more. A receiver that knows no such call keeps it.
    pub(crate) async fn released(
        &self,
        webhook: &Webhook,
        body: &BackupReleased,
    ) -> Result<(), ApiError> {
        let route = WebhookRoute::Release;
        let pair = body.backup_share_pair_ids.secp256k1;
        let call = Call {
            route,
            kind: WebhookKind::BackupReleased,
            id: route.id(format_args!("{pair}_{}", body.status)),
            client_id: Some(body.client_id),
            pair: Some(pair),
            timeout: None,
        };
        match self.call(webhook, call, body, |_| Ok(())).await.answer {
            Err(error) if !error.is_unknown_call() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Asks for the shares of a client and a pair that do not exist, as a backup would: a call that
    /// every receiver knows, and that changes nothing.
    ///
    /// # Errors
    ///
    /// `WEBHOOK_FAILED` where there was nothing to call. A call that failed is no error.
    pub(crate) async fn test(&self, webhook: &Webhook) -> Result<WebhookTest, ApiError> {
        let now = self.now();
        let pair = || BackupSharePairId::make(now, entropy::bytes());
        let body = FetchBackupShares {
            client_id: ClientId::make(now, entropy::bytes()),
            backup_share_pair_ids: Some(PerCurve::new(pair(), pair())),
        };
        let call = once(WebhookRoute::Fetch, WebhookKind::Test);
        let called = self.call(webhook, call, &body, shares).await;
        let error = called.answer.err().map(ApiError::from);
        match (called.attempt, error) {
            (Some(attempt), error) => Ok(WebhookTest {
                delivery: delivery(&attempt),
                detail: error.map(|error| error.detail().to_owned()),
            }),
            (None, error) => Err(error.unwrap_or_else(|| failed("there was no call"))),
        }
    }
}

fn shares(answer: &[u8]) -> Result<BackupShares, ApiError> {
    serde_json::from_slice::<BackupShares>(answer)
        .map_err(|_| failed("expected `{\"backupShares\": [string]}` from the custodian"))
}

/// Whether an answer of 2xx is a yes. A page is none: it is of a proxy, or of a server that knows
/// nothing of approvals.
fn approval(answer: &[u8]) -> Result<(), ApiError> {
    let answer = answer.trim_ascii();
    if answer.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice(answer) {
        // What some frameworks make of no answer.
        Ok(Value::Null) => Ok(()),
        Ok(Value::Object(said)) => match said.get("approved") {
            None | Some(Value::Bool(true)) => Ok(()),
            Some(_) => Err(denied("approved is not true")),
        },
        _ => Err(ApiError::new(
            ErrorId::Forbidden,
            "what answered for the custodian's backend said 2xx and sent no JSON object, which \
             approves nothing: expected 204, or {\"approved\": true}; see that the call reaches it, \
             and not a page of a server in front of it",
        )),
    }
}

fn denied(why: &str) -> ApiError {
    ApiError::new(
        ErrorId::Forbidden,
        format!("the custodian's backend denied this signature ({why})"),
    )
}

/// A call that is made once: asked again, it is another question.
fn once(route: WebhookRoute, kind: WebhookKind) -> Call {
    Call {
        route,
        kind,
        id: route.id(hex::encode(entropy::bytes::<16>())),
        client_id: None,
        pair: None,
        timeout: None,
    }
}
