//! Delivery of custodian shares: at once by the session that made them, later by a worker.

use portal_api::Base64Bytes;
use portal_api::webhook::StoreBackupShare;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, Event, PerCurve};
use portal_store::{Delivery, Secrets, WebhookConfig};
use tokio::time::MissedTickBehavior;

use crate::{ApiError, App, trace};

/// When a failed delivery is tried again, in milliseconds after each failure; then daily.
const BACK_OFF_MS: [u64; 7] = [
    1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000,
];

/// How long a session has to deliver before the worker takes it up.
pub(crate) const SESSION_GRACE_MS: u64 = 30_000;

const BATCH: u32 = 16;

/// Delivers one pair's shares, has them fetched back, and says so to the wallet (E15).
///
/// Delivered again, the custodian gives the same receipt: nothing is lost by repeating.
pub(crate) async fn deliver(
    app: &App,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
) -> Result<(), ApiError> {
    // Not there any more: somebody else has delivered it.
    if let Some(delivery) = app.store.delivery(client, ids).await? {
        if let Err(error) = attempt(app, &delivery).await {
            let attempts = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
            let wait = BACK_OFF_MS
                .get(attempts)
                .or(BACK_OFF_MS.last())
                .copied()
                .unwrap_or(0);
            let due = app.clock.now().plus_ms(wait);
            app.store.delivery_failed(client, ids, due).await?;
            return Err(error);
        }
        app.wallets
            .apply(
                client,
                Event::CustodianAcknowledged { ids },
                Secrets::Unchanged,
            )
            .await?;
    }
    Ok(())
}

/// The webhook of a client's environment.
pub(crate) async fn webhook(app: &App, client: ClientId) -> Result<WebhookConfig, ApiError> {
    let tenant = app.store.tenant(client).await?;
    app.store
        .webhook(tenant.environment_id)
        .await?
        .ok_or_else(|| {
            ApiError::new(
                ErrorId::WebhookNotConfigured,
                "this environment has no backup webhook; configure one before backing up",
            )
        })
}

async fn attempt(app: &App, delivery: &Delivery) -> Result<(), ApiError> {
    let webhook = webhook(app, delivery.client_id).await?;
    let shares = delivery
        .shares
        .as_ref()
        .map(|share| encode_share(share.expose()));
    for (curve, share) in shares.iter() {
        let body = StoreBackupShare {
            client_id: delivery.client_id,
            backup_method: delivery.method,
            share: share.clone(),
            backup_share_pair_id: *delivery.ids.of(curve),
            wallet_id: *delivery.wallet_ids.of(curve),
            curve,
            generation: delivery.generation.0,
        };
        app.webhooks.store(&webhook, &body).await?;
    }
    let fetched = app.webhooks.fetch(&webhook, delivery.client_id).await?;
    if shares.iter().all(|(_, share)| fetched.contains(share)) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorId::WebhookFailed,
            "the custodian accepted the shares but does not give them back",
        ))
    }
}

/// A custodian share as it travels: opaque text to its receiver.
fn encode_share(share: &[u8]) -> String {
    Base64Bytes(share.to_vec()).to_string()
}

/// Takes up what is due, until the service stops.
pub(crate) async fn work(app: App) {
    let mut ticks = tokio::time::interval(app.limits.outbox_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = ticks.tick() => {}
        }
        let due = match app.store.due_deliveries(app.clock.now(), BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "outbox unreadable"
                );
                continue;
            }
        };
        for delivery in due {
            if app.is_stopping() {
                return;
            }
            let delivered = trace::scope(
                trace::fresh(),
                deliver(&app, delivery.client_id, delivery.ids),
            )
            .await;
            if let Err(error) = delivered {
                tracing::warn!(id = %error.id(), attempts = delivery.attempts, "not delivered");
            }
        }
    }
}
