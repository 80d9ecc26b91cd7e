//! Arguments of a device.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct WalletArgs {
    #[command(subcommand)]
    pub(crate) command: WalletCommand,
    /// The device: the directory that `portal client` made.
    #[arg(
        long,
        global = true,
        env = "PORTAL_DEVICE",
        default_value = "portal-data/device",
        value_name = "DIR"
    )]
    pub(crate) device: PathBuf,
    /// The server, where it is another than when the profile was made.
    #[arg(long, global = true, env = "PORTAL_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The customer's backend, where it is another than when the profile was made.
    #[arg(long, global = true, env = "PORTAL_CUSTODIAN", value_name = "URL")]
    pub(crate) custodian: Option<String>,
    /// Authorities, as PEM, that vouch for server and backend; they and no others. For services
    /// with a private authority.
    #[arg(long, global = true, env = "PORTAL_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum WalletCommand {
    /// Make the wallet; the device's share goes into its keychain.
    Create,
    /// Make a backup, store its cipher text at the customer's backend, and complete it.
    Backup(BackupArgs),
    /// Complete a backup whose cipher text was kept in a file, if that was interrupted.
    ConfirmBackup {
        /// The file.
        #[arg(long, env = "PORTAL_CIPHER_TEXT_FILE", value_name = "FILE")]
        cipher_text_file: PathBuf,
    },
    /// Show that the completed backup would recover the wallet, without recovering it.
    CheckBackup(BackupArgs),
    /// Make this device the one that signs, from the completed backup.
    Recover(BackupArgs),
    /// Replace both signing shares; the key stays.
    Refresh,
    /// Take the private keys out, while the customer allows it (`portal client enable-eject`), and
    /// end the wallet: Portal signs no more for it. Run again, it finishes what was interrupted.
    Eject {
        /// Write the private keys into this file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What opens the backup.
        #[command(flatten)]
        backup: BackupArgs,
    },
    /// Sign a request of a chain.
    Sign(SignArgs),
    /// Show the wallet: addresses, pairs and their statuses, and whether it is backed up.
    Status,
}

#[derive(Args)]
pub(crate) struct BackupArgs {
    /// File with the password; without it and --folder the password is asked for.
    #[arg(
        long,
        env = "PORTAL_PASSWORD_FILE",
        value_name = "FILE",
        conflicts_with = "folder"
    )]
    pub(crate) password_file: Option<PathBuf>,
    /// Folder that stands for the user's cloud drive: the key is kept there (method CUSTOM).
    #[arg(long, env = "PORTAL_BACKUP_FOLDER", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Keep (backup; it must not exist yet) or take (recover) the cipher text in this file
    /// instead of the customer's backend.
    #[arg(long, env = "PORTAL_CIPHER_TEXT_FILE", value_name = "FILE")]
    pub(crate) cipher_text_file: Option<PathBuf>,
    /// File with the ticket of the recovery that the app's backend opened, for recover; without,
    /// the customer's backend is asked for it.
    #[arg(long, env = "PORTAL_RECOVERY_TICKET_FILE", value_name = "FILE")]
    pub(crate) recovery_ticket_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SignArgs {
    /// CAIP-2 id or alias, such as eip155:1, sepolia or solana.
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: String,
    /// Such as eth_signTransaction, personal_sign, eth_signTypedData_v4 or sol_signMessage.
    #[arg(long)]
    pub(crate) method: String,
    /// The method's parameters as JSON; @FILE reads them from a file, @- from standard input.
    #[arg(long, value_name = "JSON")]
    pub(crate) params: String,
}
