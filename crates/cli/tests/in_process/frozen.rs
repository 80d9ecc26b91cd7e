//! E12, E13: a frozen pair gives out nothing, and Refresh or Recover lead out of it.
//!
//! The strike itself cannot be made here: every message is bound to its session by a key that
//! only the two parties have, so no cheating message can be built from outside (the tests of
//! `portal-mpc` do it inside). It is applied to the stored wallet, by the lifecycle's own rule.

use std::sync::Arc;

use portal_lifecycle::ids::TraceId;
use portal_lifecycle::{Curve, Event, SigningStatus};
use portal_sdk::{ErrorId, Portal};
use portal_server::clock::Clock as _;
use portal_store::audit::{Actor, Origin};
use portal_store::{Secrets, WalletCommit, WalletStore as _};

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::wallet::{CUSTOM, Wallet, signing_pairs, signing_statuses, state_of};
use crate::world::World;

/// Freezes the pair in force, as a strike on one curve does.
async fn freeze(world: &World, wallet: &Wallet) {
    let state = state_of(&wallet.portal).await;
    let (ids, _) = *signing_pairs(&state).last().expect("a pair");
    let store = world.store();
    let stored = store.wallet(wallet.user.id).await.expect("readable");
    let stored = stored.expect("a wallet");
    let now = world.clock.now();
    let strike = Event::Strike {
        curve: Curve::Secp256k1,
        pair: ids.secp256k1,
    };
    let struck = stored.wallet.apply(strike, now).expect("a strike");
    let commit = WalletCommit {
        client_id: wallet.user.id,
        expected: Some(stored.version),
        wallet: struck.wallet,
        secrets: Secrets::Unchanged,
        origin: Origin {
            actor: Actor::Client(wallet.user.id),
            trace_id: TraceId::make(now, [0; 10]),
        },
        acts: Vec::new(),
        grounds: None,
        now,
    };
    store.commit_wallet(commit).await.expect("durable");
}

async fn assert_frozen(portal: &Portal, when: &str) {
    let frozen = ErrorId::SigningShareFrozen;
    refused(
        portal.raw_sign(Curve::Secp256k1, &[7; 32]).await,
        frozen,
        when,
    );
    refused(portal.raw_sign(Curve::Ed25519, b"m").await, frozen, when);
    refused(portal.backup_wallet(CUSTOM).await, frozen, when);
    let exists = ErrorId::WalletAlreadyExists;
    refused(portal.create_wallet().await, exists, when);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_pair_signs_nothing_until_it_is_refreshed_or_recovered() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    freeze(&world, &wallet).await;
    let statuses = signing_statuses(&state_of(&wallet.portal).await);
    assert_eq!(statuses, [SigningStatus::Frozen]);
    assert_frozen(&wallet.portal, "at once").await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    assert_frozen(&phone, "after a restart").await;

    granted(phone.refresh_wallet().await, "refreshing");
    assert_signs(&phone, &wallet.keys, "refreshed").await;

    freeze(&world, &wallet).await;
    assert_frozen(&phone, "frozen again").await;
    granted(phone.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&phone, &wallet.keys, "recovered").await;
    let statuses = signing_statuses(&state_of(&phone).await);
    let old = SigningStatus::Superseded;
    assert_eq!(statuses, [old, old, SigningStatus::StoredClient]);
}
