//! A KMS whose calls are counted.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use portal_seal::SealingKey;
use portal_store::kms::{KeyContext, Kms, KmsError, WrappedKey};

use super::{CallOutcome, Metrics};

/// Counts the calls of another KMS.
pub struct CountedKms {
    inner: Arc<dyn Kms>,
    metrics: Metrics,
}

impl CountedKms {
    /// Counts the calls of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Kms>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }

    async fn counted<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, KmsError>>,
    ) -> Result<T, KmsError> {
        let begun = Instant::now();
        let answer = answer.await;
        let outcome = answer.as_ref().err().map_or("ok", name_of);
        self.metrics
            .0
            .kms_seconds
            .get_or_create(&CallOutcome { call, outcome })
            .observe(begun.elapsed().as_secs_f64());
        answer
    }
}

impl fmt::Debug for CountedKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

const fn name_of(error: &KmsError) -> &'static str {
    match error {
        KmsError::Unavailable { .. } => "unavailable",
        KmsError::Forbidden { .. } => "forbidden",
        KmsError::UnknownKey { .. } => "unknown_key",
        KmsError::Refused => "refused",
        KmsError::Malformed { .. } => "malformed",
    }
}

#[async_trait]
impl Kms for CountedKms {
    async fn key_id(&self) -> Result<String, KmsError> {
        self.counted("key_id", self.inner.key_id()).await
    }

    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError> {
        self.counted("wrap", self.inner.wrap(data_key, context))
            .await
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        self.counted("unwrap", self.inner.unwrap(wrapped, context))
            .await
    }
}
