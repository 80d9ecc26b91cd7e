//! Several devices: lost, found, cloned, rolled back, and at the same time.

use std::sync::Arc;

use portal_api::session::{Operation, Wanted};
use portal_keychain::{Keychain, MemoryKeychain};
use portal_lifecycle::{BackupMethod, BackupMode, Curve};
use portal_sdk::{ErrorId, Portal};
use portal_server::Limits;
use tokio::sync::oneshot;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused, until};
use crate::faulty::{copy_of, entries};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::raw::Raw;
use crate::wallet::{CUSTOM, Wallet, signing_pairs, state_of};
use crate::world::{World, builder_at};

/// E6, E8: whoever stole the old phone cannot use, nor renew, nor back up what is on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_device_is_refused_and_loses_nothing() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let new = world.assert_recovers(&wallet, "on the new device").await;
    let before = shares(&*wallet.phone).await;

    for restarted in [false, true] {
        let portal = if restarted {
            world
                .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
                .await
        } else {
            world
                .portal(&wallet.user, copy_of(&*wallet.phone).await)
                .await
        };
        assert_is_superseded(&portal).await;
    }
    // The portal that ran all the while, and never heard of it.
    assert_is_superseded(&wallet.portal).await;
    the_server_refuses_the_old_pair(&world, &wallet).await;
    assert_eq!(
        shares(&*wallet.phone).await,
        before,
        "the old share is kept"
    );
    assert_signs(&new, &wallet.keys, "the new device goes on").await;

    // The user finds the phone again, and moves back.
    let text = world
        .stored_cipher_text(&wallet.user, BackupMethod::Custom)
        .await;
    let back = wallet.portal.recover_wallet(CUSTOM, &text).await;
    granted(back, "recovering on the old device");
    assert_signs(&wallet.portal, &wallet.keys, "back on the old device").await;
    assert_is_superseded(&new).await;
}

async fn assert_is_superseded(portal: &Portal) {
    let old = ErrorId::SigningShareSuperseded;
    refused(
        portal.raw_sign(Curve::Secp256k1, &[7; 32]).await,
        old,
        "sign",
    );
    refused(portal.raw_sign(Curve::Ed25519, b"m").await, old, "sign");
    refused(portal.refresh_wallet().await, old, "refresh");
    refused(portal.backup_wallet(CUSTOM).await, old, "backup");
    assert!(!granted(portal.is_wallet_on_device().await, "state"));
}

/// The guards are the server's: a thief does not run our SDK.
async fn the_server_refuses_the_old_pair(world: &World, wallet: &Wallet) {
    let state = state_of(&wallet.portal).await;
    let (old, _) = *signing_pairs(&state).first().expect("the first pair");
    let operations = [
        Operation::Refresh {
            signing_share_pair_ids: old,
        },
        Operation::Backup {
            backup_method: BackupMethod::Password,
            backup_mode: BackupMode::Plain,
            signing_share_pair_ids: old,
        },
        Operation::Sign {
            curve: Curve::Ed25519,
            signing_share_pair_id: old.ed25519,
            wanted: Wanted::raw(vec![1]),
        },
    ];
    for operation in operations {
        let what = format!("{operation:?}");
        let mut raw = Raw::open(world.url(), &wallet.user.token).await;
        raw.start(operation).await;
        let problem = raw.hear_problem().await;
        assert_eq!(problem.id, ErrorId::SigningShareSuperseded, "{what}");
    }
}

