//! A secret by which Portal's calls are known.

use core::fmt;

use portal_api::webhook::signature::{MalformedSecret, SigningSecret};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::Digest;

/// Shortest webhook secret, in bytes.
pub const WEBHOOK_SECRET_BYTES: usize = 16;

/// A secret that Portal signs its calls by, and that it shows in `X-Webhook-Secret`.
pub struct WebhookSecret {
    signing: SigningSecret,
    /// SHA-256 of what `X-Webhook-Secret` may hold: what is derived from a `whsec_` secret, and
    /// the secret itself, which servers from before signatures show.
    shown: [[u8; 32]; 2],
}

/// A text that will not do as a webhook secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// It could be guessed.
    #[error("expected a webhook secret of at least {WEBHOOK_SECRET_BYTES} bytes, got {given}")]
    TooShort {
        /// How many bytes there were.
        given: usize,
    },
    /// It is not of the form of one.
    #[error(transparent)]
    Malformed(#[from] MalformedSecret),
}

impl WebhookSecret {
    /// Takes the secret that is configured for the environment at Portal.
    ///
    /// # Errors
    ///
    /// [`WebhookSecretError`]; under [`WEBHOOK_SECRET_BYTES`] because with it anybody may fetch
    /// every share, so an empty or short one is a mistake of configuration.
    pub fn new(secret: &str) -> Result<Self, WebhookSecretError> {
        if secret.len() < WEBHOOK_SECRET_BYTES {
            return Err(WebhookSecretError::TooShort {
                given: secret.len(),
            });
        }
        let signing = SigningSecret::parse(secret)?;
        let shown = [
            Sha256::digest(signing.static_header().as_bytes()).into(),
            Sha256::digest(secret).into(),
        ];
        Ok(Self { signing, shown })
    }

    pub(crate) const fn signing(&self) -> &SigningSecret {
        &self.signing
    }

    pub(crate) const fn digest(&self) -> Digest {
        let [_, itself] = self.shown;
        Digest(itself)
    }

    /// Whether `given` is what stands in `X-Webhook-Secret`. The time taken tells nothing of
    /// either: digests are compared, so that neither length matters, and each to its end.
    pub(crate) fn is_shown(&self, given: &[u8]) -> Choice {
        let given: [u8; 32] = Sha256::digest(given).into();
        let [derived, itself] = &self.shown;
        derived.ct_eq(&given) | itself.ct_eq(&given)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
