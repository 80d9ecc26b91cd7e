//! How often a caller may call.

use std::num::NonZeroU32;

use portal_api::session::Operation;
use portal_sdk::ErrorId;
use portal_server::RateLimits;
use reqwest::Method;

use crate::raw::Raw;
use crate::world::World;

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

async fn retry_after(world: &World, path: &str, token: &str) -> (u16, Option<u64>) {
    let response = reqwest::Client::new()
        .get(format!("{}{path}", world.url()))
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer");
    let header = response.headers().get("retry-after");
    let seconds = header.map(|value| value.to_str().expect("text").parse().expect("a number"));
    (response.status().as_u16(), seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_has_its_own_limit() {
    const CLIENTS: &str = "/api/v3/custodians/me/clients";
    const ME: &str = "/api/v3/clients/me";
    let world = World::start_with_rates(RateLimits {
        client_requests_per_minute: number(3),
        custodian_requests_per_minute: number(4),
        ..RateLimits::NONE
    })
    .await;
    let (one, other) = (world.user().await, world.user().await);
    let key = world.customer.api_key.clone();
    for (path, token, left) in [(ME, &one.token, 3), (CLIENTS, &key, 2)] {
        for _ in 0..left {
            let read = world.call(Method::GET, path, token, None).await;
            assert_eq!(read.status, 200, "{path}: {read:?}");
        }
        let over = world.call(Method::GET, path, token, None).await;
        over.is_problem(429, "RATE_LIMITED", path);
        let (status, seconds) = retry_after(&world, path, token).await;
        assert_eq!(status, 429);
        let seconds = seconds.expect("when to try again");
        assert!((1..=20).contains(&seconds), "{path}: {seconds} s");
    }
    let read = world.call(Method::GET, ME, &one.api_key, None).await;
    read.is_problem(429, "RATE_LIMITED", "the client's other credential");
    let read = world.call(Method::GET, ME, &other.token, None).await;
    assert_eq!(read.status, 200, "another client: {read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_operations_begin_in_a_minute() {
    let world = World::start_with_rates(RateLimits {
        client_operations_per_minute: number(2),
        ..RateLimits::NONE
    })
    .await;
    let (one, other) = (world.user().await, world.user().await);
    for user in [&one, &other] {
        for allowed in [true, true, false] {
            let mut raw = Raw::open(world.url(), &user.token).await;
            let nowhere = Operation::Recover {
                backup_share_pair_ids: portal_lifecycle::PerCurve::new(
                    portal_lifecycle::ids::BackupSharePairId(uuid::Uuid::nil()),
                    portal_lifecycle::ids::BackupSharePairId(uuid::Uuid::max()),
                ),
                blinded: None,
            };
            raw.start(nowhere).await;
            let id = raw.hear_problem().await.id;
            assert_eq!(id == ErrorId::RateLimited, !allowed, "{id}");
        }
    }
}

/// Who guesses is not listened to, with whatever comes next; what is right from elsewhere is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_guesses_is_not_listened_to() {
    let world = World::start_with_rates(RateLimits {
        failed_authentications_per_minute: number(5),
        ..RateLimits::NONE
    })
    .await;
    let user = world.user().await;
    let me = "/api/v3/clients/me";
    for guess in 0..5 {
        let token = format!("ptl_sess_{guess}");
        let refused = world.call(Method::GET, me, &token, None).await;
        refused.is_problem(401, "AUTH_FAILED", "a guess");
    }
    let over = world.call(Method::GET, me, "ptl_sess_6", None).await;
    over.is_problem(429, "RATE_LIMITED", "a guess too many");
    let over = world.call(Method::GET, me, &user.token, None).await;
    over.is_problem(429, "RATE_LIMITED", "whatever comes from there");
    let opened = Raw::try_open(world.url(), Some(&user.token)).await;
    let (status, _) = opened.err().expect("expected a refused upgrade");
    assert_eq!(status, 429, "for a session, too");
    let alive = world.call(Method::GET, "/live", "", None).await;
    assert_eq!(alive.status, 204);
}
