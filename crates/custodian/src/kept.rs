//! The secrets that stand beside a database and not in it, and what each is known by.

use core::fmt;

use crate::{AppTokens, BackendSecret, Digest, SealingKeys, WebhookAuth};

/// A secret that a service is started with, besides the key of its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptSecret {
    /// What Portal's calls are known by.
    WebhookSecret,
    /// What the tokens of apps are made of.
    AppSecret,
    /// What opens sealed backups.
    SealingKey,
    /// What opens recoveries.
    BackendSecret,
}

impl KeptSecret {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::WebhookSecret,
        Self::AppSecret,
        Self::SealingKey,
        Self::BackendSecret,
    ];

    /// Its name, which is that of its file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebhookSecret => "webhook-secret",
            Self::AppSecret => "app-secret",
            Self::SealingKey => "sealing-key",
            Self::BackendSecret => "backend-secret",
        }
    }
}

impl fmt::Display for KeptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret as a service is started with it, for
/// [`check_secrets`](crate::SqlCustodianStore::check_secrets): the digest of the one in use, then
/// those of former ones that go with it.
pub struct GivenSecret {
    pub(crate) secret: KeptSecret,
    pub(crate) digests: Vec<Digest>,
}

/// A digest of what could be guessed is nothing for a log.
impl fmt::Debug for GivenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenSecret({})", self.secret)
    }
}

impl From<&WebhookAuth> for GivenSecret {
    fn from(auth: &WebhookAuth) -> Self {
        Self {
            secret: KeptSecret::WebhookSecret,
            digests: auth.digests(),
        }
    }
}

impl From<&AppTokens> for GivenSecret {
    fn from(tokens: &AppTokens) -> Self {
        Self {
            secret: KeptSecret::AppSecret,
            digests: vec![tokens.digest()],
        }
    }
}

impl From<&SealingKeys> for GivenSecret {
    fn from(keys: &SealingKeys) -> Self {
        let public = keys.public().into_iter();
        Self {
            secret: KeptSecret::SealingKey,
            digests: public.map(|key| Digest::of(&key.0)).collect(),
        }
    }
}

impl From<&BackendSecret> for GivenSecret {
    fn from(secret: &BackendSecret) -> Self {
        Self {
            secret: KeptSecret::BackendSecret,
            digests: vec![secret.digest()],
        }
    }
}
