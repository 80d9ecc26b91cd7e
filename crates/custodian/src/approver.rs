//! What the app's backend says to a signature before it is made.

use async_trait::async_trait;
use portal_api::webhook::ApproveSignature;

/// The app's own rules: asked before each signature where the environment's signing policy says so.
///
/// Judge by a request's [`reading`](crate::RequestToApprove::reading): it is what Portal signs.
/// `params` are the client's own spelling of it, in which other readers may see something else, and
/// `summary` is cut short. Where [`unseen`](crate::RequestToApprove::reading) is not empty, more may
/// be paid, or to others, than the reading says.
///
/// It is asked for each payload of a request by itself, and again for each attempt: count what was
/// signed by its [`payload`](ApproveSignature::payload), not by the calls.
#[async_trait]
pub trait Approver: Send + Sync + 'static {
    /// Whether the wallet may sign this. Portal waits five seconds for the answer, and takes none
    /// for a no.
    async fn approve(&self, request: &ApproveSignature) -> Decision;
}

/// An answer to Portal's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may sign; answered with 204.
    Allow,
    /// It may not; answered with 403 `FORBIDDEN`.
    Deny {
        /// Why. It goes to Portal's server, and no further.
        reason: String,
    },
    /// That cannot be found out now; answered with 503 `UNAVAILABLE`. The wallet does not sign.
    Unavailable,
}
