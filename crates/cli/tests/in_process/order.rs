//! Operations that come too early, twice, or on the wrong device.

use portal_api::session::Operation;
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMode, Curve, PerCurve};
use portal_sdk::ErrorId;
use uuid::Uuid;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::raw::Raw;
use crate::wallet::{CUSTOM, backup_pairs, state_of};
use crate::world::{World, allow_raw_signing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_works_before_the_wallet_is_made_and_then_it_is_made_once() {
    let world = World::start().await;
    let user = world.user().await;
    let portal = world.fresh_device(&user).await;
    let digest = [7; 32];

    let early = ErrorId::WalletNotFound;
    refused(
        portal.raw_sign(Curve::Secp256k1, &digest).await,
        early,
        "sign",
    );
    refused(portal.raw_sign(Curve::Ed25519, b"m").await, early, "sign");
    refused(portal.backup_wallet(CUSTOM).await, early, "backup");
    refused(portal.refresh_wallet().await, early, "refresh");
    refused(portal.addresses().await, early, "addresses");
    let early = ErrorId::BackupNotComplete;
    refused(portal.recover_wallet(CUSTOM, "-").await, early, "recover");
    assert!(!granted(portal.does_wallet_exist().await, "state"));

    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;
    assert_signs(&portal, &keys, "after the early calls").await;

    let exists = ErrorId::WalletAlreadyExists;
    refused(portal.create_wallet().await, exists, "on the same device");
    let other = world.fresh_device(&user).await;
    refused(other.create_wallet().await, exists, "on another device");
    // The server refuses by itself as well, whatever a client believes.
    let mut raw = Raw::open(world.url(), &user.token).await;
    raw.start(Operation::Generate).await;
    assert_eq!(raw.hear_problem().await.id, exists, "by hand");
    assert_eq!(Keys::of(&portal).await, keys, "the key stays");
    assert_signs(&portal, &keys, "after the second creation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_without_a_share_neither_signs_nor_backs_up_nor_refreshes() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let other = world.fresh_device(&wallet.user).await;
    let absent = ErrorId::SigningShareNotOnDevice;
    refused(
        other.raw_sign(Curve::Secp256k1, &[7; 32]).await,
        absent,
        "sign",
    );
    refused(other.raw_sign(Curve::Ed25519, b"m").await, absent, "sign");
    refused(other.backup_wallet(CUSTOM).await, absent, "backup");
    refused(other.refresh_wallet().await, absent, "refresh");
    refused(other.addresses().await, absent, "addresses");
    assert!(!granted(other.is_wallet_on_device().await, "state"));
    assert!(granted(wallet.portal.is_wallet_on_device().await, "state"));
    wallet.assert_phone_signs(&world, "on the phone").await;
}

/// E19: only a backup that was confirmed is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_needs_a_backup_that_was_completed() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let device = world.fresh_device(&wallet.user).await;
    let none = ErrorId::BackupNotComplete;
    refused(device.recover_wallet(CUSTOM, "-").await, none, "no backup");
    recovery_is_refused_by_the_server(&world, &wallet.user.token, Uuid::nil()).await;

    let made = granted(wallet.portal.backup_wallet(CUSTOM).await, "backing up");
    let text = made.cipher_text.as_str();
    refused(
        device.recover_wallet(CUSTOM, text).await,
        none,
        "unconfirmed",
    );
    let id = made.backup_share_pair_ids.secp256k1.0;
    recovery_is_refused_by_the_server(&world, &wallet.user.token, id).await;
    assert!(!granted(device.is_wallet_recoverable().await, "state"));
    wallet.assert_phone_signs(&world, "no backup yet").await;

    world.store_cipher_text(&wallet.user, text).await;
    granted(made.confirm().await, "completing the backup");
    assert!(granted(device.is_wallet_recoverable().await, "state"));
    world.assert_recovers(&wallet, "completed").await;
}

async fn recovery_is_refused_by_the_server(world: &World, token: &str, id: Uuid) {
    let mut raw = Raw::open(world.url(), token).await;
    let backup_share_pair_ids = PerCurve::new(BackupSharePairId(id), BackupSharePairId(id));
    raw.start(Operation::Recover {
        backup_share_pair_ids,
        blinded: None,
    })
    .await;
    let problem = raw.hear_problem().await;
    assert_eq!(problem.id, ErrorId::BackupNotComplete, "{problem:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_without_a_webhook_is_refused_before_anything_is_made() {
    let world = World::start().await;
    let customer = world
        .operator()
        .create_custodian("No webhook", "test", None, BackupMode::Plain)
        .await
        .expect("a customer");
    allow_raw_signing(&world.operator(), &customer).await;
    let user = world.user_of(&customer.api_key).await;
    let portal = world.fresh_device(&user).await;
    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;
    let unset = ErrorId::WebhookNotConfigured;
    refused(portal.backup_wallet(CUSTOM).await, unset, "no webhook");
    let pairs = backup_pairs(&state_of(&portal).await);
    assert!(pairs.is_empty(), "expected no pair, seen {pairs:?}");
    assert_signs(&portal, &keys, "without a webhook").await;
}
