//! The secret by which Portal's calls are known.

use core::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Shortest webhook secret, in bytes.
pub const WEBHOOK_SECRET_BYTES: usize = 16;

/// The secret that Portal sends in `X-Webhook-Secret`; only its SHA-256 is kept.
pub struct WebhookSecret {
    digest: [u8; 32],
}

/// A webhook secret that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a webhook secret of at least {WEBHOOK_SECRET_BYTES} bytes, got {given}")]
pub struct WebhookSecretTooShort {
    /// How many bytes there were.
    pub given: usize,
}

impl WebhookSecret {
    /// Takes the secret that is configured for the environment at Portal.
    ///
    /// # Errors
    ///
    /// [`WebhookSecretTooShort`] under [`WEBHOOK_SECRET_BYTES`]: with it anybody may fetch
    /// every share, so an empty or short one is a mistake of configuration.
    pub fn new(secret: &str) -> Result<Self, WebhookSecretTooShort> {
        if secret.len() < WEBHOOK_SECRET_BYTES {
            return Err(WebhookSecretTooShort {
                given: secret.len(),
            });
        }
        Ok(Self {
            digest: Sha256::digest(secret).into(),
        })
    }

    /// Whether `given` is the secret. The time taken tells nothing of either: digests are
    /// compared, so that neither length matters, and each to its end.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.digest.ct_eq(&given).into()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
