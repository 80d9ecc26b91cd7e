//! Wrapping keys in the Transit engine of HashiCorp Vault, 1.13 or newer (or OpenBao).
//!
//! A data key goes there in `encrypt` and comes back in `decrypt`, bound to its [`KeyContext`]
//! as `associated_data`; Vault before 1.13 does not know that field and would bind nothing. The
//! Transit key must be of a type with associated data, as the default `aes256-gcm96` is: Vault
//! refuses the field for others. The token needs `update` on both paths, and `read` on the key.
//!
//! A key's id is `vault:{mount}/{key}:v{version}`. A rotation at Vault makes another version,
//! and all versions that Vault still allows open.

mod answer;
mod calls;

use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portal_seal::SealingKey;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::endpoint::EndpointError;
use super::{KEY_ID_BYTES, KeyContext, Kms, KmsError, WRAPPED_BYTES, WrappedKey};
use answer::{Ciphertext, Versions};
use calls::{Calls, Failed};

/// How long the newest version of the key is taken for the newest.
const VERSIONS_VALID: Duration = Duration::from_secs(60);

const NOT_DESCRIBED: KmsError = KmsError::Malformed {
    problem: "Vault refuses to describe the key; check mount and key",
};
const NOT_ENCRYPTED: KmsError = KmsError::Malformed {
    problem: "Vault refuses to encrypt; \
              expected a Transit key of a type with associated data that is not derived",
};

/// Where Vault is, and which key wraps there.
pub struct VaultConfig {
    /// Vault's URL, `https` or a loopback address.
    pub address: String,
    /// Where the Transit engine is mounted: `transit` unless somebody chose otherwise.
    pub mount: String,
    /// The Transit key's name.
    pub key: String,
    /// The namespace of Vault Enterprise or HCP.
    pub namespace: Option<String>,
    /// What authenticates the server to Vault.
    pub token: Zeroizing<String>,
}

impl fmt::Debug for VaultConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the address: one that is refused may hold a password.
        f.debug_struct("VaultConfig")
            .field("mount", &self.mount)
            .field("key", &self.key)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Why Vault cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum VaultConfigError {
    /// The address is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Mount or key cannot stand in a path.
    #[error("expected the Vault {field} as a name without empty or dotted parts, got {given:?}")]
    Name {
        /// `mount` or `key`.
        field: &'static str,
        /// What was given.
        given: String,
    },
    /// Mount and key make a longer id than there may be.
    #[error(
        "expected Vault's mount and key to make an id of {KEY_ID_BYTES} bytes at most, got {given}"
    )]
    TooLong {
        /// How many it may come to have.
        given: usize,
    },
    /// The token cannot stand in a header.
    #[error("expected a Vault token of visible characters, got another; check its file's content")]
    Token,
    /// The namespace cannot stand in a header.
    #[error("expected a Vault namespace of visible characters, got {given:?}")]
    Namespace {
        /// What was given.
        given: String,
    },
    /// No HTTP client could be made.
    #[error("no HTTP client could be made for Vault")]
    Client {
        /// What it says.
        source: reqwest::Error,
    },
}

/// Wraps data keys under a key of Vault's Transit engine.
pub struct VaultTransitKms {
    calls: Calls,
    /// `{mount}/{key}`.
    name: String,
    versions: Mutex<Option<(Versions, Instant)>>,
}

impl VaultTransitKms {
    /// Takes Vault as configured; the first call of it is the first use.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError`].
    pub fn new(config: VaultConfig) -> Result<Self, VaultConfigError> {
        let mount = config.mount.trim_matches('/');
        let name = format!("{mount}/{}", config.key);
        let given = key_id(&name, u64::MAX).len();
        if given > KEY_ID_BYTES {
            return Err(VaultConfigError::TooLong { given });
        }
        Ok(Self {
            calls: Calls::new(&config)?,
            name,
            versions: Mutex::new(None),
        })
    }

