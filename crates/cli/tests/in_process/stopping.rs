//! Deadlines, keep-alive, cancellation, and a server that is told to stop.

use std::time::{Duration, Instant};

use portal_api::session::{Operation, Wanted};
use portal_lifecycle::ErrorId;
use portal_server::Limits;
use portal_store::WalletStore as _;

use crate::expect::{granted, until};
use crate::raw::Raw;
use crate::world::World;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_the_callers_deadline() {
    let world = World::start_with(Limits {
        frame_timeout: LONG,
        session_timeout: LONG,
        ..Limits::default()
    })
    .await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let mut start = raw.start_frame(Operation::Generate);
    start.deadline_ms = Some(50);
    raw.send_start(start).await;
    raw.hear_started().await;
    assert_eq!(raw.hear_problem().await.id, ErrorId::WsTimeout);
    granted(
        world.fresh_device(&user).await.create_wallet().await,
        "creating on another device, whom no lease hinders",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_pinged_while_it_is_waited_for() {
    let world = World::start_with(Limits {
        ping_interval: Duration::from_millis(10),
        ..Limits::default()
    })
    .await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    raw.send_start(start).await;
    raw.hear_started().await;
    raw.hear_ping().await;
    raw.hear_ping().await;
}

/// Whoever leaves gives the lease back at once, not when it runs out.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_frees_the_wallet() {
    let world = World::start_with(Limits {
        frame_timeout: LONG,
        session_timeout: LONG,
        ..Limits::default()
    })
    .await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    raw.send_start(start).await;
    raw.hear_started().await;
    raw.send(tokio_tungstenite::tungstenite::Message::Close(None))
        .await;
    until("the lease given back", async || {
        let stored = world.store().wallet(user.id).await.expect("readable")?;
        stored.wallet.lease.is_none().then_some(())
    })
    .await;
}

/// What is under way may finish, and nothing new begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_lets_an_operation_finish() {
    let mut world = World::start().await;
    let user = world.user().await;
    let url = world.url().to_owned();
    let address = url.trim_start_matches("http://").to_owned();
    let address = address.as_str();
    let mut raw = Raw::open(&url, &user.token).await;
    // Greeted, and has not said what it wants.
    let mut idle = Raw::open(&url, &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    raw.send_start(start).await;
    let started = raw.hear_started().await;
    let operating = async {
        let late = idle.start_frame(Operation::Generate);
        // The server has heard that it stops when nobody can reach it any more.
        until("no new connection", async || {
            let connected = tokio::net::TcpStream::connect(address).await;
            connected.is_err().then_some(())
        })
        .await;
        idle.send_start(late).await;
        assert_eq!(idle.hear_problem().await.id, ErrorId::Unavailable);
        crate::by_hand::finish_generate(&mut raw, &started).await
    };
    let (pair, ()) = tokio::join!(operating, world.stop_server());
    world.start_server_again().await;
    let stored = world.store().wallet(user.id).await.expect("readable");
    let wallet = stored.expect("a wallet").wallet;
    assert!(
        wallet.signing_pair_of(pair.ids).is_some(),
        "the operation was finished: {wallet:?}"
    );
}

/// A session that hangs is cut off when the time to finish is over; that is no strike.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_hangs_is_cut_off() {
    let mut world = World::start_with(Limits {
        frame_timeout: LONG,
        session_timeout: LONG,
        drain_timeout: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let wallet = world.wallet().await;
    let mut raw = Raw::open(world.url(), &wallet.user.token).await;
    let stored = world.store().wallet(wallet.user.id).await;
    let pair = stored.expect("readable").expect("a wallet").wallet;
    let pair = pair.current_signing().expect("a pair").ids.secp256k1;
    let start = raw.start_frame(Operation::Sign {
        curve: portal_lifecycle::Curve::Secp256k1,
        signing_share_pair_id: pair,
        wanted: Wanted::raw(vec![7; 32]),
    });
    raw.send_start(start).await;
    let begun = Instant::now();
    world.stop_server().await;
    assert!(begun.elapsed() < LONG / 10, "{:?}", begun.elapsed());
    assert_eq!(raw.hear_problem().await.id, ErrorId::Unavailable);
    world.start_server_again().await;
    wallet.assert_phone_signs(&world, "after the stop").await;
}
