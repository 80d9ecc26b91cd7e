//! Whether a wallet may sign what its client asks for, and what exactly that is.
//!
//! A client sends a request of a chain, not bytes. The bytes are computed here, from the request
//! that the rules were held against: who has the device cannot have one thing judged and another
//! one signed. The custodian's backend is asked, where a policy says so, when the client has shown
//! that it holds its share: a token alone does not get so far.

mod policy;

use std::sync::Arc;

use portal_api::Base64Bytes;
use portal_api::session::Wanted;
use portal_api::signing_policy::{Approval, SigningPolicy};
use portal_api::webhook::{ApproveSignature, RequestToApprove};
use portal_chains::{ChainError, ChainId, Payload, PolicyRefusal, Request};
use portal_lifecycle::ids::WalletId;
use portal_lifecycle::{Curve, ErrorId};
use portal_store::audit::{AuditAct, Digest, Name};
use portal_store::{ClientAuth, Grounds};

use policy::checked;
pub(crate) use policy::{storable, stored};

use crate::session::{Signing, computed};
use crate::webhook::Webhook;
use crate::{ApiError, App, auth};

/// How often it is judged anew, where policies are put while it is.
const TRIES: usize = 4;

/// What is asked for, and by whom.
pub(crate) struct Asked {
    pub(crate) caller: ClientAuth,
    pub(crate) signing: Signing,
    /// The wallet's public key on the curve.
    pub(crate) public_key: Vec<u8>,
    pub(crate) wallet_id: WalletId,
    pub(crate) wanted: Wanted,
}

/// What the policies allow, and the custodian's backend where they ask it.
pub(crate) struct Judged {
    /// The bytes to sign.
    pub(crate) payload: Vec<u8>,
    grounds: Grounds,
    chain: Option<String>,
    method: Option<String>,
    /// What the backend has yet to allow.
    question: Option<Box<ApproveSignature>>,
}

/// Holds every rule that stands against what is asked for.
///
/// # Errors
///
/// `FORBIDDEN` or `ADDRESS_BLOCKED` where a rule refuses; `CHAIN_UNSUPPORTED`,
/// `METHOD_UNSUPPORTED`, `TX_BUILD_FAILED` or `MSG_BUILD_FAILED` for a request that is none.
pub(crate) async fn judge(app: &App, asked: &Arc<Asked>) -> Result<Judged, ApiError> {
    let caller = asked.caller;
    let (environment, client) = (caller.environment_id, Some(caller.client_id));
    let policies = app.store.signing_policies(environment, client).await?;
    let grounds = Grounds { policies, caller };
    let asked = Arc::clone(asked);
    computed(app, move || judged(&asked, grounds)).await?
}

/// Asks the backend, and writes the line by which the signature may leave: on condition that
/// whatever allowed it still does then.
///
/// # Errors
///
/// As [`judge`]; `FORBIDDEN` where the custodian refuses, `WEBHOOK_FAILED` or
/// `WEBHOOK_NOT_CONFIGURED` where it cannot be asked; `AUTH_FAILED` where the credential has ended.
pub(crate) async fn release(
    app: &App,
    asked: &Arc<Asked>,
    mut judged: Judged,
) -> Result<(), ApiError> {
    let signing = asked.signing;
    for _ in 0..TRIES {
        let approval = match &judged.question {
            Some(question) => Some(ask(app, asked.caller, question).await?),
            None => None,
        };
        let act = judged.act(signing, approval.as_deref());
        let wallets = &app.wallets;
        let signed = wallets.signed(signing.client, signing.event(), act, &judged.grounds);
        if signed.await? {
            return Ok(());
        }
        // The backend takes its time, as the client did.
        auth::still(app, asked.caller).await?;
        judged = judge(app, asked).await?;
    }
    Err(portal_store::CommitError::Overtaken.into())
}

impl Judged {
    fn act(&self, signing: Signing, approval: Option<&str>) -> AuditAct {
        let name = |text: &str| Name::new(text);
        let digest = |policy: &String| Digest::of(policy.as_bytes());
        let policies = &self.grounds.policies;
        AuditAct::Signature {
            curve: signing.curve,
            pair: signing.pair,
            payload: Digest::of(&self.payload),
            chain: self.chain.as_deref().and_then(name),
            method: self.method.as_deref().and_then(name),
            environment_policy: policies.environment.as_ref().map(digest),
            client_policy: policies.client.as_ref().map(digest),
            approval: approval.and_then(name),
        }
    }
}

