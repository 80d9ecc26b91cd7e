//! The command line.

mod offline;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use portal_api::sealed::PinnedSealingKey;
use portal_lifecycle::BackupMode;
use portal_lifecycle::ids::{ClientId, EnvironmentId, WalletId};
use portal_store::audit::Checkpoint;
use uuid::Uuid;

pub(crate) use offline::{ExportSharesArgs, OfflineSignArgs, RecoverOfflineArgs};

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

#[derive(Subcommand)]
pub(crate) enum CustodianCommand {
    /// Run the customer's backend: webhook receiver and store of cipher texts.
    Serve(CustodianServeArgs),
    /// Make a customer in the server's database; prints its API key once.
    Create(CustodianCreateArgs),
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

/// Whose webhook, and where it lies.
#[derive(Args)]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    #[command(flatten)]
    pub(crate) policy: WebhookPolicyArgs,
    /// The environment, as `portal custodian create` printed it.
    #[arg(long, env = "PORTAL_ENVIRONMENT", value_name = "ID")]
    pub(crate) environment: String,
}

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Show URL, secrets (by their ids) and the last call.
    Show(WebhookArgs),
    /// Call it once, for shares of a client that does not exist; fails where that fails.
    Test(WebhookArgs),
    /// Send calls to another base URL. Another scheme, host or port draws another secret, printed
    /// once, and ends the one of before; the backend there must be told.
    Move {
        #[command(flatten)]
        webhook: WebhookArgs,
        /// The base URL.
        #[arg(long, value_name = "URL")]
        url: String,
    },
    /// Draw another secret, and print it once. The one of before signs beside it for a while.
    Rotate {
        #[command(flatten)]
        webhook: WebhookArgs,
        /// How long, in seconds; 0 ends it at once, as for a secret that was stolen.
        #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
        former_lifetime_s: u32,
    },
    /// End the secret of before a rotation, now that the backend knows the new one.
    EndFormer(WebhookArgs),
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
    /// The environment, as `portal custodian create` printed it.
    #[arg(long, env = "PORTAL_ENVIRONMENT", value_name = "ID")]
    pub(crate) environment: String,
}

#[derive(Args)]
pub(crate) struct CustodianBackupModeArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// The environment, as `portal custodian create` printed it.
    #[arg(long, env = "PORTAL_ENVIRONMENT", value_name = "ID")]
    pub(crate) environment: EnvironmentId,
    /// `sealed`, `plain` or `managed`, as for `portal custodian create`.
    #[arg(long, env = "PORTAL_BACKUP_MODE", value_name = "MODE")]
    pub(crate) backup_mode: BackupMode,
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Keep everything here, and continue with the wallet that is here already.
    #[arg(long, env = "PORTAL_DEMO_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

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
    /// everything to --kms.
    #[arg(
        long,
        env = "PORTAL_FORMER_KMS",
        value_name = "KMS",
        value_delimiter = ','
    )]
    pub(crate) former_kms: Vec<String>,
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
        }
    }

    pub(crate) fn backup_kms(&self) -> &str {
        self.backup_kms.as_deref().unwrap_or("file")
    }
}

/// Where webhooks may go besides public addresses over HTTPS.
#[derive(Args)]
pub(crate) struct WebhookPolicyArgs {
    /// Allow webhooks to this machine, over plain HTTP too; for development.
    #[arg(long, env = "PORTAL_ALLOW_HTTP_WEBHOOKS")]
    pub(crate) allow_http_webhooks: bool,
    /// Allow webhooks over HTTPS to private networks, where the customers' backends are in yours.
    /// Each customer may then have this server call whatever it reaches there.
    #[arg(long, env = "PORTAL_ALLOW_PRIVATE_WEBHOOKS")]
    pub(crate) allow_private_webhooks: bool,
}

impl From<&WebhookPolicyArgs> for portal_server::WebhookPolicy {
    fn from(args: &WebhookPolicyArgs) -> Self {
        Self {
            allow_http_to_loopback: args.allow_http_webhooks,
            allow_private: args.allow_private_webhooks,
        }
    }
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

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Wrap every share's key under the present key of the KMS. Servers go on meanwhile; what was
    /// interrupted goes on when this is run again.
    Rotate(RotateArgs),
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the chains of the audit log, while servers go on, and tell where lines were removed,
    /// altered, reordered or inserted, or the end cut off. Needs no key.
    Verify(AuditVerifyArgs),
}

