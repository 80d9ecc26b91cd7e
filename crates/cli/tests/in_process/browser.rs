//! A browser: it has a one-time password, then a session's token, and neither ever in a URL.

use std::num::NonZeroU32;
use std::time::Duration;

use portal_api::rest::CreatedSession;
use portal_api::session::Operation;
use portal_server::RateLimits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::expect::until;
use crate::raw::Raw;
use crate::rest::Answer;
use crate::world::{User, World};

async fn otp(world: &World, user: &User) -> String {
    let path = format!("/api/v1/custodians/clients/{}/web-otp", user.id);
    let made = world
        .call(Method::GET, &path, &world.customer.api_key, None)
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    let otp = made.body.get("otp").and_then(Value::as_str);
    let otp = otp.expect("a password").to_owned();
    assert_eq!(made.body, json!({ "otp": otp }), "and nothing else");
    otp
}

async fn redeem(world: &World, otp: &str) -> Answer {
    let body = Some(json!({ "otp": otp }));
    world
        .call(Method::POST, "/api/v3/clients/sessions", "", body)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_a_session_with_a_password_of_its_backend() {
    let world = World::start().await;
    let user = world.user().await;
    let otp = otp(&world, &user).await;
    assert!(otp.len() >= 43, "256 bits");
    let redeemed = redeem(&world, &otp).await;
    assert_eq!(redeemed.status, 201, "{redeemed:?}");
    let session: CreatedSession = serde_json::from_value(redeemed.body).expect("a session");
    assert_eq!(session.id, user.id);
    let mut raw = Raw::try_open(world.url(), None).await.expect("a greeting");
    let mut start = raw.start_frame(Operation::Generate);
    start.token = Some(session.client_session_token.expose().to_owned());
    raw.send_start(start).await;
    raw.hear_started().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_good_once_and_for_five_minutes() {
    let world = World::start().await;
    let user = world.user().await;
    let used = otp(&world, &user).await;
    assert_eq!(redeem(&world, &used).await.status, 201);
    let (in_time, late) = (otp(&world, &user).await, otp(&world, &user).await);
    world.clock.put_forward(Duration::from_secs(5 * 60 - 1));
    assert_eq!(redeem(&world, &in_time).await.status, 201);
    world.clock.put_forward(Duration::from_secs(1));
    let unknown = redeem(&world, "ptl_wotp_").await;
    unknown.is_problem(401, "AUTH_FAILED", "unknown");
    for (otp, when) in [
        (used.as_str(), "used before"),
        (late.as_str(), "late"),
        (user.token.as_str(), "a session's token"),
        (user.api_key.as_str(), "an API key"),
    ] {
        let refused = redeem(&world, otp).await;
        assert_eq!(
            refused.without_trace(),
            unknown.clone().without_trace(),
            "{when}"
        );
    }
    // And it is no credential of any other kind.
    let fresh = otp(&world, &user).await;
    for path in ["/api/v3/clients/me", "/api/v3/custodians/me/clients"] {
        let refused = world.call(Method::GET, path, &fresh, None).await;
        refused.is_problem(401, "AUTH_FAILED", path);
    }
    assert_eq!(
        redeem(&world, &fresh).await.status,
        201,
        "not used up by it"
    );
}

/// A lost answer is no lost session, where the request can be told from another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_given_again_to_who_repeats_the_request() {
    let world = World::start().await;
    let user = world.user().await;
    let send = async |otp: &str, key: &str| {
        let path = format!("{}/api/v3/clients/sessions", world.url());
        let request = reqwest::Client::new().post(path);
        let request = request.header("idempotency-key", key);
        let answer = request.json(&json!({ "otp": otp })).send().await;
        let answer = answer.expect("an answer");
        Answer {
            status: answer.status().as_u16(),
            body: answer.json().await.expect("JSON"),
        }
    };
    let (password, another) = (otp(&world, &user).await, otp(&world, &user).await);
    let first = send(&password, "this-page").await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(send(&password, "this-page").await, first, "again");

    send(&password, "another-page")
        .await
        .is_problem(401, "AUTH_FAILED", "another key");
    let without = redeem(&world, &password).await;
    without.is_problem(401, "AUTH_FAILED", "no key");
    let mixed = send(&another, "this-page").await;
    mixed.is_problem(422, "IDEMPOTENT_REQUEST_MISMATCH", "another password");
    assert_eq!(send(&another, "another-page").await.status, 201, "is good");

    // Nobody gets a session of a client whose sessions were ended.
    let path = format!("/api/v3/custodians/me/clients/{}/sessions", user.id);
    let key = &world.customer.api_key;
    let revoked = world.call(Method::DELETE, &path, key, None).await;
    assert_eq!(revoked.status, 204, "{revoked:?}");
    send(&password, "this-page")
        .await
        .is_problem(401, "AUTH_FAILED", "ended");

    let kept = otp(&world, &user).await;
    let first = send(&kept, "a-third-page").await;
    world.clock.put_forward(Duration::from_secs(5 * 60 - 1));
    assert_eq!(send(&kept, "a-third-page").await, first, "in time");
    world.clock.put_forward(Duration::from_secs(1));
    send(&kept, "a-third-page")
        .await
        .is_problem(401, "AUTH_FAILED", "after five minutes");
}

/// Two browsers of one environment may choose the same key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browsers_key_is_its_own() {
    let world = World::start().await;
    for user in [world.user().await, world.user().await] {
        let body = json!({ "otp": otp(&world, &user).await });
        let path = format!("{}/api/v3/clients/sessions", world.url());
        let request = reqwest::Client::new().post(path);
        let request = request.header("idempotency-key", "1").json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let session: CreatedSession = answer.json().await.expect("a session");
        assert_eq!(session.id, user.id);
    }
}

