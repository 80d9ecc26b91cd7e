//! Arguments of the server.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use clap::Args;

use super::{DoorArgs, StorageArgs, WebhookPolicyArgs};

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
