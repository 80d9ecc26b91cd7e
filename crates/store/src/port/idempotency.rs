//! Requests that are acted on once.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_seal::SecretBytes;
use uuid::Uuid;

use crate::audit::{Origin, ShownCredential};
use crate::{Act, Begun, Claim, ClaimTimes, CommitError, IdempotentRequest, StoreError};

/// Requests that are acted on once, however often they come.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims a request, unless somebody has: of those who ask at once, one gets it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing is claimed then.
    async fn begin_once(
        &self,
        id: Uuid,
        request: &IdempotentRequest,
        times: ClaimTimes,
    ) -> Result<Begun, StoreError>;

    /// Acts on a claimed request and keeps its answer, all or nothing.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the act was decided on what another one has changed since. As
    /// [`CommitError::Store`]: [`StoreError::ClaimLost`] where the claim was over; those of the act;
    /// another [`StoreError`]. Nothing is left of the act then, and the claim is as it was.
    async fn finish_once(
        &self,
        claim: &Claim,
        act: Act,
        answer: &SecretBytes,
    ) -> Result<(), CommitError>;

    /// Writes down that a kept answer is given again, with a credential in it: of this client, or
    /// of the environment itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the answer must not be given then.
    async fn answered_again(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        credential: ShownCredential,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives a claim up that was not acted on; the key is free then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the claim ends by itself then.
    async fn give_up_once(&self, claim: &Claim) -> Result<(), StoreError>;

    /// Forgets answers and claims that are over, `take` at most; says how many.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn forget_answers(&self, now: Timestamp, take: u32) -> Result<u64, StoreError>;
}
