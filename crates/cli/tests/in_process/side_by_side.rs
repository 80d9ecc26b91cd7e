//! Deliveries of several customers: one whose backend does not answer holds up nobody else's.

use std::sync::Arc;
use std::time::Duration;

use portal_keychain::MemoryKeychain;
use portal_lifecycle::{BackupMode, BackupStatus};
use portal_sdk::ErrorId;
use portal_server::Limits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::expect::{granted, refused, until};
use crate::misbehaving::{Answer, Misbehaving};
use crate::receiver::slamming;
use crate::wallet::{CUSTOM, backup_statuses, state_of};
use crate::world::World;

const WEBHOOK: &str = "/api/v3/custodians/me/webhook";

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
    let world = World::start_with(limits).await;
    let operator = world.operator();
    let other = operator.create_custodian("Silent", "test", None, BackupMode::Plain);
    let other = other.await.expect("a customer").api_key;
    let (broken, silent) = (slamming().await, Misbehaving::start(Answer::Silence).await);
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
    send_webhooks_of(&world, &other, &silent.url()).await;
    world.clock.put_forward(Duration::from_secs(2));
    until("a call to the silent one", async || {
        (silent.connections() > 0).then_some(())
    })
    .await;

    // It still waits for an answer while the other's backup is delivered.
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
    let path = format!("{WEBHOOK}/deliveries");
    let calls = world.call(Method::GET, &path, &other, None).await.body;
    let calls = calls["results"].as_array().expect("calls").iter();
    let outcomes: Vec<&Value> = calls.map(|call| &call["outcome"]).collect();
    assert!(!outcomes.contains(&&json!("TIMED_OUT")), "{outcomes:?}");
}