    fn cached(&self) -> Option<Versions> {
        let cached = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        cached
            .as_ref()
            .filter(|(_, since)| since.elapsed() < VERSIONS_VALID)
            .map(|(versions, _)| *versions)
    }

    /// The versions that there are, at most a minute old.
    async fn versions(&self) -> Result<Versions, KmsError> {
        match self.cached() {
            Some(versions) => Ok(versions),
            None => self.versions_now().await,
        }
    }

    async fn versions_now(&self) -> Result<Versions, KmsError> {
        let versions = self.calls.versions().await;
        let versions = versions.map_err(|failed| self.meaning(failed, NOT_DESCRIBED))?;
        self.keep(versions);
        Ok(versions)
    }

    fn keep(&self, versions: Versions) {
        let mut cached = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        *cached = Some((versions, Instant::now()));
    }

    /// Says what a failed call means; a 400 means another thing for each.
    fn meaning(&self, failed: Failed, bad_request: KmsError) -> KmsError {
        match failed {
            Failed::Kms(error) => error,
            Failed::NotFound => KmsError::UnknownKey {
                key_id: format!("vault:{}", self.name),
            },
            Failed::BadRequest => bad_request,
        }
    }

    /// The version in one of this key's ids.
    fn version_in(&self, id: &str) -> Option<u64> {
        let rest = id.strip_prefix("vault:")?.strip_prefix(&self.name)?;
        let version = rest.strip_prefix(":v")?.parse().ok()?;
        // One spelling only: `v01` and `v+1` are not ids.
        (key_id(&self.name, version) == id).then_some(version)
    }
}

#[async_trait]
impl Kms for VaultTransitKms {
    async fn key_id(&self) -> Result<String, KmsError> {
        let versions = self.versions().await?;
        Ok(key_id(&self.name, versions.latest))
    }

    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError> {
        // Asked for first: `encrypt` would make a key that is not there.
        let known = self.versions().await?;
        // Exposed to be encrypted, nothing else.
        let plaintext = Zeroizing::new(BASE64.encode(data_key.expose()));
        let text = self.calls.encrypt(&plaintext, &context.to_bytes()).await;
        let text = text.map_err(|failed| self.meaning(failed, NOT_ENCRYPTED))?;
        let Some(ciphertext) = Ciphertext::parse(&text).filter(|_| text.len() <= WRAPPED_BYTES)
        else {
            return Err(KmsError::Malformed {
                problem: "expected data.ciphertext like vault:v1:… from Vault",
            });
        };
        if ciphertext.version != known.latest {
            self.keep(Versions {
                latest: ciphertext.version,
                ..known
            });
        }
        Ok(WrappedKey {
            key_id: key_id(&self.name, ciphertext.version),
            bytes: text.into_bytes(),
        })
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        let unknown = || KmsError::UnknownKey {
            key_id: wrapped.key_id.clone(),
        };
        let version = self.version_in(&wrapped.key_id).ok_or_else(unknown)?;
        // Vault gave none that is not of this form: it need not be asked.
        let text = core::str::from_utf8(&wrapped.bytes)
            .ok()
            .filter(|text| text.len() <= WRAPPED_BYTES)
            .filter(|text| Ciphertext::parse(text).is_some_and(|it| it.version == version))
            .ok_or(KmsError::Refused)?;
        let failed = match self.calls.decrypt(text, &context.to_bytes()).await {
            Ok(key) => return Ok(key),
            Err(failed) => failed,
        };
        // Vault says 400 also of a version that it does not have, or does not allow any more.
        if matches!(failed, Failed::BadRequest)
            && let Ok(versions) = self.versions_now().await
            && !versions.allow(version)
        {
            return Err(unknown());
        }
        Err(self.meaning(failed, KmsError::Refused))
    }
}

impl fmt::Debug for VaultTransitKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultTransitKms({})", self.name)
    }
}

fn key_id(name: &str, version: u64) -> String {
    format!("vault:{name}:v{version}")
}
