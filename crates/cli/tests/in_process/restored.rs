//! An older copy of the server's database is put in its place, and the epoch raised (E20).

use std::sync::Arc;

use portal_keychain::MemoryKeychain;
use portal_lifecycle::ids::OperationId;
use portal_lifecycle::{BackupMethod, ErrorId};
use portal_server::entropy;
use reqwest::Method;

use crate::alive::assert_signs;
use crate::by_hand::{self, confirmation};
use crate::expect::{granted, refused};
use crate::raw::Raw;
use crate::wallet::CUSTOM;
use crate::world::World;

const PAIRS: &str = "/api/v3/clients/me/signing-share-pairs";

impl World {
    async fn copy_database(&mut self) {
        self.stop_server().await;
        self.save_database();
        self.start_server_again().await;
    }

    /// What an operator does: restores the copy, and says so before the server starts.
    async fn restore(&mut self) {
        self.stop_server().await;
        self.roll_database_back();
        self.start_server_again().await;
        self.operator().raise_epoch().await.expect("a new epoch");
    }
}

/// A refresh was lost: the device still has the former pair, and goes back to it by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_goes_on_with_the_pair_of_the_copy() {
    let mut world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    world.copy_database().await;
    let phone = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    granted(phone.refresh_wallet().await, "refreshing");
    world.restore().await;
    wallet.assert_phone_signs(&world, "after the restore").await;
    world.assert_recovers(&wallet, "after the restore").await;
}

/// An app that goes on running learns of it at its next signature.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_runs_proves_itself_at_its_next_signature() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    world.operator().raise_epoch().await.expect("a new epoch");
    let state = granted(wallet.portal.state().await, "reading the state");
    assert!(state.epoch > 0 && !state.is_proved, "{state:?}");
    assert_signs(&wallet.portal, &wallet.keys, "after the epoch began").await;
    let state = granted(wallet.portal.state().await, "reading the state");
    assert!(state.is_proved, "expected a proof, seen {state:?}");
}

/// A device that recovered since the copy was made holds no pair that the server knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_the_lost_time_is_told_to_recover() {
    let mut world = World::start().await;
    let (wallet, cipher_text) = world.backed_up_wallet().await;
    world.copy_database().await;
    let keychain = Arc::new(MemoryKeychain::new());
    let tablet = world.portal(&wallet.user, Arc::clone(&keychain) as _).await;
    granted(
        tablet.recover_wallet(CUSTOM, &cipher_text).await,
        "recovering",
    );
    world.restore().await;
    let tablet = world.portal(&wallet.user, keychain).await;
    let signed = tablet
        .raw_sign(portal_lifecycle::Curve::Ed25519, b"a message")
        .await;
    refused(
        signed,
        ErrorId::SigningShareSuperseded,
        "signing with a pair that the server has forgotten",
    );
    let cipher_text = world
        .stored_cipher_text(&wallet.user, BackupMethod::Custom)
        .await;
    granted(
        tablet.recover_wallet(CUSTOM, &cipher_text).await,
        "recovering again, beside the share that is kept",
    );
    assert_signs(&tablet, &wallet.keys, "after the recovery").await;
}

/// A wallet of which the copy knows nothing: the device that holds it makes no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_wallet_is_not_replaced() {
    let mut world = World::start().await;
    let user = world.user().await;
    world.copy_database().await;
    let keychain = Arc::new(MemoryKeychain::new());
    let phone = world.portal(&user, Arc::clone(&keychain) as _).await;
    granted(phone.create_wallet().await, "creating");
    world.restore().await;
    let phone = world.portal(&user, keychain).await;
    let created = phone.create_wallet().await;
    refused(created, ErrorId::StateInvalid, "creating another wallet");
    granted(
        world.fresh_device(&user).await.create_wallet().await,
        "creating on a device that holds nothing",
    );
}

/// A proof that was made, or stolen, before the restore confirms nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_the_former_epoch_is_refused() {
    let world = World::start().await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(portal_api::session::Operation::Generate);
    let pair = by_hand::generate(&mut raw, start).await;
    let proofs = pair.proofs(user.id, pair.ids);
    let body = confirmation(&pair.ids.into_array(), &proofs);
    let confirm = |body| world.call(Method::PATCH, PAIRS, &user.token, Some(body));
    assert_eq!(confirm(body.clone()).await.status, 204, "in its own epoch");
    let epoch = world.operator().raise_epoch().await.expect("a new epoch");
    let late = confirm(body.clone()).await;
    assert_eq!(
        (late.status, &late.body["id"]),
        (409, &"STATE_INVALID".into())
    );
    // Nor does it help to call it a proof of this one.
    let mut forged = body;
    forged["epoch"] = epoch.number.into();
    let forged = confirm(forged).await;
    assert_eq!(
        (forged.status, &forged.body["id"]),
        (409, &"SIGN_SHARE_MISMATCH".into()),
        "{forged:?}"
    );
}

/// A session that began before the restore commits nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_former_epoch_commits_nothing() {
    let world = World::start().await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let mut start = raw.start_frame(portal_api::session::Operation::Generate);
    start.operation_id = OperationId(uuid::Uuid::from_bytes(entropy::bytes()));
    raw.send_start(start).await;
    raw.hear_started().await;
    world.operator().raise_epoch().await.expect("a new epoch");
    // The lease of the former epoch stands in nobody's way, and its generation is not given again.
    let phone = world.fresh_device(&user).await;
    granted(
        phone.create_wallet().await,
        "creating beside the old session",
    );
}
