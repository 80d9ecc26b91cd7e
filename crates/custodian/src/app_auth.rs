//! How an app proves for which client it calls.

use async_trait::async_trait;
use axum::http::HeaderMap;
use portal_lifecycle::ids::ClientId;

/// The app's login: says for which client a request may read and store cipher texts.
///
/// [`AppTokens`](crate::AppTokens) is the default; a company that already has a login
/// puts it here instead.
#[async_trait]
pub trait AppAuth: Send + Sync + 'static {
    /// The one client that a request with these headers may act for.
    ///
    /// # Errors
    ///
    /// [`AppAuthError`].
    ///
    /// # Security
    ///
    /// `headers` hold the credential: do not log them.
    async fn client_of(&self, headers: &HeaderMap) -> Result<ClientId, AppAuthError>;
}

/// Why a request is let in for no client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppAuthError {
    /// The credential is missing, malformed, forged or expired; answered with 401 `AUTH_FAILED`.
    #[error("the credential is not accepted")]
    Refused,
    /// The login cannot be asked now; answered with 503 `UNAVAILABLE`, for it is not the
    /// app's fault and the same call may succeed later.
    #[error("the login does not answer")]
    Unavailable,
}
