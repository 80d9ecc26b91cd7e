//! The server's part of a sealed backup: what does not fit is neither sent nor taken.

use std::time::Duration;

use portal_api::webhook::StoreBackupShare;
use portal_lifecycle::BackupMode;
use portal_sdk::ErrorId;
use portal_server::Limits;
use portal_store::OutboxStore as _;
use serde_json::json;

use super::tap::{Passing, Tap};
use super::{flipped, sealed_world, swapped, webhook, with};
use crate::expect::{refused, until};
use crate::wallet::{CUSTOM, backup_pairs, state_of};
use crate::world::World;

/// A server that cheats, or a client whose seal is not what it says: nothing is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_does_not_fit_is_not_taken() {
    let world = sealed_world().await;
    let wallet = world.wallet().await;
    let tap = Tap::start(&world.custodian).await;
    tap.does(Passing::Withhold);
    world.send_webhooks_to(&tap.url).await;
    for _ in 0..2 {
        let failed = wallet.portal.backup_wallet(CUSTOM).await;
        refused(failed, ErrorId::WebhookFailed, "withheld");
    }
    let bodies = tap.bodies("backup");
    let [body, other] = bodies.as_slice() else {
        panic!("expected the first call of each backup, seen {bodies:?}");
    };
    let parsed: StoreBackupShare = serde_json::from_value(body.clone()).expect("a body");
    assert!(parsed.sealed.is_some());
    let unknown = json!(uuid::Uuid::from_bytes([7; 16]));
    let theirs = |path: &str| with(body, path, other.pointer(path).expect(path).clone());
    let cases = [
        ("another client", with(body, "/clientId", unknown.clone())),
        ("another wallet", with(body, "/walletId", unknown.clone())),
        (
            "another pair",
            with(body, "/backupSharePairId", unknown.clone()),
        ),
        (
            "another pair on the other curve",
            with(body, "/sealed/backupSharePairIds/ed25519", unknown),
        ),
        ("swapped pairs", swapped(body, "/sealed/backupSharePairIds")),
        ("another curve", with(body, "/curve", json!("ED25519"))),
        ("another generation", with(body, "/generation", json!(99))),
        ("another part", theirs("/share")),
        ("another blind", theirs("/sealed/blind")),
        ("another point of the blind", theirs("/sealed/blind/point")),
        ("another point", theirs("/sealed/point")),
        (
            "a changed cipher text",
            flipped(body, "/sealed/blind/cipherText"),
        ),
        ("a changed key", flipped(body, "/sealed/blind/encapsulated")),
        (
            "a key that is not there",
            flipped(body, "/sealed/blind/keyId"),
        ),
        (
            "a short cipher text",
            with(body, "/sealed/blind/cipherText", json!("AAAA")),
        ),
        ("no part", with(body, "/share", json!("AAAA"))),
    ];
    for (what, case) in &cases {
        let answer = webhook(&world, "backup", case).await;
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        let stored =
            portal_custodian::CustodianStore::shares_of(world.shares.as_ref(), wallet.user.id);
        assert_eq!(
            stored.await.expect("read").len(),
            0,
            "{what}: nothing is stored"
        );
    }
    // The very thing is taken, again and again with the same receipt, and nothing else after it.
    let first = webhook(&world, "backup", body).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        webhook(&world, "backup", body).await,
        first,
        "the same receipt"
    );
    let taken = webhook(&world, "backup", &flipped(body, "/sealed/blind/cipherText")).await;
    assert!((400..500).contains(&taken.status), "{taken:?}");
    let mut plain = body.clone();
    plain.as_object_mut().expect("an object").remove("sealed");
    let taken = webhook(&world, "backup", &plain).await;
    assert_eq!(
        taken.id(),
        "BACKUP_MODE_MISMATCH",
        "the part itself: {taken:?}"
    );
}

/// Changes the server's database, as whoever can write to it would.
fn rewrite(world: &World, sql: &str) {
    let program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                   db.execute(sys.argv[2]); db.commit()";
    let done = std::process::Command::new("python3")
        .args(["-c", program])
        .arg(world.database())
        .arg(sql)
        .output()
        .expect("Python 3");
    assert!(done.status.success(), "{done:?}");
}

/// The outbox does not say in which mode a pair was made, nor with which blind: its record does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_the_outbox_that_contradicts_its_pair_is_not_sent() {
    let limits = Limits {
        outbox_interval: Duration::from_millis(50),
        ..Limits::default()
    };
    let rewritten = [
        "UPDATE outbox SET secp256k1_sealed_blind = NULL, ed25519_sealed_blind = NULL",
        // The first row gets the other's.
        "UPDATE outbox SET secp256k1_sealed_blind = (SELECT secp256k1_sealed_blind
         FROM outbox ORDER BY secp256k1_pair_id DESC LIMIT 1)",
    ];
    for sql in rewritten {
        let world = World::start_in(BackupMode::Sealed, limits).await;
        let wallet = world.wallet().await;
        let tap = Tap::start(&world.custodian).await;
        world.send_webhooks_to("http://127.0.0.1:1").await;
        for _ in 0..2 {
            let failed = wallet.portal.backup_wallet(CUSTOM).await;
            refused(failed, ErrorId::WebhookFailed, "down");
        }
        rewrite(&world, sql);
        world.send_webhooks_to(&tap.url).await;
        let (ids, _) = backup_pairs(&state_of(&wallet.portal).await)[0];
        let waiting = async || {
            let found = world.store().delivery(wallet.user.id, ids).await;
            found.expect("readable").expect("in the outbox").attempts
        };
        let before = waiting().await;
        world.clock.put_forward(Duration::from_secs(100));
        until("another attempt", async || {
            (waiting().await > before).then_some(())
        })
        .await;
        let id = json!(ids.secp256k1);
        let sent = tap.bodies("backup");
        let sent = sent.iter().any(|body| body["backupSharePairId"] == id);
        assert!(!sent, "{sql}: nothing of it is sent");
    }
}
