//! Requests that are acted on once: a key of the caller's, and the answer that it gets ever after.

use core::fmt;

use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};
use portal_seal::SecretBytes;
use uuid::Uuid;

use crate::audit::Origin;
use crate::{CredentialHash, NewClient, NewSession, WebhookConfig};

/// A request that carried a key: whoever repeats all of it means the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Where the caller belongs.
    pub environment_id: EnvironmentId,
    /// The caller: the client, or the environment itself for its backend.
    pub caller: Uuid,
    /// What was called; part of what names the request.
    pub route: &'static str,
    /// SHA-256 of the caller's key.
    pub key: [u8; 32],
    /// SHA-256 of what was asked for. Another one under the same key is another request.
    pub digest: [u8; 32],
}

/// What became of a request by the time it came again.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: the caller acts on it now, under this claim.
    Claimed(Claim),
    /// Somebody acts on it.
    InProgress,
    /// It was answered so.
    Answered(SecretBytes),
    /// The key belongs to another request.
    Mismatch,
}

/// The right to act on a request, until its time is over or somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The row that the answer will lie in; another one for each claim.
    pub id: Uuid,
    /// The request.
    pub request: IdempotentRequest,
}

/// When a claim is made, and until when it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimTimes {
    /// Now.
    pub now: Timestamp,
    /// Whoever has not acted by then has died.
    pub claimed_until: Timestamp,
    /// The key, and the answer with it, are forgotten then.
    pub expires_at: Timestamp,
}

/// What is done once, in one transaction with its answer.
#[derive(Clone)]
pub enum Act {
    /// Nothing in this storage.
    Nothing,
    /// A client is made.
    CreateClient(NewClient, Origin),
    /// An environment's webhook is replaced by that of the next version.
    PutWebhook {
        /// The environment.
        environment: EnvironmentId,
        /// The webhook.
        webhook: Box<WebhookConfig>,
        /// Where it comes from.
        origin: Origin,
        /// When.
        now: Timestamp,
    },
    /// A client is given another session.
    CreateSession {
        /// The client.
        client: ClientId,
        /// The session.
        session: NewSession,
        /// Where it comes from.
        origin: Origin,
    },
    /// A one-time password is taken for a session of its client; a conflict where it was taken
    /// before.
    RedeemWebOtp {
        /// Hash of the password.
        otp: CredentialHash,
        /// The session.
        session: NewSession,
        /// The request.
        trace_id: TraceId,
    },
    /// A client is given another API key, in the place of those that it has.
    ReplaceClientKey {
        /// The client.
        client: ClientId,
        /// Hash of the key.
        key: CredentialHash,
        /// Where it comes from.
        origin: Origin,
        /// When.
        now: Timestamp,
    },
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::CreateClient(..) => "CreateClient",
            Self::PutWebhook { .. } => "PutWebhook",
            Self::CreateSession { .. } => "CreateSession",
            Self::RedeemWebOtp { .. } => "RedeemWebOtp",
            Self::ReplaceClientKey { .. } => "ReplaceClientKey",
        })
    }
}
