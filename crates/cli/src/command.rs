//! The commands, but the demo.

pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod custodian_app;
pub(crate) mod custodian_backup_mode;
pub(crate) mod custodian_create;
pub(crate) mod custodian_export;
pub(crate) mod custodian_key;
pub(crate) mod custodian_serve;
pub(crate) mod custodian_store;
pub(crate) mod custodian_webhook;
pub(crate) mod door;
pub(crate) mod eject;
pub(crate) mod maintain;
pub(crate) mod metrics;
pub(crate) mod offline;
pub(crate) mod sealing;
pub(crate) mod serve;
pub(crate) mod wallet;

/// Returns when the process is asked to stop.
pub(crate) async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
