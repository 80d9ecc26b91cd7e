//! What Portal and the user's cloud hold together, searched for the key.

use portal_lifecycle::BackupMode;
use portal_sdk::{ErrorId, Portal};
use portal_server::Limits;

use super::loot;
use super::tap::{Passing, Tap};
use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::proxy::Proxy;
use crate::wallet::{CUSTOM, Wallet};
use crate::world::{World, builder_at};

/// A wallet's life, tapped everywhere but at the custodian.
async fn looted(mode: BackupMode, log: &loot::Log) -> (World, Wallet, loot::Loot) {
    let world = World::start_in(mode, Limits::default()).await;
    let mut loot = loot::Loot::default();
    let proxy = Proxy::start(world.url()).await;
    let tap = Tap::start(&world.custodian).await;
    let mut wallet = world.wallet().await;
    let device = async |keychain| -> Portal {
        let built = builder_at(&proxy.url, &wallet.user, keychain).build().await;
        granted(built, "starting the SDK")
    };
    let phone = device(wallet.phone.clone()).await;
    // The outbox as it is before it is erased.
    world.send_webhooks_to("http://127.0.0.1:1").await;
    let down = ErrorId::WebhookFailed;
    refused(phone.backup_wallet(CUSTOM).await, down, "down");
    loot.take_outbox(&world, &wallet).await;
    world.send_webhooks_to(&tap.url).await;
    // And of the backup that is completed.
    tap.does(Passing::Hold);
    let look = async {
        tap.held().await;
        loot.take_outbox(&world, &wallet).await;
        loot.take_files(&world);
        tap.release();
    };
    let (text, ()) = tokio::join!(world.back_up(&wallet.user, &phone), look);
    let ticket = world.open_recovery(&wallet.user).await;
    let tablet = device(std::sync::Arc::new(portal_keychain::MemoryKeychain::new())).await;
    tablet.take_recovery_ticket(ticket);
    granted(tablet.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&tablet, &wallet.keys, "recovered").await;
    loot.take_database(&world, &wallet, &tablet).await;
    loot.take_texts(&tap.everything());
    for heard in proxy.everything() {
        loot.take(&heard);
    }
    loot.take_files(&world);
    loot.take_texts(&[log.taken()]);
    loot.take_cloud(&wallet, &text);
    wallet.portal = tablet;
    (world, wallet, loot)
}

/// All that Portal ever held or said, and the user's cloud, are not the key; in plain mode they
/// are, and with the customer's own storage they are too.
#[test]
fn the_server_and_the_users_cloud_together_are_not_the_key() {
    if !loot::is_alone() {
        loot::run_alone("sealed::looted::the_server_and_the_users_cloud_together_are_not_the_key");
        return;
    }
    let log = loot::Log::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(the_key_is_sought(&log));
}

async fn the_key_is_sought(log: &loot::Log) {
    let (_world, wallet, loot) = looted(BackupMode::Plain, log).await;
    assert_eq!(
        loot.finds(&wallet.keys),
        [true, true],
        "plain: the search finds the key"
    );

    let (world, wallet, mut loot) = looted(BackupMode::Sealed, log).await;
    assert!(
        loot.shares() >= [4, 4],
        "it holds shares: {:?}",
        loot.shares()
    );
    assert_eq!(
        loot.finds(&wallet.keys),
        [false, false],
        "sealed: it does not"
    );
    loot.take_custodian(&world, &wallet).await;
    assert_eq!(
        loot.finds(&wallet.keys),
        [true, true],
        "with the custodian's store"
    );
}
