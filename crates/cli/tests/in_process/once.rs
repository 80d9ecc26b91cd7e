//! `Idempotency-Key`: a request that is repeated is acted on once, and answered the same.

use std::time::Duration;

use portal_lifecycle::BackupMode;
use reqwest::Method;
use serde_json::Value;

use crate::rest::Answer;
use crate::world::World;

const CLIENTS: &str = "/api/v3/custodians/me/clients";
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// An answer with the headers that matter here.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    answer: Answer,
    retry_after: Option<String>,
}

async fn post(world: &World, path: &str, api_key: &str, key: &str, body: &str) -> Told {
    send(world, Method::POST, path, api_key, key, body).await
}

async fn send(
    world: &World,
    method: Method,
    path: &str,
    api_key: &str,
    key: &str,
    body: &str,
) -> Told {
    let response = reqwest::Client::new()
        .request(method, format!("{}{path}", world.url()))
        .bearer_auth(api_key)
        .header("idempotency-key", key)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .await
        .expect("an answer");
    let retry_after = response.headers().get("retry-after").cloned();
    Told {
        retry_after: retry_after.map(|value| value.to_str().expect("text").to_owned()),
        answer: Answer {
            status: response.status().as_u16(),
            body: response.json().await.expect("JSON"),
        },
    }
}

async fn clients(world: &World, api_key: &str) -> u64 {
    let list = world.call(Method::GET, CLIENTS, api_key, None).await.body;
    let total = list.pointer("/metadata/total").and_then(Value::as_u64);
    total.expect("a total")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_acted_on_once() {
    let mut world = World::start().await;
    let api_key = world.customer.api_key.clone();
    let body = r#"{"isAccountAbstracted":true}"#;
    let first = post(&world, CLIENTS, &api_key, "order-1", body).await;
    assert_eq!(first.answer.status, 201, "{first:?}");
    let spaced = r#" { "isAccountAbstracted" : true } "#;
    for (path, body) in [(CLIENTS, body), (CLIENTS, spaced), ("/api/clients", body)] {
        let again = post(&world, path, &api_key, "order-1", body).await;
        assert_eq!(again, first, "{path} {body}");
    }
    // The credentials of the answer are those that are in force.
    let token = first.answer.body.get("clientSessionToken");
    let token = token.and_then(Value::as_str).expect("a token").to_owned();
    let me = world
        .call(Method::GET, "/api/v3/clients/me", &token, None)
        .await;
    assert_eq!(me.body.get("id"), first.answer.body.get("id"));

    let other = post(&world, CLIENTS, &api_key, "order-1", "{}").await;
    other
        .answer
        .is_problem(422, "IDEMPOTENT_REQUEST_MISMATCH", "another body");
    let sessions = format!(
        "{CLIENTS}/{}/sessions",
        first.answer.body["id"].as_str().expect("an id")
    );
    let session = post(&world, &sessions, &api_key, "order-1", "{}").await;
    assert_eq!(session.answer.status, 201, "another route: {session:?}");
    assert_eq!(
        post(&world, &sessions, &api_key, "order-1", "").await,
        session
    );

    // Any node, after any restart, within thirty days.
    world.stop_server().await;
    world.start_server_again().await;
    world.clock.put_forward(KEPT - Duration::from_secs(60));
    assert_eq!(
        post(&world, CLIENTS, &api_key, "order-1", body).await,
        first
    );
    assert_eq!(clients(&world, &api_key).await, 1);
    world.clock.put_forward(Duration::from_secs(61));
    let anew = post(&world, CLIENTS, &api_key, "order-1", body).await;
    assert_eq!(anew.answer.status, 201, "{anew:?}");
    assert_ne!(anew, first, "forgotten after thirty days");
    assert_eq!(clients(&world, &api_key).await, 2);
}

/// How many lines of an act there are.
async fn lines(world: &World, act: &str) -> u64 {
    let path = format!("/api/v3/custodians/me/audit-events?act={act}");
    let page = world.call(Method::GET, &path, &world.customer.api_key, None);
    let total = page.await.body["metadata"]["total"].as_u64();
    total.expect("a total")
}

/// The answer of a rotation may be lost, and the receiver must still come to know the secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_rotation_is_one_rotation() {
    const WEBHOOK: &str = "/api/v3/custodians/me/webhook";
    let world = World::start().await;
    let api_key = world.customer.api_key.clone();
    let changed = lines(&world, "WEBHOOK_CHANGED").await;
    let put =
        async |key: &str, body: &str| send(&world, Method::PUT, WEBHOOK, &api_key, key, body).await;
    let rotate = r#"{"rotateSecret":true}"#;
    let first = put("rotation-1", rotate).await;
    assert_eq!(first.answer.status, 200, "{first:?}");
    assert!(first.answer.body["secret"].is_string(), "{first:?}");
    assert_eq!(put("rotation-1", rotate).await, first);
    assert_eq!(lines(&world, "WEBHOOK_CHANGED").await, changed + 1);
    assert_eq!(lines(&world, "CREDENTIAL_SHOWN_AGAIN").await, 1);
    let other = put("rotation-1", "{}").await.answer;
    other.is_problem(422, "IDEMPOTENT_REQUEST_MISMATCH", "another body");

    // A change that shows no secret tells nothing, however often.
    let end = r#"{"endFormerSecret":true}"#;
    let ended = put("end-1", end).await;
    assert_eq!(put("end-1", end).await, ended);
    assert_eq!(lines(&world, "CREDENTIAL_SHOWN_AGAIN").await, 1);

    // While it signs, as the former one too, it is told again; then no more.
    put("rotation-2", rotate).await;
    assert_eq!(put("rotation-1", rotate).await, first);
    put("end-2", end).await;
    let over = put("rotation-1", rotate).await.answer;
    over.is_problem(
        422,
        "IDEMPOTENT_REQUEST_MISMATCH",
        "a secret that has ended",
    );
}

