//! The lifecycle's crash points of Generate, Recover and Refresh.

use std::sync::Arc;

use portal_api::rest::ClientState;
use portal_keychain::{Keychain, MemoryKeychain};
use portal_lifecycle::{Curve, SigningStatus};
use portal_sdk::{ErrorId, Portal};
use reqwest::Method;
use serde_json::json;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::faulty::entries;
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::wallet::{CUSTOM, signing_pairs, signing_statuses, state_of};
use crate::world::{User, World, builder_at};

const CONFIRM: &str = "patch /api/v3/clients/me/signing-share-pairs";
const DATABASE: SigningStatus = SigningStatus::StoredDatabase;
const CLIENT: SigningStatus = SigningStatus::StoredClient;
const OLD: SigningStatus = SigningStatus::Superseded;

/// A device whose connection fails.
async fn cut_off(proxy: &Proxy, user: &User, keychain: &Arc<MemoryKeychain>) -> Portal {
    let keychain = Arc::clone(keychain) as Arc<dyn Keychain>;
    let portal = builder_at(&proxy.url, user, keychain).build().await;
    granted(portal, "starting the SDK")
}

/// Loses the confirmation of a new wallet, or the answer to it.
async fn creation_lost(world: &World, place: Place) -> (User, Arc<MemoryKeychain>, Portal) {
    let user = world.user().await;
    let phone = Arc::new(MemoryKeychain::new());
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &user, &phone).await;
    proxy.set(place, Deed::Break);
    let lost = portal.create_wallet().await;
    refused(lost, ErrorId::Unavailable, "lost on its way");
    assert!(proxy.has_sprung());
    (user, phone, portal)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_confirmation_is_made_up_for_at_the_next_start() {
    let world = World::start().await;
    let (user, phone, before) = creation_lost(&world, Place::Request(CONFIRM)).await;
    let state = state_of(&before).await;
    assert_eq!(signing_statuses(&state), [DATABASE], "not confirmed");
    // P1: not confirmed, no address.
    refused(before.addresses().await, ErrorId::WalletNotFound, "P1");

    let after = world.portal(&user, phone).await;
    assert_same_pair(&state, &state_of(&after).await);
    let keys = Keys::of(&after).await;
    assert_signs(&after, &keys, "after the restart").await;
    assert_signs(&before, &keys, "without a restart").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_confirmation_is_made_up_for_by_creating_again() {
    let world = World::start().await;
    let (_, _, portal) = creation_lost(&world, Place::Request(CONFIRM)).await;
    let state = state_of(&portal).await;
    let created = granted(portal.create_wallet().await, "creating again");
    assert!(created.resumed, "expected no new key: {created:?}");
    assert_same_pair(&state, &state_of(&portal).await);
    let keys = Keys::of(&portal).await;
    assert_eq!(created.addresses, keys.addresses);
    assert_signs(&portal, &keys, "after creating again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_confirmation_changes_nothing() {
    let world = World::start().await;
    let (user, phone, before) = creation_lost(&world, Place::AnswerTo(CONFIRM)).await;
    let state = state_of(&before).await;
    assert_eq!(signing_statuses(&state), [CLIENT], "confirmed");
    let keys = Keys::of(&before).await;
    assert_signs(&before, &keys, "without a restart").await;

    let after = world.portal(&user, phone).await;
    assert_same_pair(&state, &state_of(&after).await);
    assert_eq!(Keys::of(&after).await, keys);
    assert_signs(&after, &keys, "after the restart").await;
}

#[track_caller]
fn assert_same_pair(before: &ClientState, after: &ClientState) {
    let ids = |state| signing_pairs(state).into_iter().map(|(ids, _)| ids);
    let (before, now): (Vec<_>, Vec<_>) = (ids(before).collect(), ids(after).collect());
    assert_eq!(now, before, "no new pair");
    assert_eq!(signing_statuses(after), [CLIENT], "confirmed");
}

/// Another device made the wallet meanwhile: its key stands, and nothing is deleted (E6, E8).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_that_comes_too_late_does_not_replace_the_key() {
    let world = World::start().await;
    let (user, phone, _) = creation_lost(&world, Place::Request(CONFIRM)).await;
    let other = world.fresh_device(&user).await;
    granted(other.create_wallet().await, "on another device");
    let keys = Keys::of(&other).await;
    let share = async || {
        let kept = entries(&*phone).await;
        kept.into_iter()
            .find(|(name, _)| name.as_str().starts_with("signing."))
    };
    let kept = share().await;
    assert!(kept.is_some());

    let late = world.portal(&user, Arc::clone(&phone) as _).await;
    let old = ErrorId::SigningShareSuperseded;
    refused(late.raw_sign(Curve::Secp256k1, &[7; 32]).await, old, "sign");
    refused(late.refresh_wallet().await, old, "refresh");
    let exists = ErrorId::WalletAlreadyExists;
    refused(late.create_wallet().await, exists, "create");
    assert!(share().await == kept, "expected the share as it was");
    let statuses = signing_statuses(&state_of(&late).await);
    assert_eq!(statuses, [DATABASE, CLIENT], "the newer key stands");
    assert_signs(&other, &keys, "the other device").await;

    let text = world.back_up(&user, &other).await;
    granted(late.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&late, &keys, "after the recovery").await;
}

/// The end of a wallet purges every pair of it, also one of a key that was never its own: nobody is
/// given that key's addresses, and it stands in no way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_never_was_the_wallets_is_not_after_its_end() {
    let world = World::start().await;
    let (user, phone, _) = creation_lost(&world, Place::Request(CONFIRM)).await;
    let other = world.fresh_device(&user).await;
    granted(other.create_wallet().await, "on another device");
    let late = world.portal(&user, phone).await;
    let addresses = granted(other.addresses().await, "its addresses");
    let text = world.back_up(&user, &other).await;

    let client = format!("/api/v3/custodians/me/clients/{}", user.id);
    let wallet = state_of(&other).await.wallets[0].id;
    let window = format!("{client}/enable-eject");
    let body = Some(json!({ "walletId": wallet }));
    let key = &world.customer.api_key;
    let opened = world.call(Method::PATCH, &window, key, body.clone()).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let keys = granted(
        late.eject(CUSTOM, &text).await,
        "by the device that was late",
    );
    granted(late.confirm_eject(&keys, "test", "1").await, "the end");

    let nothing = ErrorId::SigningShareNotOnDevice;
    refused(late.addresses().await, nothing, "the other key's addresses");
    let told = granted(other.addresses().await, "the wallet's own");
    assert_eq!(told, addresses);
    let opened = world.call(Method::PATCH, &window, key, body).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    granted(late.eject(CUSTOM, &text).await, "the keys again");
    granted(late.confirm_eject(&keys, "test", "1").await, "as it was");
}

