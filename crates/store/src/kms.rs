//! Where the key of keys lies.
//!
//! Every secret at rest is sealed under a data key of its own, and that key lies beside it,
//! wrapped by a [`Kms`]. The key that wraps never leaves the KMS, and a rotation rewraps data
//! keys without touching a share.
//!
//! Backends: [`KeyFileKms`], [`VaultTransitKms`], and `AwsKms` with the feature `aws-kms`. Each
//! passes one exported suite (`conformance`).

#[cfg(feature = "aws-kms")]
mod aws;
#[cfg(feature = "conformance")]
pub mod conformance;
mod endpoint;
mod key_file;
mod vault;

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use portal_seal::SealingKey;

#[cfg(feature = "aws-kms")]
pub use aws::{AwsKms, AwsKmsError};
pub use endpoint::EndpointError;
pub use key_file::{KeyFileError, KeyFileKms};
pub use vault::{VaultConfig, VaultConfigError, VaultTransitKms};

/// Longest name of a wrapping key, in bytes.
pub const KEY_ID_BYTES: usize = 512;
/// Longest wrapped data key, in bytes.
pub const WRAPPED_BYTES: usize = 4_096;

/// Wraps data keys.
///
/// # Security
///
/// A wrapped key must open only under the context it was wrapped for, and only if nobody
/// changed it. An implementation logs neither keys nor wrapped keys.
#[async_trait]
pub trait Kms: Send + Sync + fmt::Debug + 'static {
    /// Names the key that wraps from now on; public, at most [`KEY_ID_BYTES`] long. It is kept
    /// beside what it wraps, and says which key opens it.
    ///
    /// # Errors
    ///
    /// [`KmsError`].
    async fn key_id(&self) -> Result<String, KmsError>;

    /// Wraps a data key under the key that [`key_id`](Self::key_id) names.
    ///
    /// # Errors
    ///
    /// [`KmsError`].
    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError>;

    /// Opens what [`wrap`](Self::wrap) made, under any key of this KMS that still exists.
    ///
    /// # Errors
    ///
    /// [`KmsError::Refused`] where it was changed, or wrapped for another context;
    /// [`KmsError::UnknownKey`] where its key is not one of this KMS's.
    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError>;
}

/// A data key as it lies beside its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key that wrapped it.
    pub key_id: String,
    /// The wrapped key, as the KMS gave it.
    pub bytes: Vec<u8>,
}

/// No secret, but of no use in a log either.
impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "WrappedKey({} bytes under {})",
            self.bytes.len(),
            self.key_id
        )
    }
}

/// One KMS that wraps, and others that only open what they wrapped before it.
///
/// While data keys move from one KMS to another, both are needed.
#[derive(Debug)]
pub struct KeyRing {
    /// Wraps and opens.
    pub current: Arc<dyn Kms>,
    /// Asked, in this order, for keys that `current` does not know.
    pub former: Vec<Arc<dyn Kms>>,
}

#[async_trait]
impl Kms for KeyRing {
    async fn key_id(&self) -> Result<String, KmsError> {
        self.current.key_id().await
    }

    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError> {
        self.current.wrap(data_key, context).await
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        let mut opened = self.current.unwrap(wrapped, context).await;
        for kms in &self.former {
            if matches!(opened, Err(KmsError::UnknownKey { .. })) {
                opened = kms.unwrap(wrapped, context).await;
            }
        }
        opened
    }
}

/// What a data key is for: names and values, none of them secret, in a fixed order; no name
/// stands twice.
///
/// A KMS authenticates it, and may write it to its own audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyContext(pub Vec<(&'static str, String)>);

impl KeyContext {
    /// Name and value of each field, each after its length as four bytes, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in self
            .0
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        {
            // No field comes near 4 GiB: a URL is the longest, and a request's size is limited.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Why a data key was not wrapped or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KmsError {
    /// The KMS does not answer, or answers that it is busy; the same call may work later.
    #[error("the KMS does not answer: {problem}")]
    Unavailable {
        /// What it said, without a secret.
        problem: String,
    },
    /// The KMS does not let this server use the key.
    #[error("the KMS does not let this server use its key: {problem}")]
    Forbidden {
        /// What it said, without a secret.
        problem: String,
    },
    /// The key that wrapped it is not there any more, or never was.
    #[error("there is no key {key_id} at the KMS that this server was told to use")]
    UnknownKey {
        /// Its name.
        key_id: String,
    },
    /// Changed since it was wrapped, or wrapped for another place.
    #[error("a data key was changed since it was wrapped, or wrapped for another place")]
    Refused,
    /// What the KMS answered makes no sense.
    #[error("the KMS's answer is not understood: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: &'static str,
    },
}
