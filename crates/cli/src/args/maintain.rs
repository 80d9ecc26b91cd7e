//! Arguments of what an operator runs beside the servers.

use clap::{Args, Subcommand};

use super::StorageArgs;

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Wrap every share's key under the present key of the KMS. Servers go on meanwhile; what was
    /// interrupted goes on when this is run again.
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// Draw a new key into the key file first; servers that run take it up by themselves.
    #[arg(long)]
    pub(crate) new_key: bool,
    /// Remove the former keys from the key file, if nothing is wrapped under them any more. Run it
    /// when every server has the new key.
    #[arg(long, conflicts_with = "new_key")]
    pub(crate) forget: bool,
    /// With --forget: how long to wait for what a server may still be about to store.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) settle_s: u64,
}

#[derive(Args)]
pub(crate) struct RestoreCheckArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// Only tell how many wallets have proved themselves; the epoch stays.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct CollectArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// Only list what a server would give up now.
    #[arg(long, required = true)]
    pub(crate) dry_run: bool,
}
