//! One call: checked, signed, sent, and noted.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use portal_api::TRACE_HEADER;
use portal_api::webhook::signature::{
    ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER,
};
use portal_api::webhook::{SECRET_HEADER, WebhookKind, WebhookOutcome, WebhookRoute};
use portal_lifecycle::ErrorId;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, EnvironmentId, WebhookDeliveryId};
use portal_serving::TRACEPARENT_HEADER;
use portal_store::{Store, WebhookAttempt, WebhookConfig};
use serde::Serialize;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;
use zeroize::Zeroizing;

use super::{WebhookCall, WebhookPolicy, WebhookTransport, WebhookUnreachable};
use crate::clock::Clock;
use crate::{ApiError, entropy, trace};

/// Room for every share of a client who has made thousands of backups.
const SHARES_BYTES: usize = 4 * 1024 * 1024;
/// Room for the body of a call that carries a share.
const BODY_ROOM_BYTES: usize = 8 * 1024;
/// Room for a receipt or a proof, with whatever else a receiver says.
const ANSWER_BYTES: usize = 64 * 1024;

/// An environment's webhook.
pub(crate) struct Webhook {
    pub(crate) environment_id: EnvironmentId,
    pub(crate) config: WebhookConfig,
}

/// Calls webhooks, as far as the policy allows.
pub(crate) struct WebhookClient {
    transport: Arc<dyn WebhookTransport>,
    policy: WebhookPolicy,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
}

/// What a call is, besides its body.
pub(super) struct Call {
    pub(super) route: WebhookRoute,
    pub(super) kind: WebhookKind,
    /// The `webhook-id`.
    pub(super) id: String,
    pub(super) client_id: Option<ClientId>,
    pub(super) pair: Option<BackupSharePairId>,
    /// How long its answer is waited for, where that is less than what the transport waits.
    pub(super) timeout: Option<Duration>,
}

/// How a call went wrong.
pub(super) enum CallError {
    /// The custodian said no.
    Status {
        status: u16,
        /// The id of its problem document, if it is one that we know.
        problem: Option<ErrorId>,
        route: WebhookRoute,
    },
    /// The custodian said yes, and something else than was asked for.
    Unexpected(ApiError),
    /// No answer came.
    Unreachable(WebhookUnreachable),
    /// There was nothing to call.
    Misconfigured(String),
}

/// What came of a call, and its line in the log.
pub(super) struct Called<T> {
    pub(super) answer: Result<T, CallError>,
    pub(super) attempt: Option<WebhookAttempt>,
}

impl WebhookClient {
    pub(crate) fn new(
        policy: WebhookPolicy,
        transport: Arc<dyn WebhookTransport>,
        clock: Arc<dyn Clock>,
        store: Arc<dyn Store>,
    ) -> Self {
        Self {
            transport,
            policy,
            clock,
            store,
        }
    }

    pub(crate) const fn policy(&self) -> WebhookPolicy {
        self.policy
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a call, reads its answer, and notes what became of it.
    ///
    /// On the heap: a session that may come to call holds this future all the while, and runs the
    /// protocols on what is left of its stack.
    pub(super) fn call<'a, T: Send + 'a>(
        &'a self,
        webhook: &'a Webhook,
        call: Call,
        body: &'a (impl Serialize + Sync),
        read: impl FnOnce(&[u8]) -> Result<T, ApiError> + Send + 'a,
    ) -> BoxFuture<'a, Called<T>> {
        let span = tracing::info_span!(
            "webhook",
            call = call.route.path(),
            status = Empty,
            outcome = Empty,
            otel.kind = "client",
            otel.status_code = Empty,
        );
        self.made(webhook, call, body, read)
            .instrument(span)
            .boxed()
    }

    async fn made<T>(
        &self,
        webhook: &Webhook,
        call: Call,
        body: &(impl Serialize + Sync),
        read: impl FnOnce(&[u8]) -> Result<T, ApiError> + Send,
    ) -> Called<T> {
        let prepared = match self.prepare(webhook, &call, body) {
            Ok(prepared) => prepared,
            Err(error) => {
                return Called {
                    answer: Err(error),
                    attempt: None,
                };
            }
        };
        let begun = Instant::now();
        let posted = self.transport.post(prepared);
        let answered = match call.timeout {
            Some(timeout) => tokio::time::timeout(timeout, posted)
                .await
                .unwrap_or(Err(WebhookUnreachable::TimedOut)),
            // The transport keeps to its own.
            None => posted.await,
        };
        let latency_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let status_code = answered.as_ref().ok().map(|answer| answer.status);
        let route = call.route;
        let answer =
            answered
                .map_err(CallError::Unreachable)
                .and_then(|answer| match answer.status {
                    200..=299 => read(&answer.body).map_err(CallError::Unexpected),
                    status => Err(CallError::Status {
                        status,
                        problem: problem_of(&answer.body),
                        route,
                    }),
                });
        let span = Span::current();
        if let Some(status) = status_code {
            span.record("status", status);
        }
        let outcome = outcome(&answer);
        span.record("outcome", outcome.as_str());
        if answer.is_err() {
            trace::failed(&span);
        }
        let now = self.now();
        let attempt = WebhookAttempt {
            id: WebhookDeliveryId::make(now, entropy::bytes()),
            environment_id: webhook.environment_id,
            kind: call.kind,
            webhook_id: call.id,
            client_id: call.client_id,
            backup_share_pair_id: call.pair,
            outcome,
            status_code,
            latency_ms,
            trace_id: trace::current(),
            created_at: now,
        };
        // A log that cannot be written must not stop what it is a log of.
        if let Err(error) = self.store.record_webhook_attempt(attempt.clone()).await {
            tracing::warn!(%error, "a webhook call was not noted");
        }
        Called {
            answer,
            attempt: Some(attempt),
        }
    }

