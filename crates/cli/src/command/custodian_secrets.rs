//! The secrets of the customer's backend, in files of its data directory: drawn on a first start, and
//! never beside a database that was served with others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use portal_custodian::{
    AppTokens, BackendSecret, KeptSecret, KeptSecretsError, SealingKeys, Secrets,
    SqlCustodianStore, WebhookAuth,
};

use super::custodian_store::{self, DATABASE, KEY};
use crate::key_file;

/// What the backend is served with.
pub(crate) struct Opened {
    pub(crate) store: Arc<SqlCustodianStore>,
    pub(crate) webhook_auth: WebhookAuth,
    pub(crate) app_tokens: AppTokens,
    pub(crate) sealing_keys: SealingKeys,
    pub(crate) backend_secret: BackendSecret,
}

/// Opens the Postgres database at `url`, or the file in the data directory, with its secrets; all are
/// made on a first start. Those in `replaced` may be others than the database was served with.
pub(crate) async fn open(
    data: &Path,
    url: Option<&str>,
    replaced: &[KeptSecret],
) -> anyhow::Result<Opened> {
    key_file::private_dir(data)?;
    draw_missing(data, url, replaced).await?;
    let secrets = Secrets::read(data)?;
    let given = secrets.given();
    let store = custodian_store::open_under(data, url, secrets.sealing_key).await?;
    if let Err(error) = store.check_secrets(&given, replaced).await {
        store.close().await;
        return Err(match error {
            KeptSecretsError::Others { secrets } => others(data, &secrets),
            error @ KeptSecretsError::Store(_) => error.into(),
        });
    }
    Ok(Opened {
        store: Arc::new(store),
        webhook_auth: secrets.webhook_auth,
        app_tokens: secrets.app_tokens,
        sealing_keys: secrets.sealing_keys,
        backend_secret: secrets.backend_secret,
    })
}

/// The file of a secret, for commands beside the service. It is drawn here while no service was
/// started on this directory yet.
pub(crate) fn file(data: &Path, secret: KeptSecret) -> anyhow::Result<PathBuf> {
    key_file::private_dir(data)?;
    // Before the file is looked for: a first start makes the key last.
    let is_in_use = [KEY, DATABASE].iter().any(|name| data.join(name).exists());
    let path = data.join(secret.as_str());
    if !path.exists() {
        if is_in_use {
            return Err(missing(data, &[secret.as_str()]));
        }
        draw(data, secret)?;
    }
    Ok(path)
}

/// The tokens that the customer's backend gives to its app.
pub(crate) fn app_tokens(data: &Path) -> anyhow::Result<AppTokens> {
    let secret = file(data, KeptSecret::AppSecret)?;
    Ok(AppTokens::new(key_file::secret(&secret)?))
}

/// A directory without its key file: no database is opened with it.
pub(crate) fn without_key(data: &Path) -> anyhow::Error {
    missing(data, &[KEY])
}

async fn draw_missing(
    data: &Path,
    url: Option<&str>,
    replaced: &[KeptSecret],
) -> anyhow::Result<()> {
    if lost(data).is_empty() {
        return Ok(());
    }
    if custodian_store::is_there(data, url).await? {
        // Looked for anew: another process may be through with its first start.
        let drawn = |name: &&str| {
            let mut replaced = replaced.iter();
            replaced.any(|secret| secret.as_str() == *name && *secret != KeptSecret::WebhookSecret)
        };
        let lost: Vec<_> = lost(data).into_iter().filter(|it| !drawn(it)).collect();
        if !lost.is_empty() {
            return Err(missing(data, &lost));
        }
    }
    for secret in KeptSecret::ALL {
        draw(data, secret)?;
    }
    // Last: a directory with it has had them all.
    key_file::secret(&data.join(KEY))?;
    Ok(())
}

/// The files that are not there.
fn lost(data: &Path) -> Vec<&'static str> {
    let names = KeptSecret::ALL.map(KeptSecret::as_str);
    let names = [KEY].into_iter().chain(names);
    names.filter(|name| !data.join(name).exists()).collect()
}

fn draw(data: &Path, secret: KeptSecret) -> anyhow::Result<()> {
    let path = data.join(secret.as_str());
    match secret {
        KeptSecret::WebhookSecret => key_file::webhook_secret(&path).map(|_| ()),
        KeptSecret::AppSecret | KeptSecret::SealingKey | KeptSecret::BackendSecret => {
            if path.exists() {
                return Ok(());
            }
            key_file::secret(&path).map(|_| ())
        }
    }
}

/// Secrets that a database was served with are not there any more.
fn missing(data: &Path, names: &[&'static str]) -> anyhow::Error {
    anyhow!(
        "{} has no {}, and a database was served with what stood there; nothing was drawn in its \
         place{}\n  what to do: restore what is missing from its backup, or copy it from another \
         process of this database",
        data.display(),
        names.join(", "),
        lines(names)
    )
}

/// Secrets that a database was served with are others.
fn others(data: &Path, secrets: &[KeptSecret]) -> anyhow::Error {
    let names: Vec<_> = secrets.iter().map(|secret| secret.as_str()).collect();
    anyhow!(
        "{} has another {} than this database was served with last, or an older one; nothing was \
         changed{}\n  what to do: restore it from its newest backup, or copy it from another \
         process of this database",
        data.display(),
        names.join(", "),
        lines(&names)
    )
}

/// What each is for, and what becomes of it without.
fn lines(names: &[&'static str]) -> String {
    let line = |name: &&str| format!("\n  {name}: {}", about(name));
    names.iter().map(line).collect()
}

fn about(name: &str) -> &'static str {
    let named = |secret: &KeptSecret| secret.as_str() == name;
    match KeptSecret::ALL.into_iter().find(named) {
        None => {
            "every share in the database is sealed under it. They are lost without it: no other \
             opens them"
        }
        Some(KeptSecret::WebhookSecret) => {
            "Portal signs its calls by it. None is drawn here that Portal would know: if it is \
             lost, write what `portal custodian webhook rotate` shows into the file, and start \
             once with --replace-secret webhook-secret. Until then Portal's calls are refused: \
             nothing is backed up or recovered"
        }
        Some(KeptSecret::AppSecret) => {
            "the tokens of the customer's apps are made of it. If it is lost, or was changed on \
             purpose, start `portal custodian serve` once with --replace-secret app-secret: every \
             token that is out is refused from then on"
        }
        Some(KeptSecret::SealingKey) => {
            "apps seal their backups to it. If it is lost, or was changed on purpose, start \
             `portal custodian serve` once with --replace-secret sealing-key: what is sealed to \
             the former one and still waits at the server is lost, and an app that pins it neither \
             backs up nor recovers before it pins the new one"
        }
        Some(KeptSecret::BackendSecret) => {
            "the app's backend opens recoveries by it. If it is lost, or was changed on purpose, \
             start `portal custodian serve` once with --replace-secret backend-secret: the app's \
             backend is refused until it has the new one"
        }
    }
}