/// Whoever has another key of the environment could ask for it weeks later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_is_told_again_leaves_a_line_until_it_is_revoked() {
    let world = World::start().await;
    let api_key = world.customer.api_key.clone();
    let made = post(&world, CLIENTS, &api_key, "k", "{}").await;
    let client = format!(
        "{CLIENTS}/{}",
        made.answer.body["id"].as_str().expect("an id")
    );
    let (sessions, keys) = (format!("{client}/sessions"), format!("{client}/api-key"));
    let mut told = 0;
    // Each revokes what the request before it was answered with, or replaces it.
    for (path, revoked) in [(CLIENTS, &keys), (&sessions, &sessions), (&keys, &keys)] {
        let first = post(&world, path, &api_key, "k", "{}").await;
        let before = lines(&world, "CREDENTIAL_SHOWN_AGAIN").await;
        assert_eq!(post(&world, path, &api_key, "k", "{}").await, first);
        told = lines(&world, "CREDENTIAL_SHOWN_AGAIN").await;
        assert_eq!(told, before + 1, "{path}");
        let ended = world.call(Method::DELETE, revoked, &api_key, None).await;
        assert_eq!(ended.status, 204, "{ended:?}");
        let over = post(&world, path, &api_key, "k", "{}").await.answer;
        over.is_problem(422, "IDEMPOTENT_REQUEST_MISMATCH", path);
    }
    assert_eq!(lines(&world, "CREDENTIAL_SHOWN_AGAIN").await, told);
}

/// Another customer's key of the same name is another key; two keys of one environment share it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_its_environments() {
    let world = World::start().await;
    let operator = world.operator();
    let other = operator
        .create_custodian("Other", "test", None, BackupMode::Plain)
        .await;
    let other = other.expect("a customer").api_key;
    let own = world.customer.api_key.clone();
    let second = operator.create_custodian_key(world.customer.environment_id);
    let (second, _) = second.await.expect("a second key");
    let first = post(&world, CLIENTS, &own, "same", "{}").await;
    let theirs = post(&world, CLIENTS, &other, "same", "{}").await;
    assert_eq!((first.answer.status, theirs.answer.status), (201, 201));
    assert_ne!(first, theirs, "another customer is told what is another's");
    assert_eq!(post(&world, CLIENTS, &second, "same", "{}").await, first);
    assert_eq!(clients(&world, &own).await, 1);
    assert_eq!(clients(&world, &other).await, 1);
}

/// What was refused may be asked again, mended, with the same key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_not_kept() {
    let world = World::start().await;
    let api_key = world.customer.api_key.clone();
    let bad = post(&world, CLIENTS, &api_key, "k", r#"{"isAccount":1}"#).await;
    bad.answer
        .is_problem(400, "BAD_REQUEST", "an unknown field");
    let nobody = format!("{CLIENTS}/019a0000-0000-7000-8000-00000000dead/sessions");
    let unknown = post(&world, &nobody, &api_key, "k", "{}").await;
    unknown.answer.is_problem(404, "NOT_FOUND", "nobody");
    let good = post(&world, CLIENTS, &api_key, "k", "{}").await;
    assert_eq!(good.answer.status, 201, "{good:?}");
    for key in ["", "two words", &"k".repeat(256)] {
        let refused = post(&world, CLIENTS, &api_key, key, "{}").await;
        refused.answer.is_problem(400, "BAD_REQUEST", key);
    }
    let longest = post(&world, CLIENTS, &api_key, &"k".repeat(255), "{}").await;
    assert_eq!(longest.answer.status, 201, "{longest:?}");
}

/// Of those who come with one key at once, one acts; the others are told its answer, or to come
/// again for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_requests_one_is_acted_on() {
    let world = World::start().await;
    let api_key = world.customer.api_key.clone();
    for round in 0..10 {
        let key = format!("round-{round}");
        let racers = (0..8).map(|_| post(&world, CLIENTS, &api_key, &key, "{}"));
        let told = futures_util::future::join_all(racers).await;
        let made: Vec<_> = told
            .iter()
            .filter(|told| told.answer.status == 201)
            .collect();
        assert!(!made.is_empty(), "{told:?}");
        assert!(made.iter().all(|told| *told == made[0]), "{told:?}");
        for told in told.iter().filter(|told| told.answer.status != 201) {
            told.answer
                .is_problem(409, "IDEMPOTENT_REQUEST_IN_PROGRESS", "a racer");
            assert_eq!(told.retry_after.as_deref(), Some("1"));
        }
        let again = post(&world, CLIENTS, &api_key, &key, "{}").await;
        assert_eq!(again, *made[0], "afterwards");
        assert_eq!(clients(&world, &api_key).await, round + 1);
    }
}

/// A caller that hangs up in the middle finds the answer when it comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_caller_is_gone_is_acted_on() {
    let world = World::start().await;
    let api_key = world.customer.api_key.clone();
    for after_us in (0..40).map(|n| n * 250) {
        let key = format!("gone-{after_us}");
        let request = post(&world, CLIENTS, &api_key, &key, "{}");
        let _ = tokio::time::timeout(Duration::from_micros(after_us), request).await;
        let answered = crate::expect::until("an answer", async || {
            let told = post(&world, CLIENTS, &api_key, &key, "{}").await;
            (told.answer.status == 201).then_some(told)
        })
        .await;
        let again = post(&world, CLIENTS, &api_key, &key, "{}").await;
        assert_eq!(again, answered);
    }
    assert_eq!(clients(&world, &api_key).await, 40);
}