#[derive(Args)]
pub(crate) struct AuditVerifyArgs {
    /// Where the SQLite file lies.
    #[arg(
        long,
        env = "PORTAL_SERVER_DATA",
        default_value = "portal-data/server",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// The Postgres database, instead.
    #[arg(
        long,
        env = "PORTAL_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Walk this environment's chain only.
    #[arg(long, value_name = "ID")]
    pub(crate) environment: Option<Uuid>,
    /// Begin at a checkpoint that was kept elsewhere, and see that its line is still the same.
    #[arg(long, value_name = "NUMBER:HASH", requires = "environment")]
    pub(crate) since: Option<Checkpoint>,
    /// Print each whole chain's checkpoint, to be kept elsewhere: environment, number:hash.
    #[arg(long)]
    pub(crate) checkpoint: bool,
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

/// How strangers are let in; the same for both services.
#[derive(Args)]
pub(crate) struct DoorArgs {
    /// Speak TLS: the certificate as PEM, and after it those that lead to its authority. It is
    /// looked at again every 30 seconds, and on SIGHUP.
    #[arg(
        long,
        env = "PORTAL_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key as PEM.
    #[arg(
        long,
        env = "PORTAL_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// An origin whose pages may call from a browser, such as https://app.example.com; may be given
    /// more than once, or several with commas. None by default.
    #[arg(
        long,
        env = "PORTAL_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub(crate) cors_origin: Vec<String>,
    /// Connections that may be open at once.
    #[arg(
        long,
        env = "PORTAL_MAX_CONNECTIONS",
        default_value_t = 10_000,
        value_name = "NUMBER"
    )]
    pub(crate) max_connections: usize,
    /// Connections of one address that may be open at once. A proxy in front is one address.
    #[arg(
        long,
        env = "PORTAL_MAX_CONNECTIONS_PER_ADDRESS",
        default_value_t = 1_000,
        value_name = "NUMBER"
    )]
    pub(crate) max_connections_per_address: usize,
    /// Longest wait for the whole head of a request, in seconds; also for the next request of a
    /// connection that is idle.
    #[arg(
        long,
        env = "PORTAL_HEAD_TIMEOUT_S",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    pub(crate) head_timeout_s: u64,
    /// Longest wait for the whole body of a request, in seconds.
    #[arg(
        long,
        env = "PORTAL_BODY_TIMEOUT_S",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    pub(crate) body_timeout_s: u64,
    /// Longest TLS handshake, in seconds.
    #[arg(
        long,
        env = "PORTAL_HANDSHAKE_TIMEOUT_S",
        default_value_t = 10,
        value_name = "SECONDS"
    )]
    pub(crate) handshake_timeout_s: u64,
    /// Where Prometheus fetches /metrics; port 0 takes a free one and prints it. Off by default.
    /// Nobody is asked for a credential there: give an address that strangers do not reach.
    #[arg(long, env = "PORTAL_METRICS_LISTEN", value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Where spans go, by OTLP over HTTP, such as http://127.0.0.1:4318. Off by default;
    /// OTEL_EXPORTER_OTLP_ENDPOINT is heard too.
    #[arg(long, env = "PORTAL_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Let the process leave a core dump when it crashes, and let a debugger attach. Both show
    /// keys and shares.
    #[arg(long, env = "PORTAL_ALLOW_CORE_DUMPS")]
    pub(crate) allow_core_dumps: bool,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// Where to listen; port 0 takes a free one and prints it.
    #[arg(
        long,
        env = "PORTAL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) webhooks: WebhookPolicyArgs,
    /// Let no API key say where webhooks go, only `portal custodian webhook move`: who steals a
    /// key is then not sent the shares of later backups.
    #[arg(long, env = "PORTAL_FIXED_WEBHOOKS")]
    pub(crate) fixed_webhooks: bool,
    /// How long sessions may go on when the server is told to stop, in seconds.
    #[arg(
        long,
        env = "PORTAL_DRAIN_TIMEOUT_S",
        default_value_t = 25,
        value_name = "SECONDS"
    )]
    pub(crate) drain_timeout_s: u64,
    /// How long requests are still taken when the server is told to stop, in seconds, while /ready
    /// says 503: as long as your load balancer needs to see it.
    #[arg(
        long,
        env = "PORTAL_DRAIN_DELAY_S",
        default_value_t = 0,
        value_name = "SECONDS"
    )]
    pub(crate) drain_delay_s: u64,
    /// Longest wait for the first frame of a session, in seconds.
    #[arg(
        long,
        env = "PORTAL_FIRST_FRAME_TIMEOUT_S",
        default_value_t = 10,
        value_name = "SECONDS"
    )]
    pub(crate) first_frame_timeout_s: u64,
    /// MPC sessions that may be open at once.
    #[arg(
        long,
        env = "PORTAL_MAX_SESSIONS",
        default_value_t = 2_000,
        value_name = "NUMBER"
    )]
    pub(crate) max_sessions: usize,
    /// WebSockets that may be open besides, while their first frame has not said yet who it is.
    #[arg(
        long,
        env = "PORTAL_MAX_UNAUTHENTICATED_SESSIONS",
        default_value_t = 200,
        value_name = "NUMBER"
    )]
    pub(crate) max_unauthenticated_sessions: usize,
    /// A backup share that no custodian has taken for so many seconds makes /ready say "degraded".
    #[arg(
        long,
        env = "PORTAL_LATE_DELIVERY_S",
        default_value_t = 900,
        value_name = "SECONDS"
    )]
    pub(crate) late_delivery_s: u64,
    /// Longest MPC session, in seconds; a wallet's lease lasts as long.
    #[arg(
        long,
        env = "PORTAL_SESSION_TIMEOUT_S",
        default_value_t = 120,
        value_name = "SECONDS"
    )]
    pub(crate) session_timeout_s: u64,
    #[command(flatten)]
    pub(crate) rates: RateArgs,
}

