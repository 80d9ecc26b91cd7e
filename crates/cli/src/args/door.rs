//! Arguments of how strangers are let in.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use portal_api::limits::{BODY_BYTES, LEAST_BODY_BYTES};

/// Largest limit on bodies: each is held in memory as a whole.
const MOST_BODY_BYTES: usize = 16 * 1024 * 1024;

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
    /// An origin whose pages may call from a browser, such as `https://app.example.com`; may be given
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
    /// Largest body of a request, in bytes: 33 KiB at least, for cipher texts.
    #[arg(
        long,
        env = "PORTAL_MAX_BODY_BYTES",
        default_value_t = BODY_BYTES,
        value_name = "BYTES",
        value_parser = body_bytes
    )]
    pub(crate) max_body_bytes: usize,
}

/// A limit that lets every cipher text in, and that fits into memory many times.
fn body_bytes(text: &str) -> Result<usize, String> {
    let allowed = LEAST_BODY_BYTES..=MOST_BODY_BYTES;
    let given = text.parse().ok().filter(|bytes| allowed.contains(bytes));
    given.ok_or_else(|| {
        format!(
            "expected {LEAST_BODY_BYTES}, which a cipher text may take, to {MOST_BODY_BYTES} bytes"
        )
    })
}
