//! A server that stops, goes back in time, or waits for a client that says nothing.

use std::sync::Arc;
use std::time::Duration;

use portal_api::session::{Operation, Wanted};
use portal_keychain::{Keychain, MemoryKeychain};
use portal_lifecycle::{Curve, SigningStatus};
use portal_sdk::ErrorId;
use portal_server::Limits;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, one_of, refused};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::raw::Raw;
use crate::wallet::{CUSTOM, signing_pairs, signing_statuses, state_of};
use crate::world::{World, builder_at};

/// The server is stopped between two messages of a Generate, and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stopped_during_a_session_is_found_again() {
    let mut world = World::start().await;
    let proxy = Proxy::start(world.url()).await;
    let user = world.user().await;
    let phone = Arc::new(MemoryKeychain::new());
    let portal = builder_at(&proxy.url, &user, Arc::clone(&phone) as _);
    let portal = granted(portal.build().await, "starting the SDK");
    proxy.set(Place::Frame(Side::Client, 3), Deed::Hold);
    let (created, ()) = tokio::join!(portal.create_wallet(), async {
        proxy.held().await;
        world.stop_server().await;
        proxy.release();
    });
    let ended = [ErrorId::WsClosed, ErrorId::Unavailable];
    let error = one_of(created, &ended, "stopped during the session");
    assert!(error.is_retryable(), "expected retryable, seen {error:?}");
    let down = ErrorId::Unavailable;
    refused(portal.create_wallet().await, down, "while it is stopped");
    refused(portal.does_wallet_exist().await, down, "not a \"no\"");
    refused(portal.raw_sign(Curve::Ed25519, b"m").await, down, "signing");

    world.start_server_again().await;
    proxy.lead_to(world.url());
    granted(portal.create_wallet().await, "started again");
    let keys = Keys::of(&portal).await;
    assert_signs(&portal, &keys, "started again").await;
}

/// A stopped server's leases end by themselves: another device need not know of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_of_a_stopped_server_ends() {
    let mut world = World::start_with(Limits {
        drain_timeout: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let user = world.user().await;
    let mut first = Raw::open(world.url(), &user.token).await;
    first.start(Operation::Generate).await;
    first.hear_started().await;
    world.stop_server().await;
    assert_eq!(
        first.hear_problem().await.id,
        ErrorId::Unavailable,
        "stopped"
    );
    world.start_server_again().await;
    world.clock.put_forward(Limits::default().session_timeout);
    let second = world.fresh_device(&user).await;
    granted(second.create_wallet().await, "on another device");
    assert_signs(&second, &Keys::of(&second).await, "then").await;
}

/// Stopped after the client has stored its share, before it could confirm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stopped_before_the_confirmation_takes_it_later() {
    let mut world = World::start().await;
    let proxy = Proxy::start(world.url()).await;
    let user = world.user().await;
    let phone = Arc::new(MemoryKeychain::new());
    let keychain = Arc::clone(&phone) as Arc<dyn Keychain>;
    let portal = builder_at(&proxy.url, &user, keychain).build().await;
    let portal = granted(portal, "starting the SDK");
    let confirm = "patch /api/v3/clients/me/signing-share-pairs";
    proxy.set(Place::Request(confirm), Deed::Hold);
    let (created, ()) = tokio::join!(portal.create_wallet(), async {
        proxy.held().await;
        world.stop_server().await;
        proxy.release();
    });
    refused(created, ErrorId::Unavailable, "stopped");
    world.start_server_again().await;
    let portal = world.portal(&user, phone).await;
    let statuses = signing_statuses(&state_of(&portal).await);
    assert_eq!(statuses, [SigningStatus::StoredClient], "confirmed");
    assert_signs(&portal, &Keys::of(&portal).await, "confirmed").await;
}

/// E12: a time-out is no strike, and what a silent client holds is given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_client_is_timed_out() {
    let world = World::start_with(Limits {
        // Long enough for an honest client on a busy machine.
        frame_timeout: Duration::from_secs(8),
        ..Limits::default()
    })
    .await;
    let wallet = world.wallet().await;
    let pair = signing_pairs(&state_of(&wallet.portal).await)[0].0;
    let mut nothing = Raw::open(world.url(), &wallet.user.token).await;
    let mut refresh = Raw::open(world.url(), &wallet.user.token).await;
    refresh
        .start(Operation::Refresh {
            signing_share_pair_ids: pair,
        })
        .await;
    refresh.hear_started().await;
    let mut sign = Raw::open(world.url(), &wallet.user.token).await;
    sign.start(Operation::Sign {
        curve: Curve::Secp256k1,
        signing_share_pair_id: pair.secp256k1,
        wanted: Wanted::raw(vec![7; 32]),
    })
    .await;
    for raw in [&mut nothing, &mut refresh, &mut sign] {
        assert_eq!(raw.hear_problem().await.id, ErrorId::WsTimeout);
    }
    let statuses = signing_statuses(&state_of(&wallet.portal).await);
    assert_eq!(statuses, [SigningStatus::StoredClient], "no strike");
    assert_signs(&wallet.portal, &wallet.keys, "after the time-outs").await;
    granted(
        wallet.portal.refresh_wallet().await,
        "the lease is given back",
    );
    assert_signs(&wallet.portal, &wallet.keys, "refreshed").await;
}

/// P3: Portal's database goes back to an older state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_rolled_back_behind_a_refresh_loses_no_wallet() {
    let mut world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    world.stop_server().await;
    world.save_database();
    world.start_server_again().await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    granted(phone.refresh_wallet().await, "refreshing");
    assert_signs(&phone, &wallet.keys, "refreshed").await;

    world.stop_server().await;
    world.roll_database_back();
    world.start_server_again().await;
    let statuses = signing_statuses(&state_of(&world.fresh_device(&wallet.user).await).await);
    assert_eq!(
        statuses,
        [SigningStatus::StoredClient],
        "as if never refreshed"
    );
    wallet.assert_phone_signs(&world, "rolled back").await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    // The server counts from the older generation again. What lies under that number on the
    // phone may be in force once more when the newer database comes back: it is left alone.
    let taken = phone.refresh_wallet().await;
    refused(taken, ErrorId::KeychainWriteFailed, "its number is taken");
    assert_signs(&phone, &wallet.keys, "all the same").await;
    granted(phone.refresh_wallet().await, "refreshing once more");
    assert_signs(&phone, &wallet.keys, "refreshed once more").await;
    let tablet = world.fresh_device(&wallet.user).await;
    granted(tablet.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&tablet, &wallet.keys, "recovered").await;
}

/// P2, P3: … to a time before the pair was confirmed, or before the backup was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_rolled_back_behind_the_backup_loses_no_wallet() {
    let mut world = World::start().await;
    let wallet = world.wallet().await;
    world.stop_server().await;
    world.save_database();
    world.start_server_again().await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    world.back_up(&wallet.user, &phone).await;

    world.stop_server().await;
    world.roll_database_back();
    world.start_server_again().await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    assert!(!granted(
        phone.is_wallet_backed_up().await,
        "as it was then"
    ));
    assert_signs(&phone, &wallet.keys, "rolled back").await;
    world.back_up(&wallet.user, &phone).await;
    world.assert_recovers(&wallet, "backed up again").await;
}
