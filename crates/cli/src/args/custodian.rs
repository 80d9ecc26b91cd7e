//! Arguments of the customer's side.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use portal_custodian::KeptSecret;
use portal_lifecycle::BackupMode;
use portal_lifecycle::ids::{CustodianId, EnvironmentId};

use super::{DoorArgs, ExportSharesArgs, StorageArgs, WebhookCommand, WebhookPolicyArgs};

#[derive(Subcommand)]
pub(crate) enum CustodianCommand {
    /// Run the customer's backend: webhook receiver and store of cipher texts.
    Serve(CustodianServeArgs),
    /// Make the schema of the backend's Postgres database, or bring it up to date, as the role that
    /// owns it: for a service whose own role may not.
    Migrate(CustodianMigrateArgs),
    /// Make a customer in the server's database; prints its API key once.
    Create(CustodianCreateArgs),
    /// List the customers in the server's database, with their environments.
    List(CustodianListArgs),
    /// A customer's environments (production, staging): each with API keys, webhook, end users and
    /// audit log of its own.
    #[command(subcommand)]
    Environment(CustodianEnvironmentCommand),
    /// Write the custodian's shares of one client or of all into a file, for `recover-offline`.
    ExportShares(ExportSharesArgs),
    /// The keys that apps seal to, so that the server cannot form the custodian's share.
    #[command(subcommand)]
    SealingKey(SealingKeyCommand),
    /// Let an end user recover from a sealed backup, for some minutes and a few tries, after the
    /// app has checked who asks. Portal alone cannot.
    OpenRecovery(OpenRecoveryArgs),
    /// End what open-recovery allowed, before its time.
    CloseRecovery(OpenRecoveryArgs),
    /// Where a customer's backup shares go, and the secrets that sign: in the server's database.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Change who holds the shares of the backups that a customer's end users make from now on. A
    /// backup that is there is recovered as it was made.
    BackupMode(CustodianBackupModeArgs),
    /// The API keys of a customer's environment. Two may be in force at once: make the second, move
    /// every backend to it, revoke the first.
    #[command(subcommand)]
    Key(CustodianKeyCommand),
}

#[derive(Args)]
pub(crate) struct CustodianServeArgs {
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// Where the key files lie, and the database unless --database names another; made on first
    /// start.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATA",
        default_value = "portal-data/custodian",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// A Postgres database, such as postgres://custodian@db.internal/custodian: for several processes
    /// at once. Without it, a SQLite file in the data directory.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Where to listen; port 0 takes a free one and prints it.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_LISTEN",
        default_value = "127.0.0.1:8090",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,
    /// Whether Portal's calls must be signed. Without it they must be where the webhook's secret
    /// is a `whsec_` one, as in every new data directory; say false for a server from before
    /// signatures.
    #[arg(
        long,
        env = "PORTAL_REQUIRE_WEBHOOK_SIGNATURES",
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    pub(crate) require_webhook_signatures: Option<bool>,
    /// Take plain backups too, for an environment that makes such (`--backup-mode plain`) or that
    /// changes from them to sealed ones. Without it a plain share is refused.
    #[arg(long, env = "PORTAL_PLAIN_BACKUPS")]
    pub(crate) plain_backups: bool,
    /// For one start: take another secret than the database was served with, the one in its file or,
    /// where there is no file, a new one (but for `webhook-secret`, which Portal draws). What the
    /// former one was good for is lost; the error of a start without this flag says what.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) replace_secret: Vec<ReplacedSecret>,
    /// How long a recovery from a sealed backup stays open, in minutes.
    #[arg(
        long,
        env = "PORTAL_RECOVERY_WINDOW_MIN",
        default_value_t = 15,
        value_name = "MINUTES",
        value_parser = clap::value_parser!(u64).range(1..=1_440)
    )]
    pub(crate) recovery_window_min: u64,
    /// How many requests are answered in it; a device that was cut off makes another.
    #[arg(
        long,
        env = "PORTAL_RECOVERY_USES",
        default_value_t = 5,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    pub(crate) recovery_uses: u32,
}

#[derive(Args)]
pub(crate) struct CustodianMigrateArgs {
    /// The database, such as postgres://custodian_owner@db.internal/custodian.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: String,
}

/// A secret that may be replaced by another one, by the name of its file.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ReplacedSecret {
    /// What Portal signs its calls by.
    WebhookSecret,
    /// What the tokens of apps are made of.
    AppSecret,
    /// What apps seal to.
    SealingKey,
    /// What the app's backend opens recoveries by.
    BackendSecret,
}

impl From<ReplacedSecret> for KeptSecret {
    fn from(secret: ReplacedSecret) -> Self {
        match secret {
            ReplacedSecret::WebhookSecret => Self::WebhookSecret,
            ReplacedSecret::AppSecret => Self::AppSecret,
            ReplacedSecret::SealingKey => Self::SealingKey,
            ReplacedSecret::BackendSecret => Self::BackendSecret,
        }
    }
}