/// "Server committed, last message lost": an orphan, which nothing confirms later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_last_message_leaves_an_orphan() {
    let world = World::start().await;
    let user = world.user().await;
    let phone = Arc::new(MemoryKeychain::new());
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &user, &phone).await;
    // Hello, Started, three MPC messages.
    proxy.set(Place::Frame(Side::Server, 5), Deed::Break);
    refused(portal.create_wallet().await, ErrorId::WsClosed, "lost");
    assert!(proxy.has_sprung());
    assert_eq!(signing_statuses(&state_of(&portal).await), [DATABASE]);

    let portal = world.portal(&user, phone).await;
    assert_eq!(
        signing_statuses(&state_of(&portal).await),
        [DATABASE],
        "still"
    );
    let created = granted(portal.create_wallet().await, "again");
    assert!(!created.resumed, "expected a new key: {created:?}");
    assert_eq!(
        signing_statuses(&state_of(&portal).await),
        [DATABASE, CLIENT]
    );
    assert_signs(&portal, &Keys::of(&portal).await, "then").await;
}

/// Until the new device has confirmed, the old one signs; from then on, the new one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_whose_confirmation_is_lost_is_finished_at_the_next_start() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    for place in [Place::Request(CONFIRM), Place::AnswerTo(CONFIRM)] {
        let tablet = Arc::new(MemoryKeychain::new());
        let proxy = Proxy::start(world.url()).await;
        let portal = cut_off(&proxy, &wallet.user, &tablet).await;
        proxy.set(place, Deed::Break);
        let lost = portal.recover_wallet(CUSTOM, &text).await;
        refused(lost, ErrorId::Unavailable, "lost on its way");
        assert!(proxy.has_sprung());
        if place == Place::Request(CONFIRM) {
            let portal = &wallet.portal;
            assert_signs(portal, &wallet.keys, "the phone, until then").await;
        }
        let portal = world.portal(&wallet.user, tablet).await;
        assert!(granted(portal.is_wallet_on_device().await, "state"));
        assert_signs(&portal, &wallet.keys, "the tablet").await;
        let refusal = wallet.portal.raw_sign(Curve::Ed25519, b"m").await;
        refused(refusal, ErrorId::SigningShareSuperseded, "the phone");
    }
    world.assert_recovers(&wallet, "once more").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_confirmation_is_lost_is_finished_at_the_next_start() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let portal = cut_off(&proxy, &wallet.user, &wallet.phone).await;
    for (place, before, after) in [
        (
            Place::Request(CONFIRM),
            vec![CLIENT, DATABASE],
            vec![OLD, CLIENT],
        ),
        (
            Place::AnswerTo(CONFIRM),
            vec![OLD, OLD, CLIENT],
            vec![OLD, OLD, CLIENT],
        ),
    ] {
        proxy.set(place, Deed::Break);
        let lost = portal.refresh_wallet().await;
        refused(lost, ErrorId::Unavailable, "lost on its way");
        assert!(proxy.has_sprung());
        let statuses = signing_statuses(&state_of(&portal).await);
        assert_eq!(statuses, before, "{place:?}: before the restart");
        assert_signs(&portal, &wallet.keys, "without a restart").await;
        wallet.assert_phone_signs(&world, "after the restart").await;
        let statuses = signing_statuses(&state_of(&portal).await);
        assert_eq!(statuses, after, "{place:?}: after the restart");
    }
}
