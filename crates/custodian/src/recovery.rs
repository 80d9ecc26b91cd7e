//! When a client may recover from a sealed backup: never on Portal's word, only on that of the
//! app's own backend.

use async_trait::async_trait;
use portal_api::sealed::RecoveryTicket;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::ClientId;

use crate::{Digest, StoreError};

/// How long a recovery stays open, and for how many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryPolicy {
    /// From the moment that the app's backend opens it.
    pub window_ms: u64,
    /// Requests that are answered in it. One is enough where nothing fails; a device that was cut
    /// off makes another. Each is blinded by what the client drew for it.
    pub uses: u32,
}

impl Default for RecoveryPolicy {
    /// 15 minutes, five requests.
    fn default() -> Self {
        Self {
            window_ms: 15 * 60 * 1_000,
            uses: 5,
        }
    }
}

/// A time in which a client may recover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryWindow {
    /// When it was opened.
    pub opened_at: Timestamp,
    /// From then on it is closed.
    pub closes_at: Timestamp,
    /// When it was closed before its time.
    pub closed_at: Option<Timestamp>,
    /// How many requests it allows.
    pub uses_allowed: u32,
    /// How many were answered.
    pub uses: u32,
    /// What proofs are made for in it, and in no other; never Portal's to know.
    pub ticket: RecoveryTicket,
}

impl RecoveryWindow {
    /// Whether requests are answered in it, as far as the time goes.
    ///
    /// That it was opened is known by its being there: [`opened_at`](Self::opened_at) is another
    /// process's time, perhaps, and one whose clock is behind would refuse who was just let in.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.closes_at
    }
}

/// A request for blinded shares, as it is recorded before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// Digest of the whole request.
    pub request: Digest,
    /// Digest of what the client sealed for it, which serves one request only.
    pub blinds: Digest,
}

/// A request that is not answered.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The app's backend opened no window for this client, or it is over, or used up.
    #[error("no recovery of this client is open")]
    NotOpen,
    /// The same blinds came with another request.
    #[error("these blinds served another request")]
    Replayed,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Storage of recovery windows, insert-only as the rest.
#[async_trait]
pub trait RecoveryStore: Send + Sync + 'static {
    /// Lets a client recover from `now` on; the newest window counts, and none before it.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn open_recovery(
        &self,
        client_id: ClientId,
        policy: RecoveryPolicy,
        now: Timestamp,
    ) -> Result<RecoveryWindow, StoreError>;

    /// Every window that was ever opened for a client, the newest first; a hundred at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn recoveries(&self, client_id: ClientId) -> Result<Vec<RecoveryWindow>, StoreError>;

    /// The window that is open for a client.
    ///
    /// # Errors
    ///
    /// [`RecoveryError::NotOpen`] if none is; [`RecoveryError::Store`].
    async fn recovery_in_force(
        &self,
        client_id: ClientId,
        now: Timestamp,
    ) -> Result<RecoveryWindow, RecoveryError>;

    /// Ends what is open for a client; where nothing is, it changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn close_recovery(&self, client_id: ClientId, now: Timestamp) -> Result<(), StoreError>;

    /// Records a request in the window that is open, in one transaction; the same request again
    /// changes nothing while it is open.
    ///
    /// # Errors
    ///
    /// [`RecoveryError`]; the request must then not be answered.
    async fn use_recovery(
        &self,
        client_id: ClientId,
        request: RecoveryRequest,
        now: Timestamp,
    ) -> Result<(), RecoveryError>;
}
