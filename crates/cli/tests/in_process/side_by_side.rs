//! Deliveries of several customers: one whose backend does not answer holds up nobody else's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portal_keychain::MemoryKeychain;
use portal_lifecycle::{BackupMode, BackupStatus};
use portal_sdk::ErrorId;
use portal_server::{
    Limits, SystemResolver, WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable,
};
use reqwest::Method;
use serde_json::json;

use crate::expect::{granted, refused, until};
use crate::receiver::slamming;
use crate::wallet::{CUSTOM, backup_statuses, state_of};
use crate::world::{World, calling};

/// Whoever is called there never answers.
const SILENT: &str = "http://127.0.0.1:1";
const SILENT_PORT: u16 = 1;
const WEBHOOK: &str = "/api/v3/custodians/me/webhook";

/// Carries calls, but those to the silent one: they go on for ever, so that no clock decides whether they
/// are over before something else is done.
struct Carrier {
    inner: Arc<dyn WebhookTransport>,
    unanswered: AtomicUsize,
}

#[async_trait]
impl WebhookTransport for Carrier {
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        if call.url.port() == Some(SILENT_PORT) {
            self.unanswered.fetch_add(1, Ordering::SeqCst);
            return std::future::pending().await;
        }
        self.inner.post(call).await
    }
}

async fn send_webhooks_of(world: &World, key: &str, url: &str) {
    let body = json!({ "baseUrl": url });
    let put = world.call(Method::PUT, WEBHOOK, key, Some(body)).await;
    assert_eq!(put.status, 200, "{put:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_backend_holds_up_no_other_customers_delivery() {
    let limits = Limits {
        outbox_interval: Duration::from_millis(50),
        ..Limits::default()
    };
    let carrier = Arc::new(Carrier {
        inner: calling(Arc::new(SystemResolver::default())),
        unanswered: AtomicUsize::new(0),
    });
    let world = World::start_through(limits, Arc::clone(&carrier) as _).await;
    let operator = world.operator();
    let other = operator.create_custodian("Silent", "test", None, BackupMode::Plain);
    let other = other.await.expect("a customer").api_key;
    let broken = slamming().await;
    send_webhooks_of(&world, &other, &broken).await;
    world.send_webhooks_to(&broken).await;

    // A backup of each waits for its delivery.
    let wallet = world.wallet().await;
    let theirs = world.user_of(&other).await;
    let theirs = world.portal(&theirs, Arc::new(MemoryKeychain::new())).await;
    granted(theirs.create_wallet().await, "creating the other's wallet");
    for portal in [&theirs, &wallet.portal] {
        let failed = portal.backup_wallet(CUSTOM).await;
        refused(failed, ErrorId::WebhookFailed, "nobody listens");
    }
    send_webhooks_of(&world, &other, SILENT).await;
    world.clock.put_forward(Duration::from_secs(2));
    until("a call to the silent one", async || {
        (carrier.unanswered.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;

    // It waits for an answer, and will; the other's backup is delivered.
    world.mend_webhook().await;
    world.clock.put_forward(Duration::from_secs(11));
    until("the other's delivery", async || {
        let statuses = backup_statuses(&state_of(&wallet.portal).await);
        let stored = BackupStatus::StoredCustodianBackupShare;
        statuses
            .iter()
            .all(|status| *status == stored)
            .then_some(())
    })
    .await;
}
