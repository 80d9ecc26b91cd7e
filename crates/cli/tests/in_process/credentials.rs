//! Credentials that are unknown, over, or of another kind.

use std::sync::Arc;
use std::time::Duration;

use portal_api::rest::CreatedSession;
use portal_api::session::Operation;
use portal_keychain::{Keychain, MemoryKeychain};
use portal_sdk::{ErrorId, Portal};
use reqwest::Method;
use serde_json::json;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused, until};
use crate::raw::Raw;
use crate::wallet::state_of;
use crate::world::{World, builder_at};

const UNKNOWN: &str = "ptl_sess_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_token_is_refused_everywhere() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let customer = world.customer.api_key.clone();
    let (prefix, _) = wallet.user.token.split_at(wallet.user.token.len() - 1);
    for token in [UNKNOWN, "-", prefix, customer.as_str()] {
        let keychain = Arc::new(MemoryKeychain::new());
        let built = Portal::builder(world.url(), token, keychain).build().await;
        refused(built, ErrorId::AuthFailed, "starting the SDK");

        let read = world
            .call(Method::GET, "/api/v3/clients/me", token, None)
            .await;
        read.is_problem(401, "AUTH_FAILED", "reading the state");

        let opened = Raw::try_open(world.url(), Some(token)).await;
        let (status, problem) = opened.err().expect("expected a refused upgrade");
        assert_eq!(
            (status, problem.get("id")),
            (401, Some(&json!("AUTH_FAILED"))),
            "in the header"
        );

        let mut raw = Raw::try_open(world.url(), None).await.expect("a greeting");
        let mut start = raw.start_frame(Operation::Generate);
        start.token = Some(token.to_owned());
        raw.send_start(start).await;
        assert_eq!(
            raw.hear_problem().await.id,
            ErrorId::AuthFailed,
            "in a frame"
        );
    }
    let read = world
        .call(Method::GET, "/api/v3/clients/me", "", None)
        .await;
    read.is_problem(401, "AUTH_FAILED", "no token");
    for nothing in [None, Some("")] {
        let mut raw = Raw::try_open(world.url(), nothing)
            .await
            .expect("a greeting");
        raw.start(Operation::Generate).await;
        assert_eq!(raw.hear_problem().await.id, ErrorId::AuthFailed, "no token");
    }
    wallet
        .assert_phone_signs(&world, "after the strangers")
        .await;
}

/// In a browser the token travels in the first frame; it is as good there as in the header.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_token_is_taken_in_the_header_and_in_the_first_frame() {
    let world = World::start().await;
    let user = world.user().await;
    let mut device_id = None;
    for token in [&user.token, &user.api_key] {
        for in_header in [true, false] {
            let header = in_header.then_some(token.as_str());
            let raw = Raw::try_open(world.url(), header).await;
            let mut raw = raw.expect("a greeting");
            // The same device takes its own lease over.
            raw.device_id = *device_id.get_or_insert(raw.device_id);
            let mut start = raw.start_frame(Operation::Generate);
            start.token = (!in_header).then(|| token.clone());
            raw.send_start(start).await;
            raw.hear_started().await;
        }
    }
    let portal = world.fresh_device(&user).await;
    let created = until("the lease to be given back", async || {
        let created = portal.create_wallet().await;
        created.ok().map(|created| created.addresses)
    })
    .await;
    let keys = Keys::of(&portal).await;
    assert_eq!(created, keys.addresses);
    assert_signs(&portal, &keys, "in the end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_over_is_replaced_by_the_next() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    world.clock.put_forward(Duration::from_secs(25 * 3600));
    let over = ErrorId::AuthFailed;
    refused(wallet.portal.state().await, over, "after an idle day");
    let sign = wallet
        .portal
        .raw_sign(portal_sdk::Curve::Ed25519, b"m")
        .await;
    refused(sign, over, "after an idle day");

    let path = format!("/api/v3/custodians/me/clients/{}/sessions", wallet.user.id);
    let key = &world.customer.api_key;
    let made = world.call(Method::POST, &path, key, Some(json!({}))).await;
    let made: CreatedSession = serde_json::from_value(made.body).expect("a session");
    for token in [made.client_session_token.expose(), &wallet.user.api_key] {
        let phone = Arc::clone(&wallet.phone);
        let portal = Portal::builder(world.url(), token, phone).build().await;
        let portal = granted(portal, "with a new token");
        assert_signs(&portal, &wallet.keys, "with a new token").await;
    }
}

/// What answers in the server's place (a login page, a captive portal) is not believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_from_elsewhere_is_none() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let state = serde_json::to_value(state_of(&wallet.portal).await).expect("JSON");
    let router = axum::Router::new()
        .route(
            "/api/v3/clients/me",
            axum::routing::get(|| async { axum::response::Redirect::temporary("/elsewhere") }),
        )
        .route(
            "/elsewhere",
            axum::routing::get(|| async { axum::Json(state) }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let phone = Arc::clone(&wallet.phone) as Arc<dyn Keychain>;
    let built = builder_at(&url, &wallet.user, phone).build().await;
    refused(built.map(|_| ()), ErrorId::BadRequest, "redirected");
    served.abort();
}
