//! The command line.

mod audit;
mod client;
mod custodian;
mod door;
mod maintain;
mod offline;
mod serve;
mod storage;
mod wallet;
mod webhook;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{AuditCommand, AuditVerifyArgs};
pub(crate) use client::{ClientArgs, ClientCommand};
pub(crate) use custodian::{
    CustodianBackupModeArgs, CustodianCommand, CustodianCreateArgs, CustodianEnvironmentCommand,
    CustodianKeyArgs, CustodianKeyCommand, CustodianListArgs, CustodianMigrateArgs,
    CustodianServeArgs, NewEnvironmentArgs, OpenRecoveryArgs, SealingKeyCommand,
};
pub(crate) use door::DoorArgs;
pub(crate) use maintain::{CollectArgs, KeysCommand, RestoreCheckArgs, RotateArgs};
pub(crate) use offline::{ExportSharesArgs, OfflineSignArgs, RecoverOfflineArgs};
pub(crate) use serve::ServeArgs;
pub(crate) use storage::StorageArgs;
pub(crate) use wallet::{BackupArgs, SignArgs, WalletArgs, WalletCommand};
pub(crate) use webhook::{WebhookArgs, WebhookCommand, WebhookPolicyArgs};

/// An open MPC wallet platform: keys that exist nowhere, shared by a device and a server.
///
/// New here? `portal demo` shows a wallet's whole life on this machine.
///
/// Options can be given as flags, in the environment where their help names a PORTAL_… variable,
/// or in a TOML file (`--config`); a flag wins over the environment, and that over the file.
#[derive(Parser)]
#[command(name = "portal", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Settings in TOML: a table for each command, such as `[serve]` or `[custodian.serve]`.
    #[arg(long, global = true, env = "PORTAL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON, for scripts.
    #[arg(long, global = true, env = "PORTAL_JSON")]
    pub(crate) json: bool,
    /// What is logged to standard error: off, error, warn, info, debug or trace.
    #[arg(
        long,
        global = true,
        env = "PORTAL_LOG",
        default_value = "warn",
        value_name = "LEVEL"
    )]
    pub(crate) log: String,
    /// How it is logged.
    #[arg(long, global = true, env = "PORTAL_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Walk a wallet through its whole life on this machine.
    Demo(DemoArgs),
    /// Run Portal's server.
    Serve(ServeArgs),
    /// The customer's side: run its backend, or make a customer.
    #[command(subcommand)]
    Custodian(CustodianCommand),
    /// The keys that guard the server's shares.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// After the server's database was restored from an older copy: run this once, before its
    /// servers start. Every wallet then proves itself before it signs.
    RestoreCheck(RestoreCheckArgs),
    /// What the servers would give up by now: pairs that were never confirmed, shares and backups
    /// that were overtaken long ago.
    Collect(CollectArgs),
    /// Print the OpenAPI 3.1 description of the server's REST API.
    Openapi,
    /// Make an end user, and a profile for a device of theirs.
    Client(ClientArgs),
    /// Create, back up, recover and use a wallet.
    ///
    /// The device's keychain is sealed under a key file beside it, or under the passphrase in
    /// PORTAL_KEYCHAIN_PASSPHRASE if that is set when the keychain is made.
    Wallet(WalletArgs),
    /// The private keys, from a backup's cipher text and the custodian's shares: no server, no
    /// network. From then on the keys are whole: run it on a machine that is offline.
    RecoverOffline(RecoverOfflineArgs),
    /// Sign with recovered private keys: no server, no network.
    OfflineSign(OfflineSignArgs),
}

impl Command {
    /// The service that this runs, if it is one, and where its spans go by its settings.
    pub(crate) fn service(&self) -> Option<(&'static str, Option<&str>)> {
        match self {
            Self::Serve(args) => Some(("portal-server", args.door.otlp_endpoint.as_deref())),
            Self::Custodian(CustodianCommand::Serve(args)) => {
                Some(("portal-custodian", args.door.otlp_endpoint.as_deref()))
            }
            _ => None,
        }
    }
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Keep everything here, and continue with the wallet that is here already.
    #[arg(long, env = "PORTAL_DEMO_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}
