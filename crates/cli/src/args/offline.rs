//! Arguments of what works without a server: the way out.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use portal_lifecycle::ids::ClientId;

#[derive(Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["client", "all"]))]
pub(crate) struct ExportSharesArgs {
    /// The custodian's data directory: its key, and its database unless --database names another.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATA",
        default_value = "portal-data/custodian",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// Its Postgres database, if it has one.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// The end user.
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<ClientId>,
    /// Every end user.
    #[arg(long)]
    pub(crate) all: bool,
    /// Where to write the shares; it must not exist yet.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "custodian-shares.json"
    )]
    pub(crate) out: PathBuf,
    /// With --all: a file for each end user in this directory, instead of one for all.
    #[arg(long, value_name = "DIR", requires = "all", conflicts_with = "out")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Args)]
#[command(group = ArgGroup::new("opener").args(["password_file", "folder", "key_file"]))]
pub(crate) struct RecoverOfflineArgs {
    /// The cipher text of a backup.
    #[arg(long, value_name = "FILE")]
    pub(crate) cipher_text_file: PathBuf,
    /// The custodian's shares, as `portal custodian export-shares` writes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) custodian_shares: PathBuf,
    /// File with the password; without it, --folder and --key-file, the password is asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Folder of the user's in which the key lies.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The key's file itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Write the private keys into this file, which must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print the private keys. They stay in the terminal's memory, and in what records it.
    #[arg(long)]
    pub(crate) print_keys: bool,
}

#[derive(Args)]
pub(crate) struct OfflineSignArgs {
    /// The private keys, as `portal recover-offline --out` writes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: PathBuf,
    /// What to sign.
    #[command(flatten)]
    pub(crate) sign: super::SignArgs,
}
