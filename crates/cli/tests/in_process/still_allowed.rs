//! A session outlives neither its credential nor the policy that it was judged by.

use portal_api::session::{Operation, Wanted};
use portal_api::signing_policy::SigningPolicy;
use portal_lifecycle::ErrorId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::by_hand::{self, Pair, confirmation};
use crate::raw::Raw;
use crate::world::{User, World};

const OF_ALL: &str = "/api/v3/custodians/me/signing-policy";

async fn custodian(world: &World, method: Method, path: &str, body: Option<Value>) {
    let answer = world
        .call(method, path, &world.customer.api_key, body)
        .await;
    assert!(matches!(answer.status, 200 | 204), "{path}: {answer:?}");
}

async fn revoke(world: &World, user: &User) {
    let path = format!("/api/v3/custodians/me/clients/{}/sessions", user.id);
    custodian(world, Method::DELETE, &path, None).await;
}

/// A pair in force, without a keychain.
pub(crate) async fn pair(world: &World, user: &User) -> Pair {
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    let pair = by_hand::generate(&mut raw, start).await;
    let proofs = pair.proofs(user.id, pair.ids);
    let body = confirmation(&pair.ids.into_array(), &proofs);
    let path = "/api/v3/clients/me/signing-share-pairs";
    let confirmed = world.call(Method::PATCH, path, &user.token, Some(body));
    assert_eq!(confirmed.await.status, 204);
    pair
}

async fn lines(world: &World, act: &str) -> Value {
    let path = format!("/api/v3/custodians/me/audit-events?act={act}");
    let page = world.call(Method::GET, &path, &world.customer.api_key, None);
    page.await.body["metadata"]["total"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_signature_leaves_after_a_revocation_or_by_a_policy_of_before() {
    let world = World::start().await;
    let raw_signing = |allowed| {
        let policy = SigningPolicy {
            raw_signing: allowed,
            ..SigningPolicy::default()
        };
        serde_json::to_value(policy).expect("JSON")
    };
    let digest = [7; 32];
    let user = world.user().await;
    let pair = pair(&world, &user).await;
    let wanted = || Wanted::raw(digest);
    custodian(&world, Method::PUT, OF_ALL, Some(raw_signing(true))).await;
    let tighten = custodian(&world, Method::PUT, OF_ALL, Some(raw_signing(false)));
    let refused = by_hand::signs_until_refused(&world, &user, &pair, wanted(), digest, tighten);
    assert_eq!(refused.await, ErrorId::Forbidden);
    custodian(&world, Method::PUT, OF_ALL, Some(raw_signing(true))).await;
    let revoke = revoke(&world, &user);
    let refused = by_hand::signs_until_refused(&world, &user, &pair, wanted(), digest, revoke);
    assert_eq!(refused.await, ErrorId::AuthFailed);
    assert_eq!(lines(&world, "SIGNATURE").await, json!(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pair_is_stored_after_a_revocation() {
    let world = World::start().await;
    let user = world.user().await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    raw.start(Operation::Generate).await;
    let started = raw.hear_started().await;
    let refused = by_hand::generates_until_refused(&mut raw, &started, revoke(&world, &user));
    assert_eq!(refused.await, ErrorId::AuthFailed);
    assert_eq!(lines(&world, "SIGNING_PAIR_MADE").await, json!(0));
}
