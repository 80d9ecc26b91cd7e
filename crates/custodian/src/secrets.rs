//! The secrets of a backend, from a directory.

use std::path::{Path, PathBuf};

use portal_seal::SealingKey;
use portal_seal::recipient::OpeningKey;
use zeroize::Zeroizing;

use crate::{
    AppTokens, BackendSecret, BackendSecretTooShort, GivenSecret, SealingKeys, SealingKeysError,
    WebhookAuth, WebhookSecret, WebhookSecretError,
};

/// The five secrets of a backend, as `portal custodian serve` keeps them: each in a file of its own,
/// 32 bytes as 64 hexadecimal digits unless said otherwise.
///
/// A backend that keeps its secrets elsewhere makes each part by itself.
#[derive(Debug)]
pub struct Secrets {
    /// `custodian.key`: what shares are sealed under. Without it they are lost.
    pub sealing_key: SealingKey,
    /// `webhook-secret`: the secret that Portal signs by (`whsec_…`), and a former one below it.
    pub webhook_auth: WebhookAuth,
    /// `app-secret`: what the tokens of apps are made of.
    pub app_tokens: AppTokens,
    /// `sealing-key`: what opens sealed backups; the one in use first, former ones below it.
    pub sealing_keys: SealingKeys,
    /// `backend-secret`: what opens recoveries; any text of some length.
    pub backend_secret: BackendSecret,
}

/// A secret that is not there, or not what it should be. What the file holds is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file cannot be read.
    #[error("cannot read the secret in {}", .path.display())]
    Unread {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Not 32 bytes.
    #[error("expected 64 hexadecimal digits in each line of {}; restore the file from its backup, or on a first start make some by `openssl rand -hex 32`", .path.display())]
    NotHexadecimal {
        /// In which file.
        path: PathBuf,
    },
    /// More lines than have a meaning.
    #[error("expected the webhook's secret in {}, and at most a former one below it", .path.display())]
    TooManyLines {
        /// In which file.
        path: PathBuf,
    },
    /// The webhook's secret will not do.
    #[error(transparent)]
    Webhook(#[from] WebhookSecretError),
    /// The sealing keys will not do.
    #[error(transparent)]
    SealingKeys(#[from] SealingKeysError),
    /// The backend's secret will not do.
    #[error(transparent)]
    Backend(#[from] BackendSecretTooShort),
}

impl Secrets {
    /// Reads them; none is made here.
    ///
    /// # Errors
    ///
    /// [`SecretsError`].
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, SecretsError> {
        let file = |name| directory.as_ref().join(name);
        let keys = all_of(&file("sealing-key"))?;
        let keys = keys.into_iter().map(OpeningKey::from_bytes).collect();
        Ok(Self {
            sealing_key: SealingKey::from_bytes(one_of(&file("custodian.key"))?),
            webhook_auth: webhook_auth(&file("webhook-secret"))?,
            app_tokens: AppTokens::new(one_of(&file("app-secret"))?),
            sealing_keys: SealingKeys::new(keys)?,
            backend_secret: BackendSecret::new(text(&file("backend-secret"))?.trim_end())?,
        })
    }

    /// What each of them but the key of the database is known by, for
    /// [`check_secrets`](crate::SqlCustodianStore::check_secrets).
    #[must_use]
    pub fn given(&self) -> [GivenSecret; 4] {
        [
            (&self.webhook_auth).into(),
            (&self.app_tokens).into(),
            (&self.sealing_keys).into(),
            (&self.backend_secret).into(),
        ]
    }
}

fn webhook_auth(path: &Path) -> Result<WebhookAuth, SecretsError> {
    let text = text(path)?;
    let mut lines = text.lines();
    let auth = WebhookAuth::new(WebhookSecret::new(lines.next().unwrap_or_default())?);
    let auth = match lines.next() {
        Some(former) => auth.or(WebhookSecret::new(former)?),
        None => auth,
    };
    match lines.next() {
        None => Ok(auth),
        Some(_) => Err(SecretsError::TooManyLines {
            path: path.to_owned(),
        }),
    }
}

fn text(path: &Path) -> Result<Zeroizing<String>, SecretsError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    text.map_err(|source| SecretsError::Unread {
        path: path.to_owned(),
        source,
    })
}

fn all_of(path: &Path) -> Result<Vec<Zeroizing<[u8; 32]>>, SecretsError> {
    let text = text(path)?;
    let lines = text.lines().map(|line| {
        let mut bytes = Zeroizing::new([0; 32]);
        let decoded = hex::decode_to_slice(line.trim_end(), bytes.as_mut_slice());
        decoded.map(|()| bytes)
    });
    let lines: Result<Vec<_>, _> = lines.collect();
    lines.map_err(|_| SecretsError::NotHexadecimal {
        path: path.to_owned(),
    })
}

fn one_of(path: &Path) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
    let mut lines = all_of(path)?.into_iter();
    match (lines.next(), lines.next()) {
        (Some(secret), None) => Ok(secret),
        _ => Err(SecretsError::NotHexadecimal {
            path: path.to_owned(),
        }),
    }
}