    fn prepare(
        &self,
        webhook: &Webhook,
        call: &Call,
        body: &impl Serialize,
    ) -> Result<WebhookCall, CallError> {
        let environment_id = webhook.environment_id;
        let webhook = &webhook.config;
        // Checked at every call: the policy may have become stricter since it was configured.
        self.policy
            .check(&webhook.base_url)
            .map_err(|error| CallError::Misconfigured(error.to_string()))?;
        let base_url = webhook.base_url.trim_end_matches('/');
        let url = Url::parse(&format!("{base_url}/{}", call.route.path()));
        let url = url.map_err(|_| misconfigured("the webhook's URL is none"))?;
        // Room for a share and what stands beside it: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(BODY_ROOM_BYTES));
        serde_json::to_writer(&mut *text, body)
            .map_err(|_| misconfigured("the call's body cannot be written"))?;
        let body = text;
        Ok(WebhookCall {
            environment_id,
            url,
            headers: self.headers(webhook, &call.id, &body)?,
            body,
            answer_bytes: match call.route {
                WebhookRoute::Fetch => SHARES_BYTES,
                WebhookRoute::Store
                | WebhookRoute::Prove
                | WebhookRoute::Recover
                | WebhookRoute::Release
                | WebhookRoute::Approve => ANSWER_BYTES,
            },
        })
    }

    /// What shows that the call is ours, and that it is this one.
    fn headers(
        &self,
        webhook: &WebhookConfig,
        id: &str,
        body: &[u8],
    ) -> Result<Vec<(&'static str, Zeroizing<String>)>, CallError> {
        let now = self.now();
        // Of this attempt: a receiver believes it for some minutes.
        let timestamp_s = now.as_ms() / 1_000;
        let mut signatures = Vec::new();
        let mut shown = None;
        for secret in webhook.secrets_at(now) {
            let text = std::str::from_utf8(secret.text.expose()).ok(); // to sign by
            let secret = text.and_then(|text| SigningSecret::parse(text).ok());
            let secret = secret.ok_or_else(|| {
                misconfigured("the webhook's secret cannot sign; give it another one")
            })?;
            signatures.push(secret.sign(id, timestamp_s, body));
            // The oldest: a receiver that knows one value only has that until it is told another.
            shown = Some(secret.static_header());
        }
        let mut headers = vec![
            (ID_HEADER, Zeroizing::new(id.to_owned())),
            (TIMESTAMP_HEADER, Zeroizing::new(timestamp_s.to_string())),
            (SIGNATURE_HEADER, Zeroizing::new(signatures.join(" "))),
            (TRACE_HEADER, Zeroizing::new(trace::current().to_string())),
        ];
        let parent = trace::parent().map(|parent| Zeroizing::new(parent.value()));
        headers.extend(parent.map(|parent| (TRACEPARENT_HEADER, parent)));
        headers.extend(shown.map(|shown| (SECRET_HEADER, shown)));
        Ok(headers)
    }
}

fn misconfigured(what: &str) -> CallError {
    CallError::Misconfigured(what.to_owned())
}

fn outcome<T>(answer: &Result<T, CallError>) -> WebhookOutcome {
    match answer {
        Ok(_) => WebhookOutcome::Delivered,
        Err(CallError::Status { .. }) => WebhookOutcome::Refused,
        Err(CallError::Unexpected(_) | CallError::Misconfigured(_)) => WebhookOutcome::Unexpected,
        Err(CallError::Unreachable(unreachable)) => match unreachable {
            WebhookUnreachable::Unresolved => WebhookOutcome::Unresolved,
            WebhookUnreachable::NotPublic => WebhookOutcome::NotPublic,
            WebhookUnreachable::TimedOut => WebhookOutcome::TimedOut,
            WebhookUnreachable::NoConnection => WebhookOutcome::NoConnection,
            WebhookUnreachable::Broken => WebhookOutcome::Broken,
            WebhookUnreachable::TooLarge => WebhookOutcome::TooLarge,
        },
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
            CallError::Unexpected(error) => error,
            CallError::Unreachable(unreachable) => failed(&unreachable.to_string()),
            CallError::Misconfigured(what) => failed(&what),
        }
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

impl CallError {
    /// What the custodian's problem document says, if it is one that we know.
    pub(super) const fn problem(&self) -> Option<ErrorId> {
        match self {
            Self::Status { problem, .. } => *problem,
            Self::Unexpected(_) | Self::Unreachable(_) | Self::Misconfigured(_) => None,
        }
    }

    /// Whether the receiver does not know this call: it is of an older kind.
    pub(super) const fn is_unknown_call(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 404 | 405 | 501,
                ..
            }
        )
    }
}

pub(super) fn failed(what: &str) -> ApiError {
    ApiError::new(ErrorId::WebhookFailed, what)
}
