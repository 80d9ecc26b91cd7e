//! Where a request stands in its caller's trace reaches the customer's backend, also where no
//! spans are recorded.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use portal_api::TRACE_HEADER;
use portal_serving::TRACEPARENT_HEADER;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::wallet::state_of;
use crate::world::World;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACE_ID: &str = "0af76519-16cd-43dd-8448-eb211c80319c";
const OTHER_ID: &str = "0192f0c1-2f5e-7c3a-9d41-5a0b8c7e6f10";

type Heard = Arc<Mutex<Option<HeaderMap>>>;

async fn hear(State(heard): State<Heard>, headers: HeaderMap) -> axum::Json<serde_json::Value> {
    *heard.lock().expect("no panic") = Some(headers);
    axum::Json(json!({ "backupShares": [] }))
}

/// Has the customer's backend say what it hears.
async fn listen_in(world: &World) -> Heard {
    let heard = Heard::default();
    let router = Router::new()
        .route("/backup/fetch", post(hear))
        .with_state(Arc::clone(&heard));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, router).await });
    world.send_webhooks_to(&url).await;
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_goes_on_at_the_customers_backend() {
    let world = World::start().await;
    let heard = listen_in(&world).await;
    let caller = format!("00-{TRACE}-b7ad6b7169203331-00");
    let malformed = caller.replacen("00", "ff", 1);
    for (what, sent_parent, sent_id, expected_parent, expected_id) in [
        // Both have 128 bits, and one of them is enough.
        (
            "a parent",
            Some(&caller),
            None,
            Some(&caller),
            Some(TRACE_ID),
        ),
        (
            "both",
            Some(&caller),
            Some(OTHER_ID),
            Some(&caller),
            Some(OTHER_ID),
        ),
        ("an id", None, Some(OTHER_ID), None, Some(OTHER_ID)),
        ("what is none", Some(&malformed), None, None, None),
    ] {
        let test = format!("{}/api/v3/custodians/me/webhook/test", world.url());
        let mut request = reqwest::Client::new().post(test).json(&json!({}));
        request = request.bearer_auth(&world.customer.api_key);
        if let Some(parent) = sent_parent {
            request = request.header(TRACEPARENT_HEADER, parent);
        }
        if let Some(id) = sent_id {
            request = request.header(TRACE_HEADER, id);
        }
        let answer = request.send().await.expect("an answer");
        let returned = answer.headers()[TRACE_HEADER].to_str().expect("text");
        let heard = heard.lock().expect("no panic").take().expect(what);
        let of = |name: &str| heard.get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(
            of(TRACEPARENT_HEADER),
            expected_parent.map(String::as_str),
            "{what}"
        );
        assert_eq!(of(TRACE_HEADER), Some(returned), "{what}");
        if let Some(id) = expected_id {
            assert_eq!(returned, id, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_decides_nothing_of_what_the_customer_records() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let id = state_of(&wallet.portal).await.wallets[0].id;
    let path = format!(
        "/api/v3/custodians/me/clients/{}/enable-eject",
        wallet.user.id
    );
    let body = Some(json!({ "walletId": id }));
    let key = &world.customer.api_key;
    let opened = world.call(Method::PATCH, &path, key, body).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let heard = listen_in(&world).await;

    let url = world.url();
    let prepare = format!("{url}/api/v3/clients/me/wallets/{id}/prepare-eject");
    let request = reqwest::Client::new()
        .post(prepare)
        .bearer_auth(&wallet.user.token)
        .header(
            TRACEPARENT_HEADER,
            format!("00-{TRACE}-b7ad6b7169203331-01"),
        )
        .json(&json!({ "backupMethod": "CUSTOM" }));
    request.send().await.expect("an answer");
    let heard = heard.lock().expect("no panic").take().expect("a call");
    // It is found under the device's trace, and that is all.
    assert_eq!(heard[TRACE_HEADER], TRACE_ID);
    assert_eq!(heard.get(TRACEPARENT_HEADER), None);
}
