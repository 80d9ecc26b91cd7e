//! The server's storage, as the command line names it: which database, and which KMS.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_lifecycle::BackupMode;
use portal_seal::SealingKey;
use portal_store::kms::{AwsKms, KeyFileKms, KeyRing, Kms, VaultConfig, VaultTransitKms};
use portal_store::{KmsRole, Maintenance as _, SqlStore, StoreError};

use crate::args::StorageArgs;
use crate::{ambient, key_file};

/// The KMS that is a key file.
const FILE: &str = "file";
const KEY_FILE: &str = "portal.key";
const BACKUP_KEY_FILE: &str = "portal-backup.key";
const DATABASE_FILE: &str = "portal.db";
const SERVING_FILE: &str = "portal.serving";

/// Opens it; database, schema and key files are made where they are not there yet.
///
/// Refused where the database is under another key: what was sealed now would be of no use to the
/// servers that have that one.
pub(crate) async fn open(args: &StorageArgs) -> anyhow::Result<Arc<SqlStore>> {
    open_counted(args, |kms| kms).await
}

/// The same, with a KMS that `counted` makes of the one that the settings name.
pub(crate) async fn open_counted(
    args: &StorageArgs,
    counted: impl FnOnce(Arc<dyn Kms>) -> Arc<dyn Kms>,
) -> anyhow::Result<Arc<SqlStore>> {
    key_file::private_dir(&args.data)?;
    // Before its keys: which of them it has is seen in it.
    let store = match &args.database {
        Some(url) => {
            let opened = SqlStore::postgres(url, no_key()).await;
            opened.context("cannot use the database that --database names")?
        }
        None => SqlStore::sqlite(&args.data.join(DATABASE_FILE), no_key()).await?,
    };
    let kms = counted(Named::main(args).kms(&store).await?);
    let backup_kms = Named::backups(args).kms(&store).await?;
    let store = store.with_kms(kms).with_backup_kms(backup_kms);
    claim(&store, KmsRole::Main).await?;
    // Else it is still open which server's will be the first to keep a backup.
    if store.depends_on(KmsRole::ManagedBackups).await? {
        claim(&store, KmsRole::ManagedBackups).await?;
    }
    Ok(Arc::new(store))
}

/// The same, for who is about to let customers back up in this mode.
pub(crate) async fn open_for(
    args: &StorageArgs,
    mode: BackupMode,
) -> anyhow::Result<Arc<SqlStore>> {
    if mode != BackupMode::Managed {
        return open(args).await;
    }
    expect_a_backup_kms(args)?;
    let store = open(args).await?;
    claim(&store, KmsRole::ManagedBackups).await?;
    Ok(store)
}

/// Refuses a KMS that is not the database's.
async fn claim(store: &SqlStore, role: KmsRole) -> anyhow::Result<()> {
    let claimed = store.claim(role).await;
    if !matches!(claimed, Err(StoreError::AnotherKey { .. })) {
        return Ok(claimed?);
    }
    let (file, option) = match role {
        KmsRole::Main => (KEY_FILE, "--kms"),
        KmsRole::ManagedBackups => (BACKUP_KEY_FILE, "--backup-kms"),
    };
    claimed.with_context(|| {
        format!(
            "this database's {role} do not open with this KMS; give every server the same {option}, \
             or the {file} of its other servers"
        )
    })
}

/// Opens a database that is there, for who reads no secret and changes nothing: under a key that
/// opens nothing.
pub(crate) async fn open_to_read(data: &Path, database: Option<&str>) -> anyhow::Result<SqlStore> {
    if let Some(url) = database {
        let opened = SqlStore::postgres_to_read(url, no_key()).await;
        return opened.context("cannot read the database that --database names");
    }
    let path = data.join(DATABASE_FILE);
    if !path.exists() {
        bail!(
            "expected a server's database in {}; see --data",
            path.display()
        );
    }
    Ok(SqlStore::sqlite_to_read(&path, no_key()).await?)
}

/// A key file that a machine draws for itself is one machine's. Where the servers may be many, or
/// keep nothing on disk, a share under it is lost with that machine: there, who turns managed mode
/// on says what wraps its shares.
fn expect_a_backup_kms(args: &StorageArgs) -> anyhow::Result<()> {
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
         stay there. Name what shall wrap them from now on (`file` keeps them where they are; with \
         another KMS, --former-backup-kms file moves them)"
    )
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
pub(crate) fn key_file_paths(args: &StorageArgs) -> Vec<PathBuf> {
    [Named::main(args), Named::backups(args)]
        .into_iter()
        .filter(|named| named.current == FILE)
        .map(|named| named.key_file)
        .collect()
}

/// A fresh key.
pub(crate) fn new_key() -> SealingKey {
    SealingKey::generate(&mut ambient::rng())
}

/// A KMS that opens nothing.
fn no_key() -> Arc<dyn Kms> {
    Arc::new(KeyFileKms::from_key(new_key()))
}

/// One of the two KMS, as the settings name it.
struct Named<'a> {
    role: KmsRole,
    current: &'a str,
    former: &'a [String],
    /// Where its keys are, if it is a file.
    key_file: PathBuf,
}

impl<'a> Named<'a> {
    fn main(args: &'a StorageArgs) -> Self {
        Self {
            role: KmsRole::Main,
            current: &args.kms,
            former: &args.former_kms,
            key_file: args.data.join(KEY_FILE),
        }
    }

    fn backups(args: &'a StorageArgs) -> Self {
        Self {
            role: KmsRole::ManagedBackups,
            current: args.backup_kms(),
            former: &args.former_backup_kms,
            key_file: args.data.join(BACKUP_KEY_FILE),
        }
    }

    async fn kms(&self, store: &SqlStore) -> anyhow::Result<Arc<dyn Kms>> {
        if self.current == FILE && !self.key_file.exists() {
            self.draw_key(store).await?;
        }
        let current = self.open(self.current).await?;
        if self.former.is_empty() {
            return Ok(current);
        }
        let mut former = Vec::with_capacity(self.former.len());
        for name in self.former {
            former.push(self.open(name).await?);
        }
        Ok(Arc::new(KeyRing { current, former }))
    }

    /// For a database that has no key, and for no other: there a new one would open nothing.
    async fn draw_key(&self, store: &SqlStore) -> anyhow::Result<()> {
        // Another process may have drawn one here meanwhile, before it made the database depend on it.
        if store.depends_on(self.role).await? && !self.key_file.exists() {
            bail!(
                "this database's {} are under a key, and the key file {} is not there; copy that of \
                 its other servers, or restore it from its backup",
                self.role,
                self.key_file.display()
            );
        }
        key_file::secret(&self.key_file).map(|_| ())
    }

    async fn open(&self, name: &str) -> anyhow::Result<Arc<dyn Kms>> {
        let (kind, rest) = name.split_once(':').unwrap_or((name, ""));
        match kind {
            FILE if rest.is_empty() => Ok(Arc::new(KeyFileKms::open(&self.key_file)?)),
            "aws" if !rest.is_empty() => {
                let kms = AwsKms::new(rest, None).await;
                Ok(Arc::new(kms.context("cannot use the AWS KMS key")?))
            }
            "vault" if !rest.is_empty() => vault(rest),
            _ => bail!(
                "expected file, aws:<ARN or alias of a key> or vault:<mount>/<key> as a KMS, got \
                 {name:?}"
            ),
        }
    }
}

/// The key that `name` (`MOUNT/KEY`) names at Vault.
fn vault(name: &str) -> anyhow::Result<Arc<dyn Kms>> {
    let (mount, key) = name.rsplit_once('/').unwrap_or(("transit", name));
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
