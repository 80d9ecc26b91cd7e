//! The server's storage, as the command line names it: which database, and which KMS.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_seal::SealingKey;
use portal_store::kms::{AwsKms, KeyFileKms, KeyRing, Kms, VaultConfig, VaultTransitKms};
use portal_store::{Maintenance as _, SqlStore, StoreError};

use crate::args::StorageArgs;
use crate::{ambient, key_file};

/// The KMS that is a key file.
const FILE: &str = "file";
const KEY_FILE: &str = "portal.key";
const BACKUP_KEY_FILE: &str = "portal-backup.key";
const DATABASE_FILE: &str = "portal.db";
const SERVING_FILE: &str = "portal.serving";

/// Opens it; database, schema and key file are made where they are not there yet.
///
/// Refused where the secrets of the database are under another key: what was sealed now would be
/// of no use to the servers that have that one.
pub(crate) async fn open(args: &StorageArgs) -> anyhow::Result<Arc<SqlStore>> {
    open_counted(args, |kms| kms).await
}

/// The same, with a KMS that `counted` makes of the one that the settings name.
pub(crate) async fn open_counted(
    args: &StorageArgs,
    counted: impl FnOnce(Arc<dyn Kms>) -> Arc<dyn Kms>,
) -> anyhow::Result<Arc<SqlStore>> {
    key_file::private_dir(&args.data)?;
    if let Some(url) = &args.database {
        expect_no_secrets_without_a_key(args, url).await?;
    }
    let kms = counted(key_ring(args).await?);
    let store = match &args.database {
        Some(url) => postgres(url, kms).await?,
        None => SqlStore::sqlite(&args.data.join(DATABASE_FILE), kms).await?,
    };
    let store = with_backup_kms(args, store).await?;
    match store.try_one_secret().await {
        Err(error) if error.is_under_another_key() => Err(error).context(
            "this database's secrets do not open with this KMS; give every server the same \
             portal.key and portal-backup.key, or the same --kms and --backup-kms",
        ),
        // One damaged secret is not another key, and must not stop a server.
        Err(StoreError::Unsealing { .. }) | Ok(()) => Ok(Arc::new(store)),
        Err(error) => Err(error.into()),
    }
}

/// Opens a database that is there, for who reads no secret and changes nothing: under a key that
/// opens nothing.
pub(crate) async fn open_to_read(data: &Path, database: Option<&str>) -> anyhow::Result<SqlStore> {
    let no_key = Arc::new(KeyFileKms::from_key(new_key()));
    if let Some(url) = database {
        let opened = SqlStore::postgres_to_read(url, no_key).await;
        return opened.context("cannot read the database that --database names");
    }
    let path = data.join(DATABASE_FILE);
    if !path.exists() {
        bail!(
            "expected a server's database in {}; see --data",
            path.display()
        );
    }
    Ok(SqlStore::sqlite_to_read(&path, no_key).await?)
}

/// A key file that a machine draws for itself is one machine's. Where the servers may be many, or
/// keep nothing on disk, a share under it is lost with that machine: there, who turns managed mode
/// on says what wraps its shares.
pub(crate) fn expect_a_backup_kms(args: &StorageArgs) -> anyhow::Result<()> {
    if args.backup_kms.is_some() || (args.database.is_none() && args.kms == FILE) {
        return Ok(());
    }
    bail!(
        "expected --backup-kms: managed backups are kept under it, and every server has to be \
         started with the same. Take another key of your KMS; or `file`, with one \
         {BACKUP_KEY_FILE} copied to every server first, and into your backups"
    )
}

/// Moving what --kms wraps away from the key file would leave managed backups under theirs, which
/// the next machine does not have.
pub(crate) fn expect_both_are_moved(args: &StorageArgs) -> anyhow::Result<()> {
    let is_moved = args.kms != FILE && args.former_kms.iter().any(|name| name == FILE);
    if !is_moved || args.backup_kms.is_some() {
        return Ok(());
    }
    bail!(
        "expected --backup-kms beside --kms: managed backups are under {BACKUP_KEY_FILE}, and would \
         stay there. Name what shall wrap them from now on (`file` keeps them where they are)"
    )
}

