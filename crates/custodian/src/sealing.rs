//! The keys that clients seal to, and what else a backend needs to take sealed backups.

use core::fmt;
use std::sync::Arc;

use portal_api::sealed::{KEY_ID_BYTES, PinnedSealingKey, SealContext, SealedBlind};
use portal_seal::SecretBytes;
use portal_seal::recipient::{OpeningKey, SealedTo};
use subtle::ConstantTimeEq as _;

use crate::Digest;
use crate::recovery::{RecoveryPolicy, RecoveryStore};

/// The private keys that open what clients seal, the one in use first.
///
/// A former key stays until no outbox of Portal's and no app holds its public half any more.
pub struct SealingKeys(Vec<(PinnedSealingKey, OpeningKey)>);

/// Keys that will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealingKeysError {
    /// There is none.
    #[error("expected at least one sealing key, got none")]
    None,
    /// One has no public half.
    #[error("a sealing key is not one of X25519")]
    Unusable,
}

/// Why a seal was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// Sealed to a key that is not here.
    UnknownKey,
    /// Sealed for something else, or changed.
    NotAuthentic,
}

impl SealingKeys {
    /// Takes the keys over, the one to seal to first.
    ///
    /// # Errors
    ///
    /// [`SealingKeysError`].
    pub fn new(keys: Vec<OpeningKey>) -> Result<Self, SealingKeysError> {
        if keys.is_empty() {
            return Err(SealingKeysError::None);
        }
        let keys = keys.into_iter().map(|key| {
            let public = key.public().map_err(|_| SealingKeysError::Unusable)?;
            Ok((PinnedSealingKey(public.0), key))
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// The public keys, the one to seal to first.
    #[must_use]
    pub fn public(&self) -> Vec<PinnedSealingKey> {
        self.0.iter().map(|(public, _)| *public).collect()
    }

    /// The scalar inside a blind that was sealed for `context`.
    pub(crate) fn open(
        &self,
        context: &SealContext<'_>,
        blind: &SealedBlind,
    ) -> Result<SecretBytes, Unopened> {
        let id: [u8; KEY_ID_BYTES] = blind.key_id.to_array().ok_or(Unopened::UnknownKey)?;
        let (_, key) = self
            .0
            .iter()
            .find(|(public, _)| public.id() == id)
            .ok_or(Unopened::UnknownKey)?;
        let sealed = SealedTo {
            encapsulated: blind
                .encapsulated
                .to_array()
                .ok_or(Unopened::NotAuthentic)?,
            cipher_text: blind.cipher_text.0.clone(),
        };
        key.open(&context.info(), &context.associated_data(), &sealed)
            .map_err(|_| Unopened::NotAuthentic)
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.public()).finish()
    }
}

/// Shortest secret of an app's backend, in bytes.
const BACKEND_SECRET_BYTES: usize = 16;

/// The secret by which the app's own backend is known; neither Portal nor an app has it. Only its
/// SHA-256 is kept.
pub struct BackendSecret(Digest);

/// A backend's secret that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a backend's secret of at least {BACKEND_SECRET_BYTES} bytes, got {given}")]
pub struct BackendSecretTooShort {
    /// How many bytes there were.
    pub given: usize,
}

impl BackendSecret {
    /// Takes the secret over.
    ///
    /// # Errors
    ///
    /// [`BackendSecretTooShort`]: with it anybody may open a recovery.
    pub fn new(secret: &str) -> Result<Self, BackendSecretTooShort> {
        if secret.len() < BACKEND_SECRET_BYTES {
            return Err(BackendSecretTooShort {
                given: secret.len(),
            });
        }
        Ok(Self(Digest::of(secret.as_bytes())))
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.0
    }

    /// Digests are compared, each to its end: the time taken tells nothing.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.0.0.ct_eq(&Digest::of(given).0).into()
    }
}

impl fmt::Debug for BackendSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackendSecret(…)")
    }
}

/// What a backend needs to take sealed backups, and to give them back.
#[derive(Clone)]
pub struct Sealing {
    /// The keys that clients seal to.
    pub keys: Arc<SealingKeys>,
    /// Where recovery windows are kept.
    pub recoveries: Arc<dyn RecoveryStore>,
    /// By which the app's backend opens them.
    pub backend_secret: Arc<BackendSecret>,
    /// How long they stay open, and for how many requests.
    pub policy: RecoveryPolicy,
}

impl Sealing {
    /// With the default [`RecoveryPolicy`].
    #[must_use]
    pub fn new(
        keys: SealingKeys,
        recoveries: Arc<dyn RecoveryStore>,
        backend_secret: BackendSecret,
    ) -> Self {
        Self {
            keys: Arc::new(keys),
            recoveries,
            backend_secret: Arc::new(backend_secret),
            policy: RecoveryPolicy::default(),
        }
    }

    /// How long recoveries stay open, and for how many requests.
    #[must_use]
    pub const fn recovery_policy(mut self, policy: RecoveryPolicy) -> Self {
        self.policy = policy;
        self
    }
}
