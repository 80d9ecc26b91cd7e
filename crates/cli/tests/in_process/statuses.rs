//! What `GET /api/v3/clients/me` shows after each step of the lifecycle.

use std::sync::Arc;

use portal_api::rest::ClientState;
use portal_keychain::MemoryKeychain;
use portal_lifecycle::{BackupMethod, BackupStatus, SigningStatus};
use portal_sdk::{Backup, ErrorId, Password, Portal};
use reqwest::Method;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::faulty::{Fault, FaultyKeychain, FullStorage};
use crate::receiver::slamming;
use crate::wallet::{CUSTOM, backup_statuses, signing_statuses, state_of};
use crate::world::World;

const DATABASE: SigningStatus = SigningStatus::StoredDatabase;
const CLIENT: SigningStatus = SigningStatus::StoredClient;
const OLD: SigningStatus = SigningStatus::Superseded;

const PENDING: BackupStatus = BackupStatus::Pending;
const CUSTODIAN: BackupStatus = BackupStatus::StoredCustodianBackupShare;
const KEY: BackupStatus = BackupStatus::StoredClientBackupShareKey;
const COMPLETE: BackupStatus = BackupStatus::StoredClientBackupShare;
const OVERTAKEN: BackupStatus = BackupStatus::Superseded;

#[track_caller]
fn shows(state: &ClientState, signing: &[SigningStatus], backup: &[BackupStatus], when: &str) {
    assert_eq!(signing_statuses(state), signing, "{when}: signing pairs");
    assert_eq!(backup_statuses(state), backup, "{when}: backup pairs");
    let is_backed_up = backup.contains(&COMPLETE);
    assert_eq!(state.is_backed_up, is_backed_up, "{when}: isBackedUp");
    // P1: a key and addresses, exactly while there is a pair that both sides hold.
    let is_held = signing.contains(&CLIENT);
    let keys = state
        .wallets
        .iter()
        .filter(|wallet| wallet.public_key.is_some());
    let named = &state.metadata.namespaces;
    let named = [&named.eip155, &named.solana, &named.bip122];
    let named = named.map(|name| name.is_some());
    assert_eq!(keys.count(), if is_held { 2 } else { 0 }, "{when}: keys");
    assert_eq!(named, [is_held; 3], "{when}: addresses");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signing_pairs_of_a_life() {
    let world = World::start().await;
    let user = world.user().await;
    let phone = Arc::new(MemoryKeychain::new());

    // Self-test, device id, and then the share, which is not stored.
    let full = FaultyKeychain::new(Arc::clone(&phone), 3, Fault::Lost);
    let portal = world.portal(&user, Arc::clone(&full) as _).await;
    let state = state_of(&portal).await;
    assert!(state.wallets.is_empty(), "nothing yet: {state:?}");
    shows(&state, &[], &[], "before anything");
    let failed = ErrorId::KeychainWriteFailed;
    refused(portal.create_wallet().await, failed, "a full keychain");
    assert!(full.has_failed());
    shows(
        &state_of(&portal).await,
        &[DATABASE],
        &[],
        "before the confirmation",
    );
    let raw = world
        .call(Method::GET, "/api/v3/clients/me", &user.token, None)
        .await;
    let wallet = raw.body.pointer("/wallets/0").expect("a wallet");
    assert_eq!(
        wallet.get("publicKey"),
        Some(&serde_json::Value::Null),
        "{raw:?}"
    );
    assert_eq!(
        raw.body.pointer("/metadata/namespaces"),
        Some(&serde_json::json!({}))
    );

    granted(portal.create_wallet().await, "again");
    let made = [DATABASE, CLIENT];
    shows(
        &state_of(&portal).await,
        &made,
        &[],
        "after the confirmation",
    );

    granted(portal.refresh_wallet().await, "refreshing");
    let refreshed = [DATABASE, OLD, CLIENT];
    shows(&state_of(&portal).await, &refreshed, &[], "after a refresh");

    let text = world.back_up(&user, &portal).await;
    let tablet = world.fresh_device(&user).await;
    granted(tablet.recover_wallet(CUSTOM, &text).await, "recovering");
    let recovered = [DATABASE, OLD, OLD, CLIENT];
    shows(
        &state_of(&tablet).await,
        &recovered,
        &[COMPLETE],
        "after a recovery",
    );
    assert_signs(&tablet, &Keys::of(&tablet).await, "then").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backup_pairs_of_a_life() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let portal = &wallet.portal;
    let see = async |backup: &[BackupStatus], when: &str| {
        let state = state_of(portal).await;
        shows(&state, &[CLIENT], backup, when);
        state
    };
    let made = granted(portal.backup_wallet(CUSTOM).await, "backing up");
    let state = see(&[KEY], "the key is stored").await;
    let method = state.wallets[0].backup_share_pairs[0].backup_method;
    assert_eq!(method, BackupMethod::Custom);
    granted(made.confirm().await, "confirming");
    see(&[COMPLETE], "complete").await;

    // A password has no key to be stored.
    let password = Backup::Password(Password::new("a password").expect("not empty"));
    let made = granted(portal.backup_wallet(password).await, "backing up");
    see(&[COMPLETE, CUSTODIAN], "the second one is made").await;
    granted(made.confirm().await, "confirming");
    let state = see(&[OVERTAKEN, COMPLETE], "the second one is complete").await;
    let method = state.wallets[1].backup_share_pairs[1].backup_method;
    assert_eq!(method, BackupMethod::Password);
    let methods = portal.available_recovery_methods().await;
    assert_eq!(granted(methods, "state"), [BackupMethod::Password]);

    world.send_webhooks_to(&slamming().await).await;
    let down = ErrorId::WebhookFailed;
    refused(portal.backup_wallet(CUSTOM).await, down, "no backend");
    see(&[OVERTAKEN, COMPLETE, PENDING], "undelivered").await;
    wallet.assert_phone_signs(&world, "in the end").await;
}

/// The key does not get into the user's storage: the former backup stays in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_storage_leaves_the_former_backup() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let full = Arc::new(FullStorage(portal_sdk::MemoryStorage::new()));
    let phone = Arc::clone(&wallet.phone);
    let portal = Portal::builder(world.url(), &wallet.user.token, phone)
        .backup_storage(BackupMethod::ICloud, full)
        .plain_backups();
    let portal = granted(portal.build().await, "starting the SDK");
    let made = portal
        .backup_wallet(Backup::Stored(BackupMethod::ICloud))
        .await;
    refused(made, ErrorId::BackupStorageUnavailable, "a full storage");
    let statuses = [COMPLETE, CUSTODIAN];
    shows(
        &state_of(&portal).await,
        &[CLIENT],
        &statuses,
        "a full storage",
    );
    world.assert_recovers(&wallet, "by the former backup").await;
}
