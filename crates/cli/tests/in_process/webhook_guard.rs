//! A customer's webhook that must not be called, or answers as nobody should: the share waits, and
//! arrives when the webhook is mended.

use std::sync::Arc;
use std::time::Duration;

use portal_lifecycle::BackupStatus;
use portal_sdk::ErrorId;
use portal_server::Limits;
use reqwest::Method;
use serde_json::json;

use crate::expect::{granted, refused, until};
use crate::misbehaving::{Answer, Misbehaving};
use crate::names::Names;
use crate::wallet::{CUSTOM, Wallet, backup_pairs, state_of};
use crate::world::World;

/// Time passes in steps that no call's time stamp is too old after.
const STEP: Duration = Duration::from_secs(15);

async fn assert_waits(wallet: &Wallet, when: &str) -> String {
    let failed = wallet.portal.backup_wallet(CUSTOM).await;
    let told = refused(failed, ErrorId::WebhookFailed, when).to_string();
    assert_eq!(newest(wallet).await, BackupStatus::Pending, "{when}");
    told
}

async fn newest(wallet: &Wallet) -> BackupStatus {
    let pairs = backup_pairs(&state_of(&wallet.portal).await);
    pairs.last().expect("a pair").1
}

/// Nobody asks again: the server's worker delivers what waits.
async fn assert_arrives(world: &World, wallet: &Wallet, when: &str) {
    let arrived = || async {
        world.clock.put_forward(STEP);
        let status = newest(wallet).await;
        (status == BackupStatus::StoredCustodianBackupShare).then_some(())
    };
    until(&format!("{when}: the share at the backend"), arrived).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_arrives_when_the_webhook_is_mended() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let elsewhere = Misbehaving::start(Answer::Silence).await;
    for (when, answer, told) in [
        (
            "a redirect",
            Answer::redirect(&elsewhere.url()),
            "not followed",
        ),
        ("an endless answer", Answer::Flood, "too large"),
        ("a slow answer", Answer::Drip, "10 seconds"),
    ] {
        let backend = Misbehaving::start(answer).await;
        world.send_webhooks_to(&backend.url()).await;
        let seen = assert_waits(&wallet, when).await;
        assert!(
            seen.contains(told),
            "{when}: expected {told:?}, seen {seen}"
        );
        world.mend_webhook().await;
        assert_arrives(&world, &wallet, when).await;
    }
    assert_eq!(elsewhere.connections(), 0, "redirected to");
    world.assert_recovers(&wallet, "by the backup before").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_inside_delivers_nothing_until_it_leads_home() {
    let names = Arc::new(Names::leading_to(&[&["127.0.0.1"]]));
    let world = World::start_resolving(Arc::clone(&names) as _).await;
    let (wallet, _) = world.backed_up_wallet().await;
    let port = world.custodian.rsplit(':').next().expect("a port");
    world
        .send_webhooks_to(&format!("http://localhost:{port}"))
        .await;
    for inside in [
        &["10.0.0.1"][..],
        &["127.0.0.1", "192.168.0.1"],
        &["169.254.169.254"],
    ] {
        names.lead_to(&[inside]);
        let told = assert_waits(&wallet, "leading inside").await;
        assert!(told.contains("not public"), "{told}");
        for address in inside {
            assert!(!told.contains(address), "{told} says where the name leads");
        }
        // Where it is judged it leads home, and inside where it would be asked a second time.
        names.lead_to(&[&["127.0.0.1"], inside]);
        let asked = names.asked();
        let called = || async {
            world.clock.put_forward(STEP);
            (names.asked() > asked + 1).then_some(())
        };
        until("calls by the worker", called).await;
        assert_eq!(newest(&wallet).await, BackupStatus::Pending, "half of it");
        names.lead_to(&[&["127.0.0.1"]]);
        assert_arrives(&world, &wallet, "leading home").await;
    }
    granted(wallet.portal.backup_wallet(CUSTOM).await, "leading home");
}

/// Where the operator keeps it to themselves, no API key says where shares go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixed_webhook_is_moved_by_the_operator_alone() {
    const WEBHOOK: &str = "/api/v3/custodians/me/webhook";
    let world = World::start_with(Limits {
        fixed_webhooks: true,
        ..Limits::default()
    })
    .await;
    let key = &world.customer.api_key;
    let put = async |body| world.call(Method::PUT, WEBHOOK, key, Some(body)).await;
    let before = world.call(Method::GET, WEBHOOK, key, None).await.body;
    let moved = put(json!({"baseUrl": "https://thief.example"})).await;
    moved.is_problem(403, "FORBIDDEN", "another URL");
    let after = world.call(Method::GET, WEBHOOK, key, None).await.body;
    assert_eq!(before, after, "nothing changed");
    let same = json!({"baseUrl": before["baseUrl"], "rotateSecret": true});
    for body in [same, json!({"rotateSecret": true})] {
        let rotated = put(body).await;
        assert_eq!(rotated.status, 200, "{rotated:?}");
        assert_eq!(rotated.body["baseUrl"], before["baseUrl"]);
    }
    world.send_webhooks_to("http://127.0.0.1:1").await;
    let moved = world.call(Method::GET, WEBHOOK, key, None).await;
    assert_eq!(moved.body["baseUrl"], "http://127.0.0.1:1");
}
