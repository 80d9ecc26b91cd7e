//! Somebody between the two alters one bit of an MPC message: it is noticed, nobody is blamed,
//! nothing is frozen, and the next run succeeds.

use std::sync::Arc;

use portal_keychain::Keychain;
use portal_lifecycle::{Curve, SigningStatus};
use portal_sdk::{ErrorId, Portal};

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::wallet::{CUSTOM, Wallet, signing_statuses, state_of};
use crate::world::{World, builder_at};

async fn between(world: &World, wallet: &Wallet) -> (Proxy, Portal) {
    let proxy = Proxy::start(world.url()).await;
    let phone = Arc::clone(&wallet.phone) as Arc<dyn Keychain>;
    let portal = builder_at(&proxy.url, &wallet.user, phone).build().await;
    (proxy, granted(portal, "starting the SDK"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_message_of_a_signature_blames_nobody() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let (proxy, portal) = between(&world, &wallet).await;
    let messages = [
        (Curve::Secp256k1, Side::Client, 2..=3),
        (Curve::Secp256k1, Side::Server, 2..=3),
        (Curve::Ed25519, Side::Client, 2..=2),
        (Curve::Ed25519, Side::Server, 2..=2),
    ];
    for (curve, side, frames) in messages {
        for nth in frames {
            let when = format!("{curve}: frame {nth} of the {side:?}");
            proxy.set(Place::Frame(side, nth), Deed::Alter);
            let signed = portal.raw_sign(curve, &[7; 32]).await;
            refused(signed, ErrorId::MpcSessionMismatch, &when);
            assert!(proxy.has_sprung(), "{when}");
            assert_signs(&portal, &wallet.keys, &when).await;
        }
    }
    let statuses = signing_statuses(&state_of(&portal).await);
    assert_eq!(statuses, [SigningStatus::StoredClient], "nothing is frozen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_message_of_a_new_pair_blames_nobody() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let (proxy, portal) = between(&world, &wallet).await;
    let messages = [(Side::Client, 2..=4), (Side::Server, 3..=5)];
    for (side, frames) in messages {
        for nth in frames {
            let when = format!("frame {nth} of the {side:?}");
            let mismatch = ErrorId::MpcSessionMismatch;
            let alter = || proxy.set(Place::Frame(side, nth), Deed::Alter);
            alter();
            refused(portal.refresh_wallet().await, mismatch, &when);
            alter();
            refused(portal.backup_wallet(CUSTOM).await, mismatch, &when);
            alter();
            let recovered = portal.recover_wallet(CUSTOM, &text).await;
            refused(recovered, mismatch, &when);
            assert!(proxy.has_sprung(), "{when}");
            assert_signs(&portal, &wallet.keys, &when).await;
        }
    }
    let statuses = signing_statuses(&state_of(&portal).await);
    let seen = statuses.contains(&SigningStatus::Frozen);
    assert!(!seen, "expected nothing frozen, seen {statuses:?}");
    world.assert_recovers(&wallet, "untouched").await;
}
