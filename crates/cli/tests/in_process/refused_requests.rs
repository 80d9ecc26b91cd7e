//! Whatever is wrong with a request, the answer is a problem that says so.

use portal_api::limits::{CIPHER_TEXT_BYTES, LEAST_BODY_BYTES};
use portal_server::Limits;
use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, UPGRADE};
use serde_json::Value;

use crate::world::World;

const CLIENTS: &str = "/api/v3/custodians/me/clients";

struct Seen {
    status: u16,
    id: String,
    headers: reqwest::header::HeaderMap,
}

async fn send(
    world: &World,
    method: Method,
    path: &str,
    with: &[(&str, &str)],
    body: Vec<u8>,
) -> Seen {
    let url = format!("{}{path}", world.url());
    let key = &world.customer.api_key;
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(key);
    for (name, value) in with {
        request = request.header(*name, *value);
    }
    let response = request.body(body).send().await.expect("an answer");
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let media_type = headers.get(CONTENT_TYPE).expect("a type").clone();
    assert_eq!(media_type, "application/problem+json", "{path}");
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(
        problem.get("status"),
        Some(&Value::from(status)),
        "{problem}"
    );
    let trace = headers.get("x-portal-trace-id").expect("a trace id");
    assert_eq!(
        problem.get("traceId").and_then(Value::as_str),
        trace.to_str().ok()
    );
    let id = problem.get("id").and_then(Value::as_str).expect("an id");
    Seen {
        status,
        id: id.to_owned(),
        headers,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_told() {
    let world = World::start().await;
    let json = [("content-type", "application/json")];
    let text = [("content-type", "text/plain")];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let bodies: [(&str, Headers<'_>, Vec<u8>, u16, &str); 9] = [
        ("no type", &[], b"{}".to_vec(), 415, "BAD_REQUEST"),
        ("another type", &text, b"{}".to_vec(), 415, "BAD_REQUEST"),
        ("broken off", &json, b"{".to_vec(), 400, "BAD_REQUEST"),
        ("no object", &json, b"[]".to_vec(), 400, "BAD_REQUEST"),
        ("two values", &json, b"{} {}".to_vec(), 400, "BAD_REQUEST"),
        ("no text", &json, b"\"\xff\"".to_vec(), 400, "BAD_REQUEST"),
        (
            "an unknown field",
            &json,
            b"{\"a\":1}".to_vec(),
            400,
            "BAD_REQUEST",
        ),
        (
            "another kind",
            &json,
            b"{\"isAccountAbstracted\":1}".to_vec(),
            400,
            "BAD_REQUEST",
        ),
        (
            "too long",
            &json,
            vec![b' '; 64 * 1024 + 1],
            413,
            "PAYLOAD_TOO_LARGE",
        ),
    ];
    for path in [CLIENTS, "/api/clients"] {
        for (what, headers, body, status, id) in bodies.clone() {
            let seen = send(&world, Method::POST, path, headers, body).await;
            assert_eq!((seen.status, seen.id.as_str()), (status, id), "{what}");
        }
    }
    let queries = [
        "take=0",
        "take=101",
        "take=-1",
        "take=x",
        "cursor=x",
        "cursor=",
        "other=1",
        "take=1&take=2",
    ];
    for query in queries {
        let path = format!("{CLIENTS}?{query}");
        let seen = send(&world, Method::GET, &path, &[], Vec::new()).await;
        assert_eq!(
            (seen.status, seen.id.as_str()),
            (400, "BAD_REQUEST"),
            "{query}"
        );
    }
    let seen = send(&world, Method::GET, "/api/v3/nowhere", &[], Vec::new()).await;
    assert_eq!((seen.status, seen.id.as_str()), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_names_the_right_ones() {
    let world = World::start().await;
    for (path, allowed) in [
        (CLIENTS, vec!["GET", "HEAD", "POST"]),
        ("/api/v3/clients/me", vec!["GET", "HEAD"]),
        ("/api/v3/clients/me/signing-share-pairs", vec!["PATCH"]),
    ] {
        let seen = send(&world, Method::PUT, path, &[], Vec::new()).await;
        assert_eq!(
            (seen.status, seen.id.as_str()),
            (405, "BAD_REQUEST"),
            "{path}"
        );
        let header = seen.headers.get(ALLOW).expect("the methods");
        let mut named: Vec<_> = header
            .to_str()
            .expect("text")
            .split(',')
            .map(str::trim)
            .collect();
        named.sort_unstable();
        assert_eq!(named, allowed, "{path}");
    }
    let user = world.user().await;
    let url = format!("{}/api/v3/clients/me/mpc", world.url());
    let plain = reqwest::Client::new().get(url).bearer_auth(&user.token);
    let plain = plain.send().await.expect("an answer");
    assert_eq!(plain.status(), 426);
    assert_eq!(plain.headers().get(UPGRADE).expect("what to"), "websocket");
}

/// A trace id is taken if it is a UUID, and replaced if it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_id_is_taken_or_made() {
    let world = World::start().await;
    let given = "019a0000-0000-7000-8000-0000000000aa";
    for (sent, taken) in [(given, true), ("not one", false), ("", false)] {
        let with = [("x-portal-trace-id", sent)];
        let seen = send(&world, Method::GET, "/api/v3/nowhere", &with, Vec::new()).await;
        let told = seen.headers.get("x-portal-trace-id").expect("one");
        let told = told.to_str().expect("text");
        assert_eq!(told == sent, taken, "{sent:?}: {told}");
        assert!(uuid::Uuid::parse_str(told).is_ok(), "{told}");
    }
}

/// Pages: as many as were asked for, all of them in the end, and how many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_read_page_by_page() {
    let world = World::start().await;
    let key = world.customer.api_key.clone();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.user().await.id.to_string());
    }
    made.sort_unstable();
    let read = read_all(&world, CLIENTS, &key, 2, 5).await;
    assert_eq!(read, made);

    let (wallet, _) = world.backed_up_wallet().await;
    for _ in 0..2 {
        wallet.portal.refresh_wallet().await.expect("refreshed");
    }
    let state = crate::wallet::state_of(&wallet.portal).await;
    for of_curve in &state.wallets {
        let id = of_curve.id;
        let path = format!("/api/v3/clients/me/wallets/{id}/signing-share-pairs");
        let read = read_all(&world, &path, &wallet.user.token, 2, 3).await;
        let pairs = of_curve.signing_share_pairs.iter();
        assert_eq!(
            read,
            pairs.map(|pair| pair.id.to_string()).collect::<Vec<_>>()
        );
        let stray = format!("{path}?cursor={id}");
        let stray = world
            .call(Method::GET, &stray, &wallet.user.token, None)
            .await;
        stray.is_problem(400, "BAD_REQUEST", "a cursor of no page of this list");
    }
}

/// The operator says how large a body may be; a cipher text always goes in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_be_as_large_as_the_operator_says() {
    let world = World::start_with(Limits {
        body_bytes: LEAST_BODY_BYTES,
        ..Limits::default()
    })
    .await;
    let json = [("content-type", "application/json")];
    let padded = |length: usize| {
        let mut body = b"{}".to_vec();
        body.resize(length, b' ');
        body
    };
    let url = format!("{}{CLIENTS}", world.url());
    let request = reqwest::Client::new().post(url);
    let request = request.bearer_auth(&world.customer.api_key);
    let request = request.header(CONTENT_TYPE, "application/json");
    let at_limit = request.body(padded(LEAST_BODY_BYTES)).send().await;
    assert_eq!(at_limit.expect("an answer").status(), 201);
    let over = padded(LEAST_BODY_BYTES + 1);
    let over = send(&world, Method::POST, CLIENTS, &json, over).await;
    assert_eq!((over.status, over.id.as_str()), (413, "PAYLOAD_TOO_LARGE"));

    // Each of its characters takes two.
    let cipher_text = "\"".repeat(CIPHER_TEXT_BYTES);
    let body = serde_json::json!({ "clientCipherText": cipher_text });
    let user = world.user().await;
    let nobodys = "019a0000-0000-7000-8000-00000000dead";
    let path = format!("/api/v3/clients/me/backup-share-pairs/{nobodys}/cipher-text");
    let seen = world.call(Method::PATCH, &path, &user.token, Some(body));
    let seen = seen.await;
    seen.is_problem(404, "NOT_FOUND", "read, and of no pair");
}

async fn read_all(world: &World, path: &str, token: &str, take: u64, total: u64) -> Vec<String> {
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}?take={take}{cursor}");
        let page = world.call(Method::GET, &path, token, None).await;
        assert_eq!(page.status, 200, "{page:?}");
        let at = |pointer: &str| page.body.pointer(pointer).and_then(Value::as_u64);
        assert_eq!(
            (at("/metadata/take"), at("/metadata/total")),
            (Some(take), Some(total))
        );
        let results = page.body.get("results").and_then(Value::as_array);
        let ids = results.expect("results").iter();
        read.extend(ids.map(|entry| entry["id"].as_str().expect("an id").to_owned()));
        match page.body.pointer("/metadata/cursor").expect("a cursor") {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return read,
        }
    }
}
