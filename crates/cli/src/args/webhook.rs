//! Arguments of a customer's webhook, and of where webhooks may go.

use clap::{Args, Subcommand};

use super::StorageArgs;

/// Whose webhook, and where it lies.
#[derive(Args)]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    #[command(flatten)]
    pub(crate) policy: WebhookPolicyArgs,
    /// The environment, as `portal custodian list` shows it.
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
