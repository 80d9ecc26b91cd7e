//! `Idempotency-Key`: a POST that is repeated with the same key is acted on once, and every
//! repetition gets the first one's answer for thirty days.
//!
//! The key is claimed first, in the database, so that any node knows; the act and its answer are
//! then one transaction. A node that dies in between leaves a claim that ends by itself, and
//! nothing else. Only what succeeded is kept: a refusal changed nothing, and is found anew. An
//! answer that holds a credential leaves a line in the audit log each time it is given again, and
//! is not given any more once that credential is in force no longer.

mod shown_again;

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::EnvironmentId;
use portal_seal::SecretBytes;
use portal_serving::SecretJson;
use portal_store::audit::Origin;
use portal_store::{
    Act, Begun, Claim, ClaimTimes, ClientRecord, CommitError, IdempotentRequest, StoreError,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::body::secret_json;
use crate::{ApiError, App, entropy, trace};

/// The header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in bytes.
pub(crate) const KEY_BYTES: usize = 255;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a claim counts; an act takes far less.
const CLAIMED: Duration = Duration::from_secs(30);
/// When a request that is in progress may be repeated.
const RETRY_AFTER_S: u64 = 1;
/// Version of a kept answer.
const VERSION: u8 = 1;

/// The key of a request, if it has one.
pub(crate) struct IdempotencyKey(Option<[u8; 32]>);

impl IdempotencyKey {
    /// Whether the request has one.
    pub(crate) const fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(HEADER).iter();
        let (Some(key), None) = (given.next(), given.next()) else {
            return match parts.headers.contains_key(HEADER) {
                false => Ok(Self(None)),
                true => Err(malformed()),
            };
        };
        let key = key.as_bytes();
        let is_key = (1..=KEY_BYTES).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        // Callers choose them by what they know of their users: only the hash is kept.
        let hash = || Some(Sha256::digest(key).into());
        is_key.then(|| Self(hash())).ok_or_else(malformed)
    }
}

fn malformed() -> ApiError {
    ApiError::new(
        ErrorId::BadRequest,
        format!("expected one Idempotency-Key of 1 to {KEY_BYTES} visible ASCII characters"),
    )
}

/// An answer that can be given again; it may hold a credential.
pub(crate) struct Answer {
    status: StatusCode,
    body: SecretJson,
}

impl Answer {
    /// A body of JSON.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = secret_json(body)?;
        Ok(Self { status, body })
    }

    fn to_bytes(&self) -> SecretBytes {
        // Exposed to be sealed.
        let body = self.body.expose();
        let mut bytes = Vec::with_capacity(3 + body.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.status.as_u16().to_be_bytes());
        bytes.extend_from_slice(body);
        SecretBytes::new(bytes)
    }

    fn from_bytes(kept: &SecretBytes) -> Option<Self> {
        // Exposed to whoever made the request, once more.
        let (head, body) = kept.expose().split_first_chunk::<3>()?;
        let [VERSION, high, low] = *head else {
            return None;
        };
        Some(Self {
            status: StatusCode::from_u16(u16::from_be_bytes([high, low])).ok()?,
            body: SecretJson::written(Zeroizing::new(body.to_vec())),
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.body).into_response()
    }
}

/// How an act is made durable: with its answer, if the request had a key.
pub(crate) struct Keeper {
    app: App,
    claim: Option<Claim>,
}

impl Keeper {
    /// Does `act` in one transaction with keeping `answer`.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where it must be decided anew.
    pub(crate) async fn commit(&self, act: Act, answer: &Answer) -> Result<(), CommitError> {
        let store = &self.app.store;
        match &self.claim {
            Some(claim) => store.finish_once(claim, act, &answer.to_bytes()).await?,
            None => match act {
                Act::Nothing => {}
                Act::PutWebhook {
                    environment,
                    webhook,
                    origin,
                    now,
                } => {
                    store
                        .put_webhook(environment, *webhook, origin, now)
                        .await?;
                }
                Act::CreateClient(new, origin) => store.create_client(new, origin).await?,
                Act::CreateSession {
                    client,
                    session,
                    origin,
                } => {
                    store.create_session(client, session, origin).await?;
                }
                Act::RedeemWebOtp {
                    otp,
                    session,
                    trace_id,
                } => {
                    let redeemed = store.redeem_web_otp(otp, session, trace_id).await?;
                    redeemed.ok_or(CommitError::Conflict)?;
                }
                Act::ReplaceClientKey {
                    client,
                    key,
                    origin,
                    now,
                } => {
                    store.replace_client_key(client, key, origin, now).await?;
                }
            },
        }
        Ok(())
    }
}

