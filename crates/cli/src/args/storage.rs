//! Arguments of where a server keeps what it keeps.

use std::path::PathBuf;

use clap::Args;

/// Where a server keeps what it keeps.
#[derive(Args)]
pub(crate) struct StorageArgs {
    /// Where the key file lies, and the database unless --database names another; both are made
    /// on first start.
    #[arg(
        long,
        env = "PORTAL_SERVER_DATA",
        default_value = "portal-data/server",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// A Postgres database, such as postgres://portal@db.internal/portal: for several servers at
    /// once. Without it, a SQLite file in the data directory.
    #[arg(
        long,
        env = "PORTAL_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// What wraps the keys of shares: `file` (portal.key in the data directory, the same on every
    /// server), `aws:KEY` (an ARN or alias; credentials as for the AWS command line) or
    /// `vault:MOUNT/KEY` (Transit; VAULT_ADDR and VAULT_TOKEN).
    #[arg(long, env = "PORTAL_KMS", default_value = "file", value_name = "KMS")]
    pub(crate) kms: String,
    /// What wraps the keys of the custodian's shares of managed backups; as --kms, and `file`, the
    /// default, is portal-backup.key in the data directory.
    #[arg(long, env = "PORTAL_BACKUP_KMS", value_name = "KMS")]
    pub(crate) backup_kms: Option<String>,
    /// Another KMS, or several, that still opens what it wrapped, while `portal keys rotate` moves
    /// that to --kms.
    #[arg(
        long,
        env = "PORTAL_FORMER_KMS",
        value_name = "KMS",
        value_delimiter = ','
    )]
    pub(crate) former_kms: Vec<String>,
    /// The same for --backup-kms.
    #[arg(
        long,
        env = "PORTAL_FORMER_BACKUP_KMS",
        value_name = "KMS",
        value_delimiter = ','
    )]
    pub(crate) former_backup_kms: Vec<String>,
}

impl StorageArgs {
    /// A SQLite file with its key file, both in one directory.
    pub(crate) fn in_directory(data: &std::path::Path) -> Self {
        Self {
            data: data.to_owned(),
            database: None,
            kms: "file".to_owned(),
            backup_kms: None,
            former_kms: Vec::new(),
            former_backup_kms: Vec::new(),
        }
    }

    pub(crate) fn backup_kms(&self) -> &str {
        self.backup_kms.as_deref().unwrap_or("file")
    }
}
