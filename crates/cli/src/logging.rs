//! Logs to standard error.

use anyhow::bail;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::args::LogFormat;

/// Starts logging.
///
/// The level is Portal's own. Libraries never log below `info`: some write whole frames and
/// headers at `trace`, and with them tokens.
pub(crate) fn start(level: &str, format: LogFormat) -> anyhow::Result<()> {
    if !["off", "error", "warn", "info", "debug", "trace"].contains(&level) {
        bail!("expected --log off, error, warn, info, debug or trace, got {level:?}");
    }
    let libraries = if matches!(level, "debug" | "trace") {
        "info"
    } else {
        level
    };
    let ours = ["server", "custodian", "sdk", "store", "keychain", "backup"]
        .map(|name| format!("portal_{name}={level}"))
        .join(",");
    let filter = EnvFilter::try_new(format!("{libraries},{ours},portal={level}"))?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