/// How often a caller may call, on this server.
#[derive(Args)]
pub(crate) struct RateArgs {
    /// Most requests of one client in a minute; over it, the answer is 429.
    #[arg(
        long,
        env = "PORTAL_CLIENT_REQUESTS_PER_MINUTE",
        default_value = "200",
        value_name = "NUMBER"
    )]
    pub(crate) client_requests_per_minute: NonZeroU32,
    /// Most requests of one customer's backends in a minute.
    #[arg(
        long,
        env = "PORTAL_CUSTODIAN_REQUESTS_PER_MINUTE",
        default_value = "200",
        value_name = "NUMBER"
    )]
    pub(crate) custodian_requests_per_minute: NonZeroU32,
    /// Most MPC operations that one client begins in a minute.
    #[arg(
        long,
        env = "PORTAL_CLIENT_OPERATIONS_PER_MINUTE",
        default_value = "50",
        value_name = "NUMBER"
    )]
    pub(crate) client_operations_per_minute: NonZeroU32,
    /// Most wrong credentials from one address in a minute; after them, none from there is looked
    /// at for a while.
    #[arg(
        long,
        env = "PORTAL_FAILED_AUTHENTICATIONS_PER_MINUTE",
        default_value = "60",
        value_name = "NUMBER"
    )]
    pub(crate) failed_authentications_per_minute: NonZeroU32,
    /// How many proxies of your own each request comes through, each of which adds to
    /// X-Forwarded-For; without any, that header is not believed.
    #[arg(
        long,
        env = "PORTAL_PROXIES",
        default_value_t = 0,
        value_name = "NUMBER"
    )]
    pub(crate) proxies: u8,
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
pub(crate) struct CustodianCreateArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// What people call the customer.
    #[arg(long, env = "PORTAL_CUSTODIAN_NAME")]
    pub(crate) name: String,
    /// What people call its environment.
    #[arg(long, env = "PORTAL_ENVIRONMENT_NAME", default_value = "production")]
    pub(crate) environment: String,
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
    /// Let an end user take their private keys out, for five minutes.
    EnableEject {
        /// The end user's id.
        #[arg(long, env = "PORTAL_CLIENT", value_name = "ID")]
        client: ClientId,
        /// The id of either key of their wallet, as `portal wallet status` shows it.
        #[arg(long, value_name = "ID")]
        wallet: WalletId,
    },
}

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
