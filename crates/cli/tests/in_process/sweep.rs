//! Every operation, broken at every frame of its session, from either side: afterwards it can
//! be run again, and until then whatever signed before still does.

use std::sync::Arc;

use portal_keychain::{Keychain, MemoryKeychain};
use portal_lifecycle::Curve;
use portal_sdk::{Error, ErrorId, Portal};

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::wallet::CUSTOM;
use crate::world::{User, World, builder_at};

/// Start and three MPC messages; greeting, start, three MPC messages and the end.
const PAIR_FRAMES: [(Side, usize); 2] = [(Side::Client, 4), (Side::Server, 6)];

fn places(frames: &[(Side, usize)]) -> impl Iterator<Item = (Side, usize, bool)> {
    frames.iter().flat_map(|&(side, last)| {
        // Whether everything that matters had already been told.
        (1..=last).map(move |nth| (side, nth, side == Side::Server && nth == last))
    })
}

async fn cut_off(proxy: &Proxy, user: &User, keychain: &Arc<MemoryKeychain>) -> Portal {
    let keychain = Arc::clone(keychain) as Arc<dyn Keychain>;
    let portal = builder_at(&proxy.url, user, keychain).build().await;
    granted(portal, "starting the SDK")
}

#[track_caller]
fn ended<T>(proxy: &Proxy, outcome: Result<T, Error>, all_was_told: bool, when: &str) {
    assert!(proxy.clear(), "{when}: expected that it was broken there");
    if all_was_told {
        granted(outcome, when);
    } else {
        refused(outcome, ErrorId::WsClosed, when);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generate_survives_a_break_at_every_frame() {
    let world = World::start().await;
    let proxy = Proxy::start(world.url()).await;
    for (side, nth, all_was_told) in places(&PAIR_FRAMES) {
        let when = format!("broken at frame {nth} of the {side:?}");
        let user = world.user().await;
        let phone = Arc::new(MemoryKeychain::new());
        let portal = cut_off(&proxy, &user, &phone).await;
        proxy.set(Place::Frame(side, nth), Deed::Break);
        ended(&proxy, portal.create_wallet().await, all_was_told, &when);
        let portal = world.portal(&user, phone).await;
        if !all_was_told {
            granted(portal.create_wallet().await, &when);
        }
        assert_signs(&portal, &Keys::of(&portal).await, &when).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_and_recover_survive_a_break_at_every_frame() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &wallet.user, &wallet.phone).await;
    for (side, nth, all_was_told) in places(&PAIR_FRAMES) {
        for recovers in [false, true] {
            let when = format!("recovery {recovers}, broken at frame {nth} of the {side:?}");
            let run = async || {
                if recovers {
                    portal.recover_wallet(CUSTOM, &text).await
                } else {
                    portal.refresh_wallet().await
                }
            };
            proxy.set(Place::Frame(side, nth), Deed::Break);
            ended(&proxy, run().await, all_was_told, &when);
            assert_signs(&portal, &wallet.keys, &when).await;
        }
    }
    granted(portal.refresh_wallet().await, "unbroken");
    granted(portal.recover_wallet(CUSTOM, &text).await, "unbroken");
    assert_signs(&portal, &wallet.keys, "unbroken").await;
    world.assert_recovers(&wallet, "on a fresh device").await;
}

/// The end of a backup's session matters: it says that the custodian holds its share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_survives_a_break_at_every_frame() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &wallet.user, &wallet.phone).await;
    for (side, nth, _) in places(&PAIR_FRAMES) {
        let when = format!("broken at frame {nth} of the {side:?}");
        proxy.set(Place::Frame(side, nth), Deed::Break);
        let broken = portal.backup_wallet(CUSTOM).await;
        ended(&proxy, broken, false, &when);
        assert!(granted(portal.is_wallet_backed_up().await, &when));
    }
    world.assert_recovers(&wallet, "by the former backup").await;
    let device = world.assert_recovers(&wallet, "again").await;
    world.back_up(&wallet.user, &device).await;
    world.assert_recovers(&wallet, "by the new backup").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_survives_a_break_at_every_frame() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &wallet.user, &wallet.phone).await;
    let sessions = [
        (Curve::Secp256k1, [(Side::Client, 3), (Side::Server, 4)]),
        (Curve::Ed25519, [(Side::Client, 2), (Side::Server, 3)]),
    ];
    for (curve, frames) in sessions {
        for (side, nth, all_was_told) in places(&frames) {
            let when = format!("{curve}, broken at frame {nth} of the {side:?}");
            proxy.set(Place::Frame(side, nth), Deed::Break);
            let signed = portal.raw_sign(curve, &[7; 32]).await;
            ended(&proxy, signed, all_was_told, &when);
            assert_signs(&portal, &wallet.keys, &when).await;
        }
    }
}
