//! How both services let strangers in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portal_api::Problem;
use portal_serving::{ConnectionLimits, Door, Origins, Tls, TlsFiles};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::DoorArgs;
use crate::process;

/// How often certificate and key are looked at.
const TLS_RELOAD_INTERVAL: Duration = Duration::from_secs(30);

/// Prepares the process, and the door that the settings describe.
pub(crate) fn door(args: &DoorArgs) -> anyhow::Result<Door> {
    if !args.allow_core_dumps {
        let forbidden = process::forbid_core_dumps();
        forbidden.context("cannot forbid core dumps; --allow-core-dumps goes on with them")?;
    }
    let room = process::room_for_connections();
    if room < args.max_connections {
        tracing::warn!(
            room,
            wanted = args.max_connections,
            "the limit of open files (ulimit -Hn) leaves room for fewer connections"
        );
    }
    let limits = ConnectionLimits {
        connections: args.max_connections.min(room),
        connections_per_address: args.max_connections_per_address,
        handshake_timeout: Duration::from_secs(args.handshake_timeout_s),
        head_timeout: Duration::from_secs(args.head_timeout_s),
        body_timeout: Duration::from_secs(args.body_timeout_s),
        ..ConnectionLimits::default()
    };
    Ok(Door {
        limits,
        tls: tls(args)?,
        origins: Origins::parse(&args.cors_origin).context("--cors-origin")?,
        metrics: None,
        problem_when_full: Some(problem_when_full()?),
    })
}

fn problem_when_full() -> anyhow::Result<Arc<str>> {
    Ok(serde_json::to_string(&Problem::of_full_service())?.into())
}

/// How the address begins that people are told.
pub(crate) const fn scheme(door: &Door) -> &'static str {
    if door.tls.is_some() { "https" } else { "http" }
}

fn tls(args: &DoorArgs) -> anyhow::Result<Option<Tls>> {
    let (Some(certificates), Some(key)) = (args.tls_cert.clone(), args.tls_key.clone()) else {
        return Ok(None);
    };
    let tls = Tls::open(TlsFiles { certificates, key }).context("cannot speak TLS")?;
    let mut hangups = signal(SignalKind::hangup())?;
    let fresh = tls.clone().keep_fresh(TLS_RELOAD_INTERVAL, async move || {
        let _ = hangups.recv().await;
    });
    tokio::spawn(fresh);
    Ok(Some(tls))
}

#[cfg(test)]
mod tests {
    use portal_lifecycle::ErrorId;
    use serde_json::Value;

    #[test]
    fn who_finds_no_place_is_told_a_whole_problem() {
        let told = super::problem_when_full().expect("a document");
        let problem: portal_api::Problem = serde_json::from_str(&told).expect("a problem");
        assert_eq!((problem.id, problem.status), (ErrorId::Unavailable, 503));
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["retryable"], Value::Bool(true));
    }
}
