//! The server's storage, as the command line names it: which database, and which KMS.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_seal::SealingKey;
use portal_store::kms::{AwsKms, KeyFileKms, KeyRing, Kms, VaultConfig, VaultTransitKms};
use portal_store::{Maintenance as _, SqlStore};

use crate::args::StorageArgs;
use crate::{ambient, key_file};

const KEY_FILE: &str = "portal.key";
const DATABASE_FILE: &str = "portal.db";
const SERVING_FILE: &str = "portal.serving";

/// Opens it; database, schema and key file are made where they are not there yet.
pub(crate) async fn open(args: &StorageArgs) -> anyhow::Result<Arc<SqlStore>> {
    key_file::private_dir(&args.data)?;
    let key_file = args.data.join(KEY_FILE);
    let is_new = !key_file.exists();
    let kms = key_ring(args).await?;
    let store = match &args.database {
        Some(url) => SqlStore::postgres(url, kms)
            .await
            .context("cannot use the database that --database names")?,
        None => SqlStore::sqlite(&args.data.join(DATABASE_FILE), kms).await?,
    };
    // A key that was only just made opens nothing, and another database's key opens nothing here:
    // what was sealed with it now would be of no use to the other servers.
    if let Err(error) = store.try_one_secret().await {
        if is_new && key_file.exists() {
            std::fs::remove_file(&key_file)?;
        }
        return Err(error).context(
            "this database's secrets do not open with this KMS; give every server the same \
             portal.key, or the same --kms",
        );
    }
    Ok(Arc::new(store))
}

/// Says that this process serves a SQLite file, until the guard is dropped or the process ends.
/// Two that serve one file would not keep their wallets' signatures apart.
pub(crate) fn serve_alone(args: &StorageArgs) -> anyhow::Result<Option<File>> {
    if args.database.is_some() {
        return Ok(None);
    }
    key_file::private_dir(&args.data)?;
    let path = args.data.join(SERVING_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another server runs on {}; several servers need a Postgres database (--database)",
            args.data.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// The key file, if a KMS of these settings is one.
pub(crate) fn key_file_path(args: &StorageArgs) -> Option<std::path::PathBuf> {
    (args.kms == "file").then(|| args.data.join(KEY_FILE))
}

/// Draws the first key of a key file, where there is none.
pub(crate) fn new_key() -> SealingKey {
    SealingKey::generate(&mut ambient::rng())
}

async fn key_ring(args: &StorageArgs) -> anyhow::Result<Arc<dyn Kms>> {
    let current = kms(&args.kms, &args.data).await?;
    if args.former_kms.is_empty() {
        return Ok(current);
    }
    let mut former = Vec::with_capacity(args.former_kms.len());
    for name in &args.former_kms {
        former.push(kms(name, &args.data).await?);
    }
    Ok(Arc::new(KeyRing { current, former }))
}

/// The KMS that `name` names.
async fn kms(name: &str, data: &Path) -> anyhow::Result<Arc<dyn Kms>> {
    let (kind, rest) = name.split_once(':').unwrap_or((name, ""));
    match kind {
        "file" if rest.is_empty() => {
            let path = data.join(KEY_FILE);
            key_file::ensure_key(&path, &data.join(DATABASE_FILE))?;
            Ok(Arc::new(KeyFileKms::open(&path)?))
        }
        "aws" if !rest.is_empty() => {
            let endpoint = std::env::var("PORTAL_AWS_KMS_ENDPOINT").ok();
            let kms = AwsKms::new(rest, endpoint.as_deref()).await;
            Ok(Arc::new(kms.context("cannot use the AWS KMS key")?))
        }
        "vault" if !rest.is_empty() => {
            let (mount, key) = rest.rsplit_once('/').unwrap_or(("transit", rest));
            let address = std::env::var("VAULT_ADDR")
                .context("expected Vault's URL in VAULT_ADDR, for --kms vault:…")?;
            let token = std::env::var("VAULT_TOKEN")
                .context("expected a token in VAULT_TOKEN, for --kms vault:…")?;
            let config = VaultConfig {
                address,
                mount: mount.to_owned(),
                key: key.to_owned(),
                namespace: std::env::var("VAULT_NAMESPACE").ok(),
                token: token.into(),
            };
            Ok(Arc::new(VaultTransitKms::new(config)?))
        }
        _ => bail!(
            "expected file, aws:<ARN or alias of a key> or vault:<mount>/<key> as a KMS, got {name:?}"
        ),
    }
}