fn judged(asked: &Asked, grounds: Grounds) -> Result<Judged, ApiError> {
    let policies = [
        policy::stored(grounds.policies.environment.as_deref())?.unwrap_or_default(),
        // One that is not there forbids nothing beyond the environment's.
        policy::stored(grounds.policies.client.as_deref())?.unwrap_or(SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        }),
    ];
    let is_asked = policies
        .iter()
        .any(|policy| policy.approval == Approval::Webhook);
    let (payload, request) = match &asked.wanted {
        Wanted::Raw { payload } => {
            if policies.iter().any(|policy| !policy.raw_signing) {
                return Err(raw_forbidden());
            }
            (payload.0.clone(), None)
        }
        Wanted::Request {
            chain,
            method,
            params,
            payload_index,
        } => {
            let read = read(chain, method, params, &asked.signing, &asked.public_key)?;
            let effects = read.request.effects();
            for policy in &policies {
                checked(policy)
                    .map_err(|_| ApiError::internal("a stored signing policy cannot be read"))?
                    .check(&read.chain, method, &read.request, &effects)
                    .map_err(|refusal| forbidden(&refusal))?;
            }
            let payloads = read.request.payloads();
            let payload = payloads.get(usize::from(*payload_index)).ok_or_else(|| {
                let count = payloads.len();
                bad(format!(
                    "expected a payloadIndex below {count}, got {payload_index}"
                ))
            })?;
            let to_approve = || RequestToApprove {
                chain: read.chain.to_string(),
                method: method.clone(),
                params: params.clone(),
                reading: read.request.reading(&effects),
                summary: read.request.summary(),
                payload_index: *payload_index,
                payload_count: u16::try_from(payloads.len()).unwrap_or(u16::MAX),
            };
            let to_approve = is_asked.then(to_approve);
            let named = (read.chain.to_string(), method.clone());
            (bytes(payload), Some((named, to_approve)))
        }
    };
    let (named, request) = request.unzip();
    let (chain, method) = named.unzip();
    let question = is_asked.then(|| {
        Box::new(ApproveSignature {
            client_id: asked.signing.client,
            wallet_id: asked.wallet_id,
            curve: asked.signing.curve,
            signing_share_pair_id: asked.signing.pair,
            request: request.flatten(),
            payload: Base64Bytes(payload.clone()),
        })
    });
    Ok(Judged {
        payload,
        grounds,
        chain,
        method,
        question,
    })
}

/// Asks the custodian's backend; the id of the call that allowed it.
async fn ask(
    app: &App,
    caller: ClientAuth,
    question: &ApproveSignature,
) -> Result<String, ApiError> {
    let environment_id = caller.environment_id;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portal_api::Base64Bytes;
    use portal_api::session::Wanted;
    use portal_lifecycle::ids::{ClientId, SigningSharePairId, TraceId, WalletId};
    use portal_lifecycle::{BackupMode, Curve, ErrorId, Timestamp};
    use portal_seal::SealingKey;
    use portal_store::audit::{Actor, Origin};
    use portal_store::kms::KeyFileKms;
    use portal_store::{
        ClientAuth, ClientStore as _, CredentialHash, CredentialKind, MemoryStore, NewClient,
        NewSession,
    };
    use uuid::Uuid;
    use zeroize::Zeroizing;

    use super::{Asked, judge};
    use crate::clock::SystemClock;
    use crate::session::Signing;
    use crate::{App, Limits, Operator, WebhookPolicy};

    /// What a client's request costs is not paid by a thread that serves everybody.
    #[tokio::test]
    async fn a_request_waits_for_a_place_to_be_judged() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = SealingKey::from_bytes(Zeroizing::new([7; 32]));
        let store = Arc::new(MemoryStore::new(Arc::new(KeyFileKms::from_key(key))));
        let clock = Arc::new(SystemClock);
        let operator = Operator::new(store.clone(), clock.clone(), WebhookPolicy::default());
        let custodian = operator.create_custodian("Acme", "test", None, BackupMode::Plain);
        let environment_id = custodian.await.unwrap().environment_id;
        let (client_id, at) = (ClientId(Uuid::from_u128(1)), Timestamp::from_ms(1));
        let new = NewClient {
            client_id,
            environment_id,
            is_account_abstracted: false,
            api_key: CredentialHash([1; 32]),
            session: NewSession {
                token: CredentialHash([2; 32]),
                created_at: at,
                idle_until: at,
                expires_at: at,
            },
            created_at: at,
        };
        let origin = Origin {
            actor: Actor::Operator,
            trace_id: TraceId(Uuid::from_u128(2)),
        };
        store.create_client(new, origin).await.unwrap();
        let app = App::new(store, clock, WebhookPolicy::default(), Limits::default()).unwrap();
        let asked = Arc::new(Asked {
            caller: ClientAuth {
                client_id,
                environment_id,
                kind: CredentialKind::ApiKey,
                credential: CredentialHash([1; 32]),
            },
            signing: Signing {
                client: client_id,
                curve: Curve::Secp256k1,
                pair: SigningSharePairId(Uuid::from_u128(3)),
            },
            public_key: Vec::new(),
            wallet_id: WalletId(Uuid::from_u128(4)),
            wanted: Wanted::Raw {
                payload: Base64Bytes(vec![7; 32]),
            },
        });
        let places = u32::try_from(app.computing.available_permits()).unwrap();
        let all = app.computing.acquire_many(places).await.unwrap();
        let mut judging = Box::pin(judge(&app, &asked));
        tokio::select! {
            biased;
            _ = &mut judging => panic!("expected it to wait, seen it judged"),
            () = tokio::task::yield_now() => {}
        }
        drop(all);
        let refused = judging.await.err().map(|error| error.id());
        assert_eq!(refused, Some(ErrorId::Forbidden));
    }
}