/// Who is told to wait keeps the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_not_used_up_by_a_client_that_is_over_its_limit() {
    let world = World::start_with_rates(RateLimits {
        client_requests_per_minute: NonZeroU32::new(60).expect("not zero"),
        ..RateLimits::NONE
    })
    .await;
    let user = world.user().await;
    let otp = until("a client that is over its limit", async || {
        let otp = otp(&world, &user).await;
        let me = "/api/v3/clients/me";
        while world.call(Method::GET, me, &user.token, None).await.status != 429 {}
        // A second may have gone by meanwhile, and it is over its limit no more.
        (redeem(&world, &otp).await.status == 429).then_some(otp)
    })
    .await;
    let redeemed = until("a client that may call again", async || {
        let redeemed = redeem(&world, &otp).await;
        (redeemed.status != 429).then_some(redeemed)
    })
    .await;
    assert_eq!(redeemed.status, 201, "{redeemed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_ends_with_the_sessions() {
    let world = World::start().await;
    let user = world.user().await;
    let before = otp(&world, &user).await;
    let path = format!("/api/v3/custodians/me/clients/{}/sessions", user.id);
    let key = &world.customer.api_key;
    let revoked = world.call(Method::DELETE, &path, key, None).await;
    assert_eq!(revoked.status, 204, "{revoked:?}");
    let refused = redeem(&world, &before).await;
    refused.is_problem(401, "AUTH_FAILED", "made before");
    let after = otp(&world, &user).await;
    assert_eq!(redeem(&world, &after).await.status, 201, "made after");
}

/// Of those who come with one password at once, one gets a session.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_browsers_one_gets_the_session() {
    let world = World::start().await;
    let user = world.user().await;
    for _ in 0..10 {
        let otp = otp(&world, &user).await;
        let racers = (0..6).map(|_| redeem(&world, &otp));
        let answers = futures_util::future::join_all(racers).await;
        let granted = answers.iter().filter(|answer| answer.status == 201);
        assert_eq!(granted.count(), 1, "{answers:?}");
    }
}
