//! Sealed backups: what everybody sees, what everybody may try, and what is left then.

mod loot;
mod looted;
mod parts;
mod tap;
mod windows;

use portal_api::Base64Bytes;
use portal_api::sealed::PinnedSealingKey;
use portal_api::session::Operation;
use portal_api::webhook::SECRET_HEADER;
use portal_custodian::{RecoveryPolicy, RecoveryStore as _};
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus};
use portal_sdk::{ErrorId, Portal};
use portal_seal::recipient::OpeningKey;
use portal_server::Limits;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::raw::Raw;
use crate::rest::Answer;
use crate::wallet::{CUSTOM, Wallet, backup_statuses, signing_pairs, state_of};
use crate::webhook_in_backup::shares_of;
use crate::world::{WEBHOOK_SECRET, World, builder_at};

async fn sealed_world() -> World {
    World::start_in(BackupMode::Sealed, Limits::default()).await
}

/// A call of Portal's to the customer's backend.
async fn webhook(world: &World, path: &str, body: &Value) -> Answer {
    let answer = reqwest::Client::new()
        .post(format!("{}/{path}", world.custodian))
        .header(SECRET_HEADER, WEBHOOK_SECRET)
        .json(body)
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("a body");
    Answer {
        status,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

/// Another backend's key: nobody here opens what is sealed to it.
fn foreign_key() -> PinnedSealingKey {
    let key = OpeningKey::from_bytes(Zeroizing::new([9; 32]));
    PinnedSealingKey(key.public().expect("a key").0)
}

/// Changes one field of a body, wherever it lies.
fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut changed = body.clone();
    *changed.pointer_mut(path).expect(path) = value;
    changed
}

/// The same bytes, with one of them changed.
fn flipped(body: &Value, path: &str) -> Value {
    let text = body.pointer(path).and_then(Value::as_str).expect(path);
    let mut bytes = Base64Bytes::parse(text).expect("base64url");
    let last = bytes.0.last_mut().expect("a byte");
    *last ^= 1;
    with(body, path, json!(bytes))
}

fn swapped(body: &Value, path: &str) -> Value {
    let pair = body.pointer(path).expect(path).clone();
    with(
        body,
        path,
        json!({ "secp256k1": pair["ed25519"], "ed25519": pair["secp256k1"] }),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_backup_recovers_when_the_apps_backend_says_so() {
    let world = sealed_world().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let given = shares_of(&world, &wallet).await;
    assert_eq!(
        given, [""; 0],
        "a share that was formed there is not given out"
    );
    let checked = wallet.portal.check_backup(CUSTOM, &text).await;
    granted(checked, "both sides prove what they hold");

    let tablet = world.fresh_device(&wallet.user).await;
    let closed = tablet.recover_wallet(CUSTOM, &text).await;
    refused(closed, ErrorId::RecoveryNotOpen, "nobody opened a recovery");
    let (other, _) = world.backed_up_wallet().await;
    tablet.take_recovery_ticket(world.open_recovery(&other.user).await);
    let closed = tablet.recover_wallet(CUSTOM, &text).await;
    refused(
        closed,
        ErrorId::RecoveryNotOpen,
        "another client's recovery",
    );
    wallet.assert_phone_signs(&world, "meanwhile").await;

    tablet.take_recovery_ticket(world.open_recovery(&wallet.user).await);
    let uses = RecoveryPolicy::default().uses;
    for _ in 0..uses {
        granted(
            tablet.recover_wallet(CUSTOM, &text).await,
            "within the window",
        );
    }
    assert_signs(&tablet, &wallet.keys, "recovered").await;
    let used_up = tablet.recover_wallet(CUSTOM, &text).await;
    refused(used_up, ErrorId::RecoveryNotOpen, "used up");
    let windows = world.shares.recoveries(wallet.user.id).await.expect("read");
    assert_eq!((windows.len(), windows[0].uses), (1, uses), "recorded");
    // A newer backup of the recovered device, in the same mode.
    world.back_up(&wallet.user, &tablet).await;
    world.assert_recovers(&wallet, "by the newer backup").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_a_backup_in_another_mode_than_both_expect() {
    let world = sealed_world().await;
    let mut wallet = world.wallet().await;
    let portal = async |wallet: &Wallet, world: &World| {
        world.portal(&wallet.user, wallet.phone.clone()).await
    };
    wallet.user.sealing_key = None;
    let unpinned = portal(&wallet, &world).await;
    let differs = ErrorId::BackupModeMismatch;
    let made = unpinned.backup_wallet(CUSTOM).await;
    refused(made, differs, "no key to seal to");
    // A client that asks for a plain one all the same.
    let (ids, _) = signing_pairs(&state_of(&unpinned).await)[0];
    let mut raw = Raw::open(world.url(), &wallet.user.token).await;
    raw.start(Operation::Backup {
        backup_method: BackupMethod::Custom,
        backup_mode: BackupMode::Plain,
        signing_share_pair_ids: ids,
    })
    .await;
    assert_eq!(raw.hear_problem().await.id, differs);

    // A server that says "plain": to an app that chose nothing, and to one that pins a key.
    let plain = World::start().await;
    let mut wallet = plain.wallet().await;
    let undecided = Portal::builder(plain.url(), &wallet.user.token, wallet.phone.clone())
        .backup_storage(BackupMethod::Custom, wallet.user.storage.clone());
    let undecided = granted(undecided.build().await, "starting the SDK");
    let made = undecided.backup_wallet(CUSTOM).await;
    refused(made, differs, "the mode is the app's choice");
    wallet.user.sealing_key = Some(plain.sealing_key);
    let pinned = portal(&wallet, &plain).await;
    let made = pinned.backup_wallet(CUSTOM).await;
    refused(made, differs, "the server would see the share");
    assert_eq!(backup_statuses(&state_of(&pinned).await), []);
}

/// The custodian refuses: `PENDING` stays, the former backup is in force, and the reason is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_to_another_key_leaves_the_former_backup() {
    let world = sealed_world().await;
    let (mut wallet, _) = world.backed_up_wallet().await;
    wallet.user.sealing_key = Some(foreign_key());
    let phone = world.portal(&wallet.user, wallet.phone.clone()).await;
    let failed = phone.backup_wallet(CUSTOM).await;
    let error = refused(failed, ErrorId::WebhookFailed, "sealed to another key");
    let told = error.to_string();
    assert!(told.contains("SEALING_KEY_UNKNOWN"), "seen {told}");
    let expected = [BackupStatus::StoredClientBackupShare, BackupStatus::Pending];
    assert_eq!(backup_statuses(&state_of(&phone).await), expected);
    wallet.user.sealing_key = Some(world.sealing_key);
    world.assert_recovers(&wallet, "by the former backup").await;
}

/// The server says that the custodian holds its shares. The device wants the custodian's own word,
/// given for this session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_does_not_take_the_servers_word_for_the_custodian() {
    let world = sealed_world().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let built = builder_at(&proxy.url, &wallet.user, wallet.phone.clone()).build();
    let portal = granted(built.await, "starting the SDK");
    let mismatch = ErrorId::BackupShareMismatch;
    for place in [
        // Another name of the field: no proofs at all.
        "\"proo",
        "\"proofs\":{\"secp256k1\":\"",
        "\"ed25519\":\"",
    ] {
        let alter = |frame| {
            let done = Place::Frame(Side::Server, frame);
            proxy.set(done, Deed::AlterAfter(place));
        };
        alter(6);
        refused(portal.backup_wallet(CUSTOM).await, mismatch, place);
        assert!(proxy.has_sprung(), "{place}");
        alter(2);
        let checked = portal.check_backup(CUSTOM, &text).await;
        refused(checked, mismatch, place);
        assert!(proxy.has_sprung(), "{place}");
    }
    granted(portal.check_backup(CUSTOM, &text).await, "as it was said");
    world.assert_recovers(&wallet, "by the former backup").await;
}