/// The entries that hold shares.
async fn shares(keychain: &dyn Keychain) -> Vec<(String, Vec<u8>)> {
    let entries = entries(keychain).await.into_iter();
    entries
        .filter(|(name, _)| name.as_str().starts_with("signing."))
        .map(|(name, secret)| (name.to_string(), secret.expose().to_vec()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_restored_from_an_old_copy_is_superseded_and_recovers() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let copy = copy_of(&*wallet.phone).await;
    granted(wallet.portal.refresh_wallet().await, "refreshing");
    assert_signs(&wallet.portal, &wallet.keys, "after the refresh").await;

    let restored = world.portal(&wallet.user, copy).await;
    assert_is_superseded(&restored).await;
    granted(restored.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&restored, &wallet.keys, "after the recovery").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloned_device_signs_until_one_of_the_two_refreshes() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let clone = world
        .portal(&wallet.user, copy_of(&*wallet.phone).await)
        .await;
    assert_signs(&clone, &wallet.keys, "the clone").await;
    assert_signs(&wallet.portal, &wallet.keys, "the phone").await;
    granted(clone.refresh_wallet().await, "refreshing the clone");
    assert_is_superseded(&wallet.portal).await;
    assert_signs(&clone, &wallet.keys, "the clone, refreshed").await;
}

/// E1: one device at a time; the other is told which one holds the wallet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_devices_at_once_the_second_waits() {
    let world = World::start().await;
    let user = world.user().await;
    let mut first = Raw::open(world.url(), &user.token).await;
    first.start(Operation::Generate).await;
    first.hear_started().await;

    let second = world.fresh_device(&user).await;
    let held = refused(
        second.create_wallet().await,
        ErrorId::OperationInProgress,
        "while the first one generates",
    );
    assert_names_holder(held.detail(), &first);
    assert!(held.is_retryable(), "expected retryable, seen {held:?}");

    drop(first);
    granted(once_free(&second, Action::Create).await, "alone again");
    let keys = Keys::of(&second).await;
    assert_signs(&second, &keys, "the second device's wallet").await;

    let text = world.back_up(&user, &second).await;
    let parsed = portal_backup::CipherText::parse(&text).expect("a cipher text");
    let mut first = Raw::open(world.url(), &user.token).await;
    first
        .start(Operation::Recover {
            backup_share_pair_ids: parsed.header().subject.backup_share_pair_ids,
            blinded: None,
        })
        .await;
    first.hear_started().await;
    let held = ErrorId::OperationInProgress;
    let third = world.portal(&user, Arc::new(MemoryKeychain::new())).await;
    for refusal in [
        refused(third.recover_wallet(CUSTOM, &text).await, held, "recover"),
        refused(second.refresh_wallet().await, held, "refresh"),
        refused(second.backup_wallet(CUSTOM).await, held, "backup"),
    ] {
        assert_names_holder(refusal.detail(), &first);
    }
    assert_signs(&second, &keys, "signing needs no lease").await;
    drop(first);
    granted(once_free(&third, Action::Recover(text)).await, "recovering");
    assert_signs(&third, &keys, "the third device").await;
}

fn assert_names_holder(detail: &str, holder: &Raw) {
    let id = holder.device_id.to_string();
    assert!(detail.contains(&id), "expected {id} in {detail:?}");
}

enum Action {
    Create,
    Recover(String),
}

/// The server notices in its own time that the holder is gone.
async fn once_free(portal: &Portal, action: Action) -> Result<(), portal_sdk::Error> {
    let action = &action;
    until("the lease to be given back", || async move {
        let outcome = match action {
            Action::Create => portal.create_wallet().await.map(|_| ()),
            Action::Recover(text) => portal.recover_wallet(CUSTOM, text).await.map(|_| ()),
        };
        match outcome {
            Err(error) if error.id() == ErrorId::OperationInProgress => None,
            outcome => Some(outcome),
        }
    })
    .await
}

/// E2: whose lease was taken over commits nothing, however far it had come: neither under the
/// lease of the device that took over, nor after that one is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_overtaken_commits_nothing() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let (first, phone) = held_back(&world, &wallet, Arc::clone(&wallet.phone)).await;
    let (second, tablet) = held_back(&world, &wallet, Arc::default()).await;
    let (ended, has_ended) = oneshot::channel();
    let (overtaken, recovered) = tokio::join!(
        async {
            let overtaken = phone.recover_wallet(CUSTOM, &text).await;
            ended.send(()).expect("somebody waits");
            overtaken
        },
        async {
            first.held().await;
            world.clock.put_forward(Limits::default().session_timeout);
            let taking_over = tablet.recover_wallet(CUSTOM, &text);
            let (recovered, ()) = tokio::join!(taking_over, async {
                second.held().await;
                first.release();
                has_ended.await.expect("the phone's answer");
                second.release();
            });
            recovered
        }
    );
    let in_progress = ErrorId::OperationInProgress;
    refused(overtaken, in_progress, "while the other one works");
    granted(recovered, "who took over");
    assert_signs(&tablet, &wallet.keys, "who took over").await;

    let (first, tablet) = held_back(&world, &wallet, Arc::default()).await;
    let (overtaken, ()) = tokio::join!(tablet.recover_wallet(CUSTOM, &text), async {
        first.held().await;
        world.clock.put_forward(Limits::default().session_timeout);
        world.assert_recovers(&wallet, "taking over").await;
        first.release();
    });
    refused(overtaken, in_progress, "after the other one was done");
    let pairs = signing_pairs(&state_of(&tablet).await);
    assert_eq!(pairs.len(), 3, "the first one and two recovered: {pairs:?}");
    world.assert_recovers(&wallet, "in the end").await;
}

/// A device whose last message, with which the server would commit, is held back.
async fn held_back(
    world: &World,
    wallet: &Wallet,
    keychain: Arc<MemoryKeychain>,
) -> (Proxy, Portal) {
    let proxy = Proxy::start(world.url()).await;
    let portal = builder_at(&proxy.url, &wallet.user, keychain).build().await;
    proxy.set(Place::Frame(Side::Client, 4), Deed::Hold);
    (proxy, granted(portal, "starting the SDK"))
}
