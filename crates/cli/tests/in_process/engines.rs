//! A pair whose set-up another ECDSA engine made.

use std::sync::Arc;

use portal_keychain::{Keychain as _, MemoryKeychain};
use portal_sdk::{Curve, ErrorId};
use portal_seal::SecretBytes;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::world::World;

/// Version, generation, four ids, length; then the key share, and behind it the engine.
const ENGINE_AT: usize = 1 + 8 + 4 * 16 + 4 + (4 + 16 + 8 + 32 + 3 * 33 + 32);

/// Refused by name, not misread; Ed25519 signs on, and a refresh makes a pair of this engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_the_former_engine_is_refused_and_can_be_refreshed() {
    let world = World::start().await;
    let user = world.user().await;
    let keychain = Arc::new(MemoryKeychain::default());
    let portal = world.portal(&user, Arc::clone(&keychain) as _).await;
    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;

    let names = keychain.list().await.expect("a list");
    let mut shares = names
        .iter()
        .filter(|name| name.as_str().starts_with("signing."));
    let name = shares.next().expect("a share");
    let record = keychain.read(name).await.expect("readable").expect("there");
    let mut bytes = record.expose().to_vec();
    assert_eq!(bytes[ENGINE_AT], 2, "the engine's place");
    bytes[ENGINE_AT] = 1;
    let former = SecretBytes::new(bytes);
    keychain.write(name, &former).await.expect("writable");

    let unsupported = ErrorId::MpcProtocolUnsupported;
    let signed = portal.raw_sign(Curve::Secp256k1, &[7; 32]).await;
    refused(signed, unsupported, "a pair of engine 1");
    let signed = portal.raw_sign(Curve::Ed25519, b"still signs").await;
    granted(signed, "a curve without that engine");
    granted(portal.refresh_wallet().await, "refreshing");
    assert_signs(&portal, &keys, "after the refresh").await;
}
