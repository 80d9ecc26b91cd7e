//! The commands, but the demo.

pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod client_state;
pub(crate) mod custodian_app;
pub(crate) mod custodian_backup_mode;
pub(crate) mod custodian_create;
pub(crate) mod custodian_export;
pub(crate) mod custodian_key;
pub(crate) mod custodian_list;
pub(crate) mod custodian_migrate;
pub(crate) mod custodian_secrets;
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

/// Ends when the process is asked to stop: heard from this call on, not from the first poll. A
/// service that has said where it listens stops in order from then on.
///
/// # Errors
///
/// Where signals cannot be listened to.
pub(crate) fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
