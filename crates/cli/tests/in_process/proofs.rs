//! E4: nobody confirms a pair whose share he does not hold.

use portal_api::Base64Bytes;
use portal_api::session::Operation;
use portal_lifecycle::SigningStatus;
use portal_sdk::ErrorId;
use portal_server::entropy;
use reqwest::Method;
use serde_json::json;

use crate::by_hand::{self, confirmation};
use crate::expect::refused;
use crate::raw::Raw;
use crate::wallet::{signing_statuses, state_of};
use crate::world::{KMS_KEY, World};

const PATH: &str = "/api/v3/clients/me/signing-share-pairs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_holder_of_a_share_confirms_it() {
    let world = World::start().await;
    let user = world.user().await;
    let stranger = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    let pair = by_hand::generate(&mut raw, start).await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    let other = by_hand::generate(&mut raw, start).await;

    let ids = pair.ids.into_array();
    let [first, second] = ids;
    let proofs = pair.proofs(user.id, pair.ids);
    let [on_secp256k1, on_ed25519] = proofs.clone();
    let swapped = [on_ed25519.clone(), on_secp256k1.clone()];
    let drawn = [entropy::bytes::<65>(), entropy::bytes()].map(|bytes| Base64Bytes(bytes.to_vec()));
    let others = other.proofs(user.id, pair.ids);
    let for_other = pair.proofs(user.id, other.ids);
    let for_stranger = pair.proofs(stranger.id, pair.ids);
    let half = [on_secp256k1.clone(), others[1].clone()];
    let mismatch = (409, "SIGN_SHARE_MISMATCH");
    let cases = [
        ("drawn at random", mismatch, confirmation(&ids, &drawn)),
        ("of another share", mismatch, confirmation(&ids, &others)),
        ("of one curve only", mismatch, confirmation(&ids, &half)),
        ("for another pair", mismatch, confirmation(&ids, &for_other)),
        (
            "for another client",
            mismatch,
            confirmation(&ids, &for_stranger),
        ),
        ("of the other curve", mismatch, confirmation(&ids, &swapped)),
        ("none", (400, "BAD_REQUEST"), confirmation(&ids, &[])),
        (
            "one for two",
            (400, "BAD_REQUEST"),
            confirmation(&ids, &proofs[..1]),
        ),
        (
            "half a pair",
            (404, "NOT_FOUND"),
            confirmation(&ids[..1], &proofs[..1]),
        ),
        (
            "halves of two pairs",
            (404, "NOT_FOUND"),
            confirmation(&[first, other.ids.ed25519], &proofs),
        ),
        (
            "the same half twice",
            (404, "NOT_FOUND"),
            confirmation(&[first, first], &proofs),
        ),
    ];
    for (when, (status, id), body) in cases {
        let answer = world
            .call(Method::PATCH, PATH, &user.token, Some(body))
            .await;
        answer.is_problem(status, id, when);
    }
    let mut wrong_status = confirmation(&ids, &proofs);
    wrong_status["status"] = json!("STORED_DATABASE");
    let answer = world
        .call(Method::PATCH, PATH, &user.token, Some(wrong_status))
        .await;
    answer.is_problem(400, "BAD_REQUEST", "a status that no client sets");

    let portal = world.fresh_device(&user).await;
    let database = SigningStatus::StoredDatabase;
    assert_eq!(signing_statuses(&state_of(&portal).await), [database; 2]);

    // In either order, and again (E5).
    let reversed = confirmation(&[second, first], &[on_ed25519, on_secp256k1]);
    for body in [confirmation(&ids, &proofs), reversed] {
        let answer = world
            .call(Method::PATCH, PATH, &user.token, Some(body))
            .await;
        assert_eq!(
            answer.status, 204,
            "expected a confirmation, seen {answer:?}"
        );
    }
    let statuses = [SigningStatus::StoredClient, database];
    assert_eq!(signing_statuses(&state_of(&portal).await), statuses);

    // The second key came too late, even with a good proof (E6).
    let late = other.proofs(user.id, other.ids);
    let late = confirmation(&other.ids.into_array(), &late);
    let answer = world
        .call(Method::PATCH, PATH, &user.token, Some(late))
        .await;
    answer.is_problem(409, "SIGNING_SHARE_SUPERSEDED", "too late");
    assert_eq!(signing_statuses(&state_of(&portal).await), statuses);
    refused(
        portal.create_wallet().await,
        ErrorId::WalletAlreadyExists,
        "then",
    );
    by_hand::assert_signs(&world, &user, &pair).await;
}

/// P1: nobody is given an address of a pair whose other half the server could not use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_open_its_own_share_takes_no_confirmation() {
    let mut world = World::start().await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    let pair = by_hand::generate(&mut raw, start).await;
    let body = confirmation(&pair.ids.into_array(), &pair.proofs(user.id, pair.ids));

    world.stop_server().await;
    world.start_server_under(KMS_KEY + 1).await;
    let answer = world
        .call(Method::PATCH, PATH, &user.token, Some(body.clone()))
        .await;
    answer.is_problem(500, "INTERNAL_ERROR", "under another key");
    let portal = world.fresh_device(&user).await;
    let database = SigningStatus::StoredDatabase;
    assert_eq!(signing_statuses(&state_of(&portal).await), [database]);

    world.stop_server().await;
    world.start_server_again().await;
    let answer = world
        .call(Method::PATCH, PATH, &user.token, Some(body))
        .await;
    assert_eq!(answer.status, 204, "under its key: {answer:?}");
    by_hand::assert_signs(&world, &user, &pair).await;
}
