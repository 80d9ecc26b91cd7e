//! Delivery of custodian shares: at once by the session that made them, later by a worker.

mod delivery;
mod under_way;

use portal_api::webhook::BackupReleased;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{ErrorId, Event, PerCurve};
use portal_store::audit::Actor;
use portal_store::{Delivery, Notice, Secrets};
use tokio::time::MissedTickBehavior;

use self::under_way::UnderWay;
use crate::webhook::Webhook;
use crate::{ApiError, App, trace};

/// When a failed delivery is tried again, in milliseconds after each failure; then daily.
const BACK_OFF_MS: [u64; 7] = [
    1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000,
];

/// How long a session has to deliver before the worker takes it up.
pub(crate) const SESSION_GRACE_MS: u64 = 30_000;

/// How long a claim lasts: longer than the calls of one delivery may take.
const CLAIM_MS: u64 = 60_000;

/// Delivers one pair's shares, has them fetched back, and says so to the wallet (E15).
///
/// Delivered again, the custodian gives the same receipt: nothing is lost by repeating.
pub(crate) async fn deliver(
    app: &App,
    actor: Actor,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
) -> Result<(), ApiError> {
    // Not there any more: somebody else has delivered it.
    if let Some(delivery) = app.store.delivery(client, ids).await? {
        if let Err(error) = attempt(app, &delivery).await {
            let due = app.clock.now().plus_ms(back_off_ms(delivery.attempts));
            app.store.delivery_failed(client, ids, due).await?;
            return Err(error);
        }
        app.wallets
            .apply(
                actor,
                client,
                Event::CustodianAcknowledged { ids },
                Secrets::Unchanged,
            )
            .await?;
    }
    Ok(())
}

/// The webhook of a client's environment.
pub(crate) async fn webhook(app: &App, client: ClientId) -> Result<Webhook, ApiError> {
    let environment_id = app.store.tenant(client).await?.environment_id;
    let config = app.store.webhook(environment_id).await?.ok_or_else(|| {
        ApiError::new(
            ErrorId::WebhookNotConfigured,
            "this environment has no backup webhook; configure one before backing up",
        )
    })?;
    Ok(Webhook {
        environment_id,
        config,
    })
}

async fn attempt(app: &App, delivery: &Delivery) -> Result<(), ApiError> {
    let webhook = webhook(app, delivery.client_id).await?;
    let stored = app.wallets.stored(delivery.client_id).await?;
    let pair = stored
        .as_ref()
        .and_then(|stored| stored.wallet.backup_pair_of(delivery.ids))
        .ok_or_else(|| ApiError::internal("a pair in the outbox is gone"))?;
    let bodies = delivery::bodies(delivery, pair)?;
    for (_, body) in bodies.iter() {
        app.webhooks.store(&webhook, body).await?;
    }
    let fetched = app
        .webhooks
        .fetch(&webhook, delivery.client_id, delivery.ids);
    let fetched = fetched.await?;
    if bodies
        .iter()
        .all(|(_, body)| delivery::is_stored(body, pair, &fetched))
    {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorId::WebhookFailed,
            "the custodian accepted the shares but does not give them back",
        ))
    }
}

/// How long to wait after so many failures.
fn back_off_ms(attempts: u32) -> u64 {
    let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
    let wait = BACK_OFF_MS.get(attempts).or(BACK_OFF_MS.last());
    wait.copied().unwrap_or(0)
}

/// E18: tells the custodian of one pair.
async fn tell(app: &App, notice: Notice) -> Result<(), ApiError> {
    let told = async {
        let webhook = webhook(app, notice.client_id).await?;
        let body = BackupReleased {
            client_id: notice.client_id,
            backup_share_pair_ids: notice.ids,
            status: notice.status,
        };
        app.webhooks.released(&webhook, &body).await
    };
    match told.await {
        Ok(()) => Ok(app.store.notice_heard(&notice).await?),
        Err(error) => {
            let due = app.clock.now().plus_ms(back_off_ms(notice.attempts));
            app.store.notice_failed(&notice, due).await?;
            Err(error)
        }
    }
}

/// Takes up what is due, until the service stops; what is under way then ends first. Any node may:
/// what one has claimed, the others leave alone until the claim ends.
pub(crate) async fn work(app: App) {
    let mut ticks = tokio::time::interval(app.limits.outbox_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = UnderWay::default();
    let mut is_more_due = false;
    loop {
        tokio::select! {
            biased;
            () = app.draining() => break,
            _ = ticks.tick() => {}
            () = under_way.one_ended() => {
                if !is_more_due {
                    continue;
                }
            }
        }
        is_more_due = match take_up(&app, &mut under_way).await {
            Ok(is_more_due) => is_more_due,
            Err(error) => {
                tracing::error!(id = %error.id(), "outbox unreadable");
                false
            }
        };
    }
    under_way.all_ended().await;
}

/// Begins what is due, as far as there is room; says whether there may be more. One custodian that
/// does not answer fills its own environment's room and nobody else's.
async fn take_up(app: &App, under_way: &mut UnderWay) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let claimed_until = now.plus_ms(CLAIM_MS);
    let mut is_more_due = false;
    for environment in app.store.due_environments(now).await? {
        let room = under_way.room(environment);
        if room == 0 {
            is_more_due = true;
            continue;
        }
        let deliveries = app
            .store
            .claim_deliveries(environment, now, claimed_until, room);
        // One environment's damaged rows are not another's.
        let deliveries = deliveries.await.unwrap_or_else(|error| {
            tracing::error!(%environment, %error, "its deliveries cannot be claimed");
            Vec::new()
        });
        let room = room.saturating_sub(u32::try_from(deliveries.len()).unwrap_or(u32::MAX));
        for delivery in deliveries {
            let app = app.clone();
            under_way.begin(
                environment,
                async move { deliver_due(&app, delivery).await },
            );
        }
        let notices = app
            .store
            .claim_notices(environment, now, claimed_until, room);
        let notices = notices.await?;
        is_more_due |= room.saturating_sub(u32::try_from(notices.len()).unwrap_or(u32::MAX)) == 0;
        for notice in notices {
            let app = app.clone();
            under_way.begin(environment, async move { tell_due(&app, notice).await });
        }
    }
    Ok(is_more_due)
}

async fn deliver_due(app: &App, delivery: Delivery) {
    let attempts = delivery.attempts;
    let delivering = async {
        let delivered = deliver(app, Actor::Worker, delivery.client_id, delivery.ids);
        if let Err(error) = delivered.await {
            tracing::warn!(id = %error.id(), attempts, "not delivered");
        }
    };
    trace::begun("delivery", delivery.trace_id, delivering).await;
}

async fn tell_due(app: &App, notice: Notice) {
    let (attempts, trace_id) = (notice.attempts, notice.trace_id);
    let telling = async {
        if let Err(error) = tell(app, notice).await {
            tracing::warn!(id = %error.id(), attempts, "a notice was not heard");
        }
    };
    trace::begun("notice", trace_id, telling).await;
}

#[cfg(test)]
mod tests {
    use super::back_off_ms;

    #[test]
    fn waits_grow_to_a_day_and_stay_there() {
        let waits_s: Vec<_> = (0..9)
            .map(|failures| back_off_ms(failures) / 1_000)
            .collect();
        let expected_s = [1, 10, 60, 600, 3_600, 21_600, 86_400, 86_400, 86_400];
        assert_eq!(waits_s, expected_s);
    }
}