/// Gives the store what wraps the custodian's shares of managed backups. Its key file is made
/// where nothing is under another one yet.
async fn with_backup_kms(args: &StorageArgs, store: SqlStore) -> anyhow::Result<SqlStore> {
    let path = args.data.join(BACKUP_KEY_FILE);
    let needs_it = args.backup_kms() == FILE || args.former_kms.iter().any(|name| name == FILE);
    if needs_it && !path.exists() {
        let unused = Arc::new(KeyFileKms::from_key(new_key()));
        match store.clone().with_backup_kms(unused).try_one_secret().await {
            Err(error) if error.is_under_another_key() => {
                return Err(error).context(format!(
                    "this database's secrets do not open, and {} is not there: copy that of its \
                     other servers, or restore it from its backup",
                    path.display()
                ));
            }
            Ok(()) => key_file::secret(&path).map(|_| ())?,
            // What could not be looked at may be under a key that is only missing.
            Err(error) => {
                return Err(error).context(format!(
                    "cannot tell whether this database's managed backups need a key that is not \
                     there; copy {} from its other servers, or put a new one there",
                    path.display()
                ));
            }
        }
    }
    let current = kms(args.backup_kms(), &args.data, BACKUP_KEY_FILE).await?;
    if args.former_kms.is_empty() {
        return Ok(store.with_backup_kms(current));
    }
    let mut former = Vec::with_capacity(args.former_kms.len());
    for name in &args.former_kms {
        former.push(kms(name, &args.data, BACKUP_KEY_FILE).await?);
    }
    Ok(store.with_backup_kms(Arc::new(KeyRing { current, former })))
}

async fn postgres(url: &str, kms: Arc<dyn Kms>) -> anyhow::Result<SqlStore> {
    let opened = SqlStore::postgres(url, kms).await;
    opened.context("cannot use the database that --database names")
}

/// A key is drawn for a database that holds no secret yet, and for no other: a new one would open
/// nothing there. (The SQLite file, which lies beside its key, is looked at by itself.)
async fn expect_no_secrets_without_a_key(args: &StorageArgs, url: &str) -> anyhow::Result<()> {
    let key_file = args.data.join(KEY_FILE);
    let needs_it = args.kms == FILE || args.former_kms.iter().any(|name| name == FILE);
    if !needs_it || key_file.exists() {
        return Ok(());
    }
    // Under a key that was never used, any secret is another key's.
    let store = postgres(url, Arc::new(KeyFileKms::from_key(new_key()))).await?;
    let tried = store.try_one_secret().await;
    store.close().await;
    match tried {
        Ok(()) => Ok(()),
        Err(StoreError::Unsealing { .. }) => bail!(
            "this database holds secrets, and their key file {} is not there; copy the portal.key \
             of its other servers, or restore it from its backup",
            key_file.display()
        ),
        Err(error) => Err(error.into()),
    }
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
            "a server runs on {}; stop it first. Several servers at once need a Postgres database \
             (--database)",
            args.data.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// The key files, where a KMS of these settings is one.
pub(crate) fn key_file_paths(args: &StorageArgs) -> Vec<std::path::PathBuf> {
    [
        (args.kms.as_str(), KEY_FILE),
        (args.backup_kms(), BACKUP_KEY_FILE),
    ]
    .into_iter()
    .filter(|(kms, _)| *kms == FILE)
    .map(|(_, name)| args.data.join(name))
    .collect()
}

/// A fresh key.
pub(crate) fn new_key() -> SealingKey {
    SealingKey::generate(&mut ambient::rng())
}

async fn key_ring(args: &StorageArgs) -> anyhow::Result<Arc<dyn Kms>> {
    let current = kms(&args.kms, &args.data, KEY_FILE).await?;
    if args.former_kms.is_empty() {
        return Ok(current);
    }
    let mut former = Vec::with_capacity(args.former_kms.len());
    for name in &args.former_kms {
        former.push(kms(name, &args.data, KEY_FILE).await?);
    }
    Ok(Arc::new(KeyRing { current, former }))
}

/// The KMS that `name` names; a file is `key_file` in the data directory.
async fn kms(name: &str, data: &Path, key_file: &str) -> anyhow::Result<Arc<dyn Kms>> {
    let (kind, rest) = name.split_once(':').unwrap_or((name, ""));
    match kind {
        FILE if rest.is_empty() => {
            let path = data.join(key_file);
            key_file::ensure_key(&path, &data.join(DATABASE_FILE))?;
            Ok(Arc::new(KeyFileKms::open(&path)?))
        }
        "aws" if !rest.is_empty() => {
            let kms = AwsKms::new(rest, None).await;
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