/// Whose keys are whose: two callers may choose the same one.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    environment: EnvironmentId,
    id: Uuid,
}

impl From<EnvironmentId> for Caller {
    /// An environment's backend, whichever of its API keys it uses.
    fn from(environment: EnvironmentId) -> Self {
        let id = environment.0;
        Self { environment, id }
    }
}

impl From<&ClientRecord> for Caller {
    /// A client, or who acts for it.
    fn from(client: &ClientRecord) -> Self {
        Self {
            environment: client.environment_id,
            id: client.client_id.0,
        }
    }
}

/// Acts on a request, unless it was acted on before.
///
/// `route` names what is called, in all its paths; `asked` is what is asked for: what the path
/// names, and the body.
pub(crate) async fn once<F>(
    app: &App,
    key: IdempotencyKey,
    caller: impl Into<Caller>,
    origin: Origin,
    route: &'static str,
    asked: &impl Serialize,
    act: impl FnOnce(Keeper) -> F + Send + 'static,
) -> Result<Answer, ApiError>
where
    F: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    let Some(key) = key.0 else {
        let keeper = Keeper {
            app: app.clone(),
            claim: None,
        };
        return act(keeper).await;
    };
    let caller = caller.into();
    let request = request(caller, route, key, asked)?;
    let (app, tasks) = (app.clone(), app.tasks.clone());
    let work = async move {
        let claim = match begin(&app, &request).await? {
            Begun::Claimed(claim) => claim,
            Begun::InProgress => return Err(in_progress()),
            Begun::Mismatch => return Err(mismatch()),
            Begun::Answered(kept) => {
                let answer = Answer::from_bytes(&kept);
                let answer =
                    answer.ok_or_else(|| ApiError::internal("a kept answer cannot be read"))?;
                shown_again::note(&app, caller.environment, answer.body.expose(), origin).await?;
                return Ok(answer);
            }
        };
        let keeper = Keeper {
            app: app.clone(),
            claim: Some(claim),
        };
        let answer = act(keeper).await;
        if answer.is_err()
            && let Err(error) = app.store.give_up_once(&claim).await
        {
            tracing::warn!(%error, "a claim stays until it expires");
        }
        answer
    };
    // A caller that hangs up does not stop it, wherever it is: it will come again for the answer,
    // and must not find a claim that nobody acts on.
    let done = tasks.spawn(trace::carried(work)).await;
    done.unwrap_or_else(|_| Err(ApiError::internal("a request was not acted on to its end")))
}

async fn begin(app: &App, request: &IdempotentRequest) -> Result<Begun, ApiError> {
    let now = app.clock.now();
    let after = |time: Duration| now.plus_ms(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let times = ClaimTimes {
        now,
        claimed_until: after(CLAIMED),
        expires_at: after(KEPT),
    };
    let id = uuid::Builder::from_random_bytes(entropy::bytes()).into_uuid();
    Ok(app.store.begin_once(id, request, times).await?)
}

fn request(
    caller: Caller,
    route: &'static str,
    key: [u8; 32],
    asked: &impl Serialize,
) -> Result<IdempotentRequest, ApiError> {
    // Of the value, not of the text: another order or spacing asks for the same.
    let asked = serde_json::to_vec(asked)
        .map(Zeroizing::new)
        .map_err(|_| ApiError::internal("a request cannot be written"))?;
    Ok(IdempotentRequest {
        environment_id: caller.environment,
        caller: caller.id,
        route,
        key,
        digest: Sha256::digest(&*asked).into(),
    })
}

pub(crate) fn in_progress() -> ApiError {
    ApiError::new(
        ErrorId::IdempotentRequestInProgress,
        "the first request with this Idempotency-Key is not answered yet; repeat it shortly",
    )
    .retry_after(RETRY_AFTER_S)
}

fn mismatch() -> ApiError {
    ApiError::new(
        ErrorId::IdempotentRequestMismatch,
        "this Idempotency-Key was used for another request in the last thirty days; use a new one",
    )
}

/// Forgets answers that are over.
pub(crate) async fn forget(app: &App, take: u32) -> Result<(), StoreError> {
    while app.store.forget_answers(app.clock.now(), take).await? >= u64::from(take) {
        if app.is_draining() {
            break;
        }
    }
    Ok(())
}
