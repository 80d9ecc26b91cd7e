//! Whether a wallet may sign what its client asks for, and what exactly that is.
//!
//! A client sends a request of a chain, not bytes. The bytes are computed here, from the request
//! that the rules were held against: who has the device cannot have one thing judged and another
//! one signed. Then the custodian's backend is asked, where the policy says so.

mod policy;

use portal_api::Base64Bytes;
use portal_api::session::Wanted;
use portal_api::signing_policy::{Approval, SigningPolicy};
use portal_api::webhook::{ApproveSignature, RequestToApprove};
use portal_chains::{ChainError, ChainId, Payload, PolicyRefusal, Request};
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_lifecycle::{Curve, ErrorId};

use policy::checked;
pub(crate) use policy::{holdable, stored};

use crate::session::Signing;
use crate::webhook::Webhook;
use crate::{ApiError, App};

/// What is asked for, and by whom.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) environment: EnvironmentId,
    pub(crate) signing: Signing,
    /// The wallet's public key on the curve.
    pub(crate) public_key: &'a [u8],
    pub(crate) wallet_id: portal_lifecycle::ids::WalletId,
    pub(crate) wanted: Wanted,
}

/// Policies that hold for a wallet: its environment's and its own.
pub(crate) async fn policies(
    app: &App,
    environment: EnvironmentId,
    client: ClientId,
) -> Result<[SigningPolicy; 2], ApiError> {
    let stored = app
        .store
        .signing_policies(environment, Some(client))
        .await?;
    Ok([
        policy::stored(stored.environment.as_deref())?.unwrap_or_default(),
        // One that is not there forbids nothing beyond the environment's.
        policy::stored(stored.client.as_deref())?.unwrap_or(SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        }),
    ])
}

/// What is signed, once every rule and the custodian allow it.
///
/// # Errors
///
/// `FORBIDDEN` or `ADDRESS_BLOCKED` where a rule or the custodian refuses, `WEBHOOK_FAILED` or
/// `WEBHOOK_NOT_CONFIGURED` where the custodian cannot be asked; `CHAIN_UNSUPPORTED`,
/// `METHOD_UNSUPPORTED`, `TX_BUILD_FAILED` or `MSG_BUILD_FAILED` for a request that is none.
pub(crate) async fn approve(
    app: &App,
    policies: &[SigningPolicy; 2],
    asked: Asked<'_>,
) -> Result<Vec<u8>, ApiError> {
    let (payload, request) = match asked.wanted {
        Wanted::Raw { payload } => {
            if policies.iter().any(|policy| !policy.raw_signing) {
                return Err(raw_forbidden());
            }
            (payload.0, None)
        }
        Wanted::Request {
            chain,
            method,
            params,
            payload_index,
        } => {
            let read = read(&chain, &method, &params, &asked.signing, asked.public_key)?;
            for policy in policies {
                checked(policy)
                    .map_err(|_| ApiError::internal("a stored signing policy cannot be read"))?
                    .check(&read.chain, &method, &read.request)
                    .map_err(|refusal| forbidden(&refusal))?;
            }
            let payloads = read.request.payloads();
            let payload = payloads.get(usize::from(payload_index)).ok_or_else(|| {
                let count = payloads.len();
                bad(format!(
                    "expected a payloadIndex below {count}, got {payload_index}"
                ))
            })?;
            let to_approve = RequestToApprove {
                chain: read.chain.to_string(),
                method,
                params,
                summary: read.request.summary(),
                payload_index,
                payload_count: u16::try_from(payloads.len()).unwrap_or(u16::MAX),
            };
            (bytes(payload), Some(to_approve))
        }
    };
    if policies
        .iter()
        .any(|policy| policy.approval == Approval::Webhook)
    {
        let question = ApproveSignature {
            client_id: asked.signing.client,
            wallet_id: asked.wallet_id,
            curve: asked.signing.curve,
            signing_share_pair_id: asked.signing.pair,
            request,
            payload: Base64Bytes(payload.clone()),
        };
        ask(app, asked.environment, &question).await?;
    }
    Ok(payload)
}

/// Sees that what was approved by `policies` still is: by others that were put since, it is judged
/// anew, and the custodian asked where they say so.
///
/// # Errors
///
/// As [`approve`].
pub(crate) async fn still_approved(
    app: &App,
    former: &[SigningPolicy; 2],
    asked: Asked<'_>,
) -> Result<(), ApiError> {
    let present = policies(app, asked.environment, asked.signing.client).await?;
    if present == *former {
        return Ok(());
    }
    approve(app, &present, asked).await.map(|_| ())
}

/// Asks the custodian's backend.
async fn ask(
    app: &App,
    environment_id: EnvironmentId,
    question: &ApproveSignature,
) -> Result<(), ApiError> {
    let config = app.store.webhook(environment_id).await?.ok_or_else(|| {
        let what = "the signing policy asks the custodian's backend, and no webhook is configured";
        ApiError::new(ErrorId::WebhookNotConfigured, what)
    })?;
    let webhook = Webhook {
        environment_id,
        config,
    };
    app.webhooks.approve(&webhook, question).await
}

/// A request that the server understood.
struct Read {
    chain: ChainId,
    request: Request,
}

fn read(
    chain: &str,
    method: &str,
    params: &serde_json::Value,
    signing: &Signing,
    public_key: &[u8],
) -> Result<Read, ApiError> {
    let chain: ChainId = chain.parse().map_err(|error| from_chain(&error))?;
    let curve = match chain.curve() {
        portal_chains::Curve::Secp256k1 => Curve::Secp256k1,
        portal_chains::Curve::Ed25519 => Curve::Ed25519,
    };
    if curve != signing.curve {
        return Err(bad(format!(
            "{chain} is signed on {curve}, not on {}",
            signing.curve
        )));
    }
    let request = Request::parse(&chain, method, params, public_key);
    let request = request.map_err(|error| from_chain(&error))?;
    Ok(Read { chain, request })
}

fn bytes(payload: &Payload) -> Vec<u8> {
    match payload {
        Payload::Digest(digest) => digest.to_vec(),
        Payload::Message(message) => message.clone(),
    }
}

fn from_chain(error: &ChainError) -> ApiError {
    let id = ErrorId::from_wire(error.id()).unwrap_or(ErrorId::BadRequest);
    ApiError::new(id, error.to_string())
}

fn forbidden(refusal: &PolicyRefusal) -> ApiError {
    let id = ErrorId::from_wire(refusal.id()).unwrap_or(ErrorId::Forbidden);
    ApiError::new(id, format!("the signing policy: {refusal}"))
}

fn raw_forbidden() -> ApiError {
    let what = "raw signing is off: send the request (chain, method, parameters), or have the \
                custodian allow rawSigning in the signing policy";
    ApiError::new(ErrorId::Forbidden, what)
}

fn bad(what: String) -> ApiError {
    ApiError::new(ErrorId::BadRequest, what)
}
