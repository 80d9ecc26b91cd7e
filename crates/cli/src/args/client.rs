//! Arguments of making end users.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portal_api::sealed::PinnedSealingKey;
use portal_lifecycle::ids::{ClientId, WalletId};

#[derive(Args)]
pub(crate) struct ClientArgs {
    #[command(subcommand)]
    pub(crate) command: ClientCommand,
    /// The server.
    #[arg(
        long,
        global = true,
        env = "PORTAL_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub(crate) server: String,
    /// File with the customer's API key; without it, the key is taken from PORTAL_API_KEY.
    #[arg(long, global = true, env = "PORTAL_API_KEY_FILE", value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Base URL of the customer's backend, where the device will store its cipher text.
    #[arg(long, global = true, env = "PORTAL_CUSTODIAN", value_name = "URL")]
    pub(crate) custodian: Option<String>,
    /// The customer's data directory, to mint the app's token for that backend.
    #[arg(long, global = true, env = "PORTAL_CUSTODIAN_DATA", value_name = "DIR")]
    pub(crate) custodian_data: Option<PathBuf>,
    /// The sealing key that the device pins, instead of the one that it pins already or that the
    /// customer's backend shows (`portal custodian sealing-key show`).
    #[arg(long, global = true, env = "PORTAL_SEALING_KEY", value_name = "KEY")]
    pub(crate) sealing_key: Option<PinnedSealingKey>,
    /// Pin no sealing key, for an environment that makes plain or managed backups; a device that pins one
    /// makes sealed backups only.
    #[arg(
        long,
        global = true,
        env = "PORTAL_PLAIN_BACKUPS",
        conflicts_with = "sealing_key"
    )]
    pub(crate) plain_backups: bool,
    /// Where to write the device's profile.
    #[arg(
        long,
        global = true,
        env = "PORTAL_DEVICE",
        default_value = "portal-data/device",
        value_name = "DIR"
    )]
    pub(crate) device: PathBuf,
    /// Authorities, as PEM, that vouch for server and backend; they and no others. For services
    /// with a private authority.
    #[arg(long, global = true, env = "PORTAL_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Make an end user, and the profile of their first device.
    Create,
    /// End an end user's credentials, at once: those of a lost device, for example. `login` gives
    /// a device another session.
    Revoke {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: String,
        /// Also their API key, not only all their sessions.
        #[arg(long)]
        api_key: bool,
    },
    /// Give an end user who exists another device, or a device of theirs another session.
    Login {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: String,
    },
    /// Show an end user: addresses, keys, and how far their pairs have come.
    Show {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: ClientId,
    },
    /// List all end users, the oldest first.
    List,
    /// Let an end user take their private keys out, for five minutes.
    EnableEject {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: ClientId,
        /// The id of either key of their wallet, as `portal client show` tells it.
        #[arg(long, value_name = "ID")]
        wallet: WalletId,
    },
    /// Let the end user take their private keys out no longer.
    DisableEject {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: ClientId,
    },
}
