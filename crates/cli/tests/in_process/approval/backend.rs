//! The custodian's backend is asked before each signature, and its word counts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, post};
use portal_api::session::Wanted;
use portal_api::signing_policy::{Approval, SigningPolicy};
use portal_api::webhook::ApproveSignature;
use portal_chains::ChainId;
use portal_lifecycle::Curve;
use portal_sdk::ErrorId;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::{FRIEND, OF_ALL, of_client, pay, payment, put};
use crate::by_hand;
use crate::expect::{granted, refused};
use crate::still_allowed;
use crate::world::World;

/// A status, and a body.
type Answer = (StatusCode, &'static str);

/// What the custodian's backend is asked, and what it answers.
#[derive(Clone, Default)]
pub(super) struct Approver {
    asked: Arc<Mutex<Vec<ApproveSignature>>>,
    /// The id of the call that came last.
    call: Arc<Mutex<String>>,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Approver {
    /// A backend that answers so; without an answer it hangs.
    pub(super) async fn start(&self) -> String {
        let approver = self.clone();
        let approve = post(async move |headers: HeaderMap, body: Bytes| {
            let id = headers["webhook-id"].to_str().expect("an id").to_owned();
            *approver.call.lock().expect("no panic") = id;
            let question = serde_json::from_slice(&body).expect("a question");
            approver.asked.lock().expect("no panic").push(question);
            let answer = *approver.answer.lock().expect("no panic");
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        });
        serve(approve).await
    }

    pub(super) fn answers(&self, status: u16, body: &'static str) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.answer.lock().expect("no panic") = Some((status, body));
    }

    /// All that it was asked.
    pub(super) fn asked(&self) -> Vec<ApproveSignature> {
        self.asked.lock().expect("no panic").clone()
    }

    fn hangs(&self) {
        *self.answer.lock().expect("no panic") = None;
    }
}

/// A backend that answers this question alone; its URL.
async fn serve(approve: MethodRouter) -> String {
    let router = axum::Router::new().route("/sign/approve", approve);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_custodians_backend_must_say_yes_to_each_signature() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let portal = &wallet.portal;
    let approver = Approver::default();
    world.send_webhooks_to(&approver.start().await).await;
    let asks = SigningPolicy {
        raw_signing: true,
        approval: Approval::Webhook,
        ..SigningPolicy::default()
    };
    put(&world, OF_ALL, &asks).await;
    for (status, body) in [
        (200, ""),
        (204, ""),
        (200, "null"),
        (200, "{}\n"),
        (201, r#"{"approved": true, "by": "rules"}"#),
    ] {
        approver.answers(status, body);
        granted(pay(portal, 5).await, body);
    }
    granted(portal.raw_sign(Curve::Ed25519, b"m").await, "allowed");
    for status in [302, 400, 403, 404, 500] {
        approver.answers(status, r#"{"approved": true}"#);
        let error = refused(pay(portal, 5).await, ErrorId::Forbidden, "denied");
        assert!(!error.is_retryable(), "{error:?}");
    }
    // A page of a proxy, say, and what only sounds like a yes.
    for body in [
        "<!doctype html><title>Welcome</title>",
        "OK",
        "true",
        "[true]",
        r#""approved""#,
        r#"{"approved": false}"#,
        r#"{"approved": null}"#,
        r#"{"approved": "true"}"#,
        r#"{"approved": true"#,
    ] {
        approver.answers(200, body);
        refused(pay(portal, 5).await, ErrorId::Forbidden, body);
    }
    approver.hangs();
    let error = refused(
        pay(portal, 5).await,
        ErrorId::WebhookFailed,
        "five seconds of silence",
    );
    assert!(error.is_retryable(), "{error:?}");
    // The detail has the very time that was waited: another limit would be told here.
    let told = "the custodian did not approve within 5 s";
    assert!(error.detail().contains(told), "seen {error}");
    world.send_webhooks_to("http://127.0.0.1:1").await;
    refused(
        pay(portal, 5).await,
        ErrorId::WebhookFailed,
        "nobody listens",
    );

    let asked = approver.asked();
    let request = asked[0].request.as_ref().expect("a request");
    assert_eq!(request.chain, "eip155:11155111");
    assert_eq!(request.method, "eth_signTransaction");
    assert_eq!(request.params, payment(5));
    assert_eq!(request.reading["to"], FRIEND);
    assert_eq!(request.reading["value"], "5");
    assert_eq!(request.reading["amounts"], json!([{"max": "21005"}]));
    assert!(request.summary.contains(FRIEND), "{}", request.summary);
    assert_eq!((request.payload_index, request.payload_count), (0, 1));
    assert_eq!(asked[0].client_id, wallet.user.id);
    let raw = asked.iter().find(|question| question.request.is_none());
    let raw = raw.expect("a question of raw bytes");
    assert_eq!(raw.payload.0, b"m");
}

pub(super) fn asking() -> SigningPolicy {
    SigningPolicy {
        approval: Approval::Webhook,
        ..SigningPolicy::default()
    }
}

/// The backend hears of a request when the client has shown that it holds its share: a token alone
/// uses nothing up there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_alone_does_not_reach_the_custodians_backend() {
    let world = World::start().await;
    let user = world.user().await;
    let pair = still_allowed::pair(&world, &user).await;
    let approver = Approver::default();
    approver.answers(204, "");
    world.send_webhooks_to(&approver.start().await).await;
    put(&world, OF_ALL, &asking()).await;
    let wanted = Wanted::Request {
        chain: "sepolia".to_owned(),
        method: "eth_signTransaction".to_owned(),
        params: payment(1),
        payload_index: 0,
    };
    // What it says does not go with the pair's set-up and the request.
    let said = by_hand::signs_another_digest(&world, &user, &pair, wanted, [7; 32]).await;
    assert_eq!(said.id, ErrorId::MpcSessionMismatch);
    assert_eq!(approver.asked().len(), 0);
}

/// The line of a signature says what it was for, and by whose leave it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signatures_line_says_what_allowed_it() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let approver = Approver::default();
    approver.answers(204, "");
    world.send_webhooks_to(&approver.start().await).await;
    put(&world, OF_ALL, &asking()).await;
    put(&world, &of_client(&wallet), &SigningPolicy::default()).await;
    granted(pay(&wallet.portal, 5).await, "allowed");
    let lines = async |act: &str| {
        let path = format!("/api/v3/custodians/me/audit-events?act={act}");
        let page = world.call(Method::GET, &path, &world.customer.api_key, None);
        let results = page.await.body["results"].clone();
        results.as_array().expect("lines").clone()
    };
    let policies = lines("SIGNING_POLICY_CHANGED").await;
    let [.., environment, client] = policies.as_slice() else {
        panic!("expected two policies, seen {policies:?}");
    };
    let signature = lines("SIGNATURE").await;
    let details = &signature.last().expect("a line")["details"];
    let call = approver.call.lock().expect("no panic").clone();
    for (name, expected) in [
        ("chain", &json!("eip155:11155111")),
        ("method", &json!("eth_signTransaction")),
        (
            "environmentPolicyDigest",
            &environment["details"]["policyDigest"],
        ),
        ("clientPolicyDigest", &client["details"]["policyDigest"]),
        ("approvalId", &json!(call)),
    ] {
        assert!(expected.is_string(), "{name}");
        assert_eq!(&details[name], expected, "{name}");
    }
}

/// What is put while the backend thinks holds as well: it was asked about a former policy's world.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_is_put_while_the_backend_is_asked_holds() {
    let world = Arc::new(World::start().await);
    let wallet = world.wallet().await;
    let thinking = Arc::clone(&world);
    let approve = post(async move |_: Bytes| {
        let nothing = SigningPolicy {
            methods: Some(Vec::new()),
            ..SigningPolicy::default()
        };
        put(&thinking, OF_ALL, &nothing).await;
        StatusCode::NO_CONTENT
    });
    world.send_webhooks_to(&serve(approve).await).await;
    put(&world, OF_ALL, &asking()).await;
    refused(
        pay(&wallet.portal, 5).await,
        ErrorId::Forbidden,
        "overtaken",
    );
    let path = "/api/v3/custodians/me/audit-events?act=SIGNATURE";
    let page = world.call(Method::GET, path, &world.customer.api_key, None);
    assert_eq!(page.await.body["metadata"]["total"], 0);
}

/// Where a policy is put whenever the backend is asked, judging anew has an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_judged_anew_a_few_times_and_no_more() {
    let world = Arc::new(World::start().await);
    let wallet = world.wallet().await;
    let times = Arc::new(AtomicUsize::new(0));
    let (putting, asked) = (Arc::clone(&world), Arc::clone(&times));
    let approve = post(async move |_: Bytes| {
        let time = asked.fetch_add(1, Ordering::Relaxed);
        let another = SigningPolicy {
            blocklist: vec![format!("0x{time:040x}")],
            ..asking()
        };
        put(&putting, OF_ALL, &another).await;
        StatusCode::NO_CONTENT
    });
    world.send_webhooks_to(&serve(approve).await).await;
    put(&world, OF_ALL, &asking()).await;
    let error = refused(
        pay(&wallet.portal, 5).await,
        ErrorId::OperationInProgress,
        "overtaken each time",
    );
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(times.load(Ordering::Relaxed), 4);
}

/// Whoever approves is shown what leaves: what nothing but the client's word says is not shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backend_is_not_asked_about_values_that_are_not_proven() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let approver = Approver::default();
    approver.answers(204, "");
    world.send_webhooks_to(&approver.start().await).await;
    put(&world, OF_ALL, &asking()).await;
    let chain: ChainId = "bitcoin-testnet".parse().expect("a chain");
    // BIP-143's example of two inputs.
    let unsigned = "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff\
        ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a914\
        8280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa8159\
        88ac11000000";
    let one = json!([{"index": 1, "value": 600_000_000}]);
    let both = json!([{"index": 0, "value": 1}, {"index": 1, "value": 600_000_000}]);
    let method = "btc_signTransaction";
    let sign = async |inputs| {
        let params = json!([{"transaction": unsigned, "inputs": inputs}]);
        wallet.portal.sign(&chain, method, &params).await
    };
    refused(sign(both).await, ErrorId::Forbidden, "unproven");
    assert_eq!(approver.asked().len(), 0);
    granted(
        sign(one).await,
        "the only value that the signature is tied to",
    );
    assert_eq!(approver.asked().len(), 1);
}