#[derive(Args)]
pub(crate) struct CustodianCreateArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// What people call the customer.
    #[arg(long, env = "PORTAL_CUSTODIAN_NAME")]
    pub(crate) name: String,
    /// What people call its environment.
    #[arg(long, env = "PORTAL_ENVIRONMENT_NAME", default_value = "production")]
    pub(crate) environment: String,
    #[command(flatten)]
    pub(crate) new: NewEnvironmentArgs,
}

#[derive(Subcommand)]
pub(crate) enum CustodianEnvironmentCommand {
    /// Make another environment of a customer that is there; prints its API key once.
    Create(CustodianEnvironmentCreateArgs),
}

#[derive(Args)]
pub(crate) struct CustodianEnvironmentCreateArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// The customer, as `portal custodian list` shows it.
    #[arg(long, env = "PORTAL_CUSTODIAN_ID", value_name = "ID")]
    pub(crate) custodian: CustodianId,
    /// What people call the environment.
    #[arg(long, env = "PORTAL_ENVIRONMENT_NAME", value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) new: NewEnvironmentArgs,
}

/// What a new environment is to be.
#[derive(Args)]
pub(crate) struct NewEnvironmentArgs {
    /// Base URL of its backend; Portal appends /backup and /backup/fetch. Managed mode needs none.
    #[arg(
        long,
        env = "PORTAL_WEBHOOK_URL",
        value_name = "URL",
        requires = "webhook_secret_file"
    )]
    pub(crate) webhook_url: Option<String>,
    /// File with the secret that its backend expects (`webhook-secret` in its data directory).
    #[arg(long, env = "PORTAL_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    pub(crate) webhook_secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) webhooks: WebhookPolicyArgs,
    /// Who holds the custodian's backup shares: `sealed` (its backend, which alone can form them;
    /// `portal custodian serve` can), `plain` (any backend; the server sees them in passing) or
    /// `managed` (the server itself, under a key of their own).
    #[arg(
        long,
        env = "PORTAL_BACKUP_MODE",
        default_value = "sealed",
        value_name = "MODE"
    )]
    pub(crate) backup_mode: BackupMode,
    /// Let wallets sign bytes that nobody can read (a digest, without the request it was made
    /// from). The customer may change this in its signing policy.
    #[arg(long, env = "PORTAL_ALLOW_RAW_SIGNING")]
    pub(crate) allow_raw_signing: bool,
}

#[derive(Args)]
pub(crate) struct CustodianListArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
}

#[derive(Subcommand)]
pub(crate) enum SealingKeyCommand {
    /// Show the public keys, the one in use first; made on first use.
    Show {
        /// The customer's data directory.
        #[arg(
            long,
            env = "PORTAL_CUSTODIAN_DATA",
            default_value = "portal-data/custodian",
            value_name = "DIR"
        )]
        data: PathBuf,
    },
    /// Draw another key, to be used from now on; what was sealed to those of before still opens.
    Rotate {
        /// The customer's data directory.
        #[arg(
            long,
            env = "PORTAL_CUSTODIAN_DATA",
            default_value = "portal-data/custodian",
            value_name = "DIR"
        )]
        data: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct OpenRecoveryArgs {
    /// Base URL of the customer's backend.
    #[arg(long, env = "PORTAL_CUSTODIAN", value_name = "URL")]
    pub(crate) custodian: String,
    /// Authorities, as PEM, that vouch for it; they and no others.
    #[arg(long, env = "PORTAL_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The customer's data directory, for the secret of the app's backend.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_DATA",
        default_value = "portal-data/custodian",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// The end user's id.
    #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
    pub(crate) client: String,
}

#[derive(Args)]
pub(crate) struct CustodianBackupModeArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// The environment, as `portal custodian list` shows it.
    #[arg(long, env = "PORTAL_ENVIRONMENT", value_name = "ID")]
    pub(crate) environment: EnvironmentId,
    /// `sealed`, `plain` or `managed`, as for `portal custodian create`.
    #[arg(long, env = "PORTAL_BACKUP_MODE", value_name = "MODE")]
    pub(crate) backup_mode: BackupMode,
}

#[derive(Subcommand)]
pub(crate) enum CustodianKeyCommand {
    /// Make another API key; prints it once.
    Create(CustodianKeyArgs),
    /// List the API keys, those that are revoked as well. A key is named by the first digits of its
    /// hash, which say nothing of the key itself.
    List(CustodianKeyArgs),
    /// End an API key, at once.
    Revoke {
        #[command(flatten)]
        args: CustodianKeyArgs,
        /// Its name, as `list` shows it.
        #[arg(long, value_name = "NAME")]
        key: String,
    },
}

#[derive(Args)]
pub(crate) struct CustodianKeyArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// The environment, as `portal custodian list` shows it.
    #[arg(long, env = "PORTAL_ENVIRONMENT", value_name = "ID")]
    pub(crate) environment: String,
}
