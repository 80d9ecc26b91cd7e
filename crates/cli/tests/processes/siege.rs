//! Strangers who hold what they can before the real server, and others who are answered all the
//! while. What it costs the server is read from `/proc` and printed.
//!
//! `cargo xtask siege` does the same in release, and shows the figures.

mod attackers;
mod frames;
mod watch;

use std::time::Duration;

use crate::installation::{Installation, Setup};
use attackers::Target;
use watch::{Watch, raise_open_files};

/// Sockets that say nothing.
const SOCKETS: usize = 10_000;
/// Connections of the other scenes, each for itself.
const CONNECTIONS: usize = 1_000;
/// Malformed requests and frames.
const MALFORMED: usize = 2_000;
/// What nobody waits for.
const GIANT_BYTES: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

fn start(serve: &[&str]) -> Installation {
    Installation::start_with(Setup {
        // A log of thousands of refusals would be what is measured.
        log: "warn",
        serve: serve.iter().map(|&argument| argument.to_owned()).collect(),
        ..Setup::default()
    })
}

/// A server whose time-outs are short, so that a scene is soon over.
fn impatient() -> Installation {
    start(&[
        "--head-timeout-s",
        "2",
        "--body-timeout-s",
        "2",
        "--handshake-timeout-s",
        "2",
        "--first-frame-timeout-s",
        "2",
        // Of each of them it is to be seen what it costs.
        "--max-unauthenticated-sessions",
        "2000",
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_sockets() {
    raise_open_files(SOCKETS);
    let installation = start(&[
        "--max-connections",
        &(SOCKETS + 100).to_string(),
        "--head-timeout-s",
        "30",
    ]);
    let target = Target::of(&installation, None).await;
    let watch = Watch::begin(&installation, &target, "idle sockets", SOCKETS).await;
    let held = attackers::hold_idle(&target, SOCKETS).await;
    let seen = watch.during(Duration::from_secs(2)).await;
    drop(held);
    seen.expect_below(300 * MIB);
    // All places are free again: as many come in once more, and none is refused.
    let watch = Watch::begin(&installation, &target, "idle sockets again", SOCKETS).await;
    let held = attackers::hold_idle(&target, SOCKETS).await;
    let seen = watch.during(Duration::from_millis(500)).await;
    drop(held);
    seen.expect_below(300 * MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_may_be() {
    raise_open_files(CONNECTIONS);
    let installation = start(&[
        "--max-connections",
        "300",
        "--max-connections-per-address",
        "50",
    ]);
    let target = Target::of(&installation, None).await;
    let watch = Watch::begin(
        &installation,
        &target,
        "too many of one address",
        CONNECTIONS,
    )
    .await;
    let refused = watch.over(attackers::crowd(&target, CONNECTIONS, 1)).await;
    refused.seen.expect_below(20 * MIB);
    assert_eq!(refused.value, CONNECTIONS - 50, "one address gets its 50");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_strangers() {
    raise_open_files(CONNECTIONS);
    let installation = impatient();
    let target = Target::of(&installation, None).await;
    let scenes = [
        ("slow heads", attackers::SLOW_HEAD),
        ("slow bodies", attackers::SLOW_BODY),
        ("slow chunked bodies", attackers::SLOW_CHUNKS),
    ];
    for (what, said) in scenes {
        let watch = Watch::begin(&installation, &target, what, CONNECTIONS).await;
        let over = watch
            .over(attackers::drip(&target, CONNECTIONS, said))
            .await;
        over.seen.expect_below(60 * MIB);
    }
    for (what, begun) in [
        ("silent WebSockets", &[][..]),
        ("WebSockets with half a frame", &frames::HALF_A_FRAME),
    ] {
        let watch = Watch::begin(&installation, &target, what, CONNECTIONS).await;
        let attack = attackers::websockets(&target, CONNECTIONS, begun);
        watch.over(attack).await.seen.expect_below(250 * MIB);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_handshakes() {
    raise_open_files(CONNECTIONS);
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = attackers::certificate(files.path());
    let installation = start(&[
        "--handshake-timeout-s",
        "2",
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ]);
    let target = Target::of(&installation, Some(&certificate)).await;
    let watch = Watch::begin(&installation, &target, "slow TLS handshakes", CONNECTIONS).await;
    let attack = attackers::drip(&target, CONNECTIONS, attackers::SLOW_HANDSHAKE);
    watch.over(attack).await.seen.expect_below(100 * MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giant_bodies() {
    let installation = impatient();
    let target = Target::of(&installation, None).await;
    for (what, framing) in [
        ("1 GiB, content-length", attackers::Framing::Length),
        ("1 GiB, chunked", attackers::Framing::Chunked),
    ] {
        let watch = Watch::begin(&installation, &target, what, 32).await;
        let over = watch
            .over(attackers::giants(&target, 32, framing, GIANT_BYTES))
            .await;
        over.seen.expect_below(30 * MIB);
        assert!(
            over.value < GIANT_BYTES,
            "{what}: expected that no body is taken whole, seen {} bytes of 32 taken",
            over.value
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_by_the_thousand() {
    let installation = impatient();
    let target = Target::of(&installation, None).await;
    let watch = Watch::begin(&installation, &target, "malformed requests", MALFORMED).await;
    let over = watch
        .over(attackers::malformed_requests(&target, MALFORMED))
        .await;
    over.seen.expect_below(30 * MIB);
    let watch = Watch::begin(&installation, &target, "malformed frames", MALFORMED).await;
    let over = watch
        .over(attackers::malformed_frames(&target, MALFORMED))
        .await;
    over.seen.expect_below(60 * MIB);
}
