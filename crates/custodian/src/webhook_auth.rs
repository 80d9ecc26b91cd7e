//! Whether a call is Portal's: its signature and its time.
//!
//! ```text
//! headers ─► form and time ─► body, whole ─► signature ─► heard before? ─► parsed
//! ```
//!
//! Whether it was heard before is the store's to say, to all processes that share it and after a
//! new start as well.
//!
//! The body is read before anybody is believed, up to its limit, and parsed after that.

use axum::http::{HeaderMap, HeaderName};
use portal_api::webhook::signature::{
    ID_HEADER, SIGNATURE_HEADER, SignatureError, SignedHeaders, TIMESTAMP_HEADER,
};
use portal_api::webhook::{SECRET_HEADER, WebhookRoute};
use portal_lifecycle::Timestamp;
use subtle::Choice;

use crate::{Digest, WebhookSecret};

/// How long the id of a call that is made once is kept. By one clock a call is believed for ten
/// minutes, as it may be stamped five ahead; by those of several processes, each within five
/// minutes of Portal's, for twenty.
pub(crate) const KEPT_MS: u64 = 60 * 60 * 1_000;

/// How Portal's calls are known.
pub struct WebhookAuth {
    secrets: Vec<WebhookSecret>,
    requires_signatures: bool,
}

/// Why a call is not taken for Portal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotPortals {
    #[error(
        "expected a signed call (webhook-id, webhook-timestamp, webhook-signature); one with the header x-webhook-secret alone is not accepted here"
    )]
    NotSigned,
    #[error(
        "expected a signed call (webhook-id, webhook-timestamp, webhook-signature), or this environment's webhook secret in the header x-webhook-secret"
    )]
    Unknown,
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the webhook-id is that of another path")]
    OtherRoute,
    #[error("a call under this webhook-id was answered already; a new call carries a new one")]
    HeardBefore,
}

/// What the headers of a call claim, before its body is there.
pub(crate) enum Claim<'a> {
    /// It is known already, by the static header.
    Shown,
    /// To be compared with the body.
    Signed(SignedHeaders<'a>),
}

impl WebhookAuth {
    /// Calls by this secret. Where it is a `whsec_` one, they must be signed.
    #[must_use]
    pub fn new(secret: WebhookSecret) -> Self {
        Self {
            requires_signatures: secret.signing().is_standard(),
            secrets: vec![secret],
        }
    }

    /// Calls by this secret as well: while Portal changes from the one to the other.
    #[must_use]
    pub fn or(mut self, secret: WebhookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Whether a call must be signed, whatever the secret is. Without that the header
    /// `X-Webhook-Secret` alone will do, which servers from before signatures send: whoever sees
    /// one call can make others.
    #[must_use]
    pub const fn require_signatures(mut self, required: bool) -> Self {
        self.requires_signatures = required;
        self
    }

    /// What each secret is known by, the one in use first.
    pub(crate) fn digests(&self) -> Vec<Digest> {
        self.secrets.iter().map(WebhookSecret::digest).collect()
    }

    /// What the headers claim for a call to `route`; refuses what no body could make good.
    pub(crate) fn claim<'a>(
        &self,
        headers: &'a HeaderMap,
        route: WebhookRoute,
        now: Timestamp,
    ) -> Result<Claim<'a>, NotPortals> {
        let signed = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].map(HeaderName::from_static);
        // What carries a part of a signature must be signed: nobody gets past by a wrong one.
        if signed.iter().any(|name| headers.contains_key(name)) {
            let values = signed.map(|name| one(headers, &name));
            let [Some(id), Some(timestamp), Some(signatures)] = values else {
                return Err(SignatureError::Malformed.into());
            };
            let signed = SignedHeaders::parse(id, timestamp, signatures)?;
            signed.check_time(now)?;
            if !route.owns(signed.id) {
                return Err(NotPortals::OtherRoute);
            }
            return Ok(Claim::Signed(signed));
        }
        if self.requires_signatures {
            return Err(NotPortals::NotSigned);
        }
        let given = headers.get(SECRET_HEADER).ok_or(NotPortals::Unknown)?;
        let secrets = self.secrets.iter();
        let known = secrets.fold(Choice::from(0), |known, secret| {
            known | secret.is_shown(given.as_bytes())
        });
        if known.into() {
            Ok(Claim::Shown)
        } else {
            Err(NotPortals::Unknown)
        }
    }

    /// Whether a signed call is Portal's.
    pub(crate) fn verify(
        &self,
        signed: &SignedHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), NotPortals> {
        let secrets = self.secrets.iter().map(WebhookSecret::signing);
        Ok(signed.verify(secrets, body, now)?)
    }
}

impl From<WebhookSecret> for WebhookAuth {
    fn from(secret: WebhookSecret) -> Self {
        Self::new(secret)
    }
}

impl core::fmt::Debug for WebhookAuth {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebhookAuth")
            .field("secrets", &self.secrets.len())
            .field("requires_signatures", &self.requires_signatures)
            .finish()
    }
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
