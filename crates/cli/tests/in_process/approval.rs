//! What a wallet signs is decided by the custodian: by its signing policy and by its backend.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use portal_api::session::Wanted;
use portal_api::signing_policy::{Approval, SigningPolicy, ValueCap};
use portal_api::webhook::ApproveSignature;
use portal_chains::ChainId;
use portal_lifecycle::Curve;
use portal_sdk::{Error, ErrorId, Portal, SignedRequest};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::by_hand;
use crate::expect::{granted, refused};
use crate::still_allowed;
use crate::wallet::Wallet;
use crate::world::World;

const FRIEND: &str = "0x3535353535353535353535353535353535353535";
const OF_ALL: &str = "/api/v3/custodians/me/signing-policy";

async fn put(world: &World, path: &str, policy: &SigningPolicy) {
    let body = serde_json::to_value(policy).expect("JSON");
    let answer = world
        .call(
            Method::PUT,
            path,
            &world.customer.api_key,
            Some(body.clone()),
        )
        .await;
    assert_eq!((answer.status, answer.body), (200, body));
}

fn of_client(wallet: &Wallet) -> String {
    let id = wallet.user.id;
    format!("/api/v3/custodians/me/clients/{id}/signing-policy")
}

fn payment(wei: u64) -> Value {
    json!([{
        "to": FRIEND, "value": format!("{wei:#x}"), "nonce": "0x0", "gas": "0x5208", "gasPrice": "0x1",
    }])
}

async fn pay(portal: &Portal, wei: u64) -> Result<SignedRequest, Error> {
    let chain: ChainId = "sepolia".parse().expect("a chain");
    portal
        .sign(&chain, "eth_signTransaction", &payment(wei))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_bytes_are_refused_unless_the_custodian_allowed_them() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    put(&world, OF_ALL, &SigningPolicy::default()).await;
    let no = ErrorId::Forbidden;
    let portal = &wallet.portal;
    refused(
        portal.raw_sign(Curve::Secp256k1, &[7; 32]).await,
        no,
        "a digest",
    );
    refused(portal.raw_sign(Curve::Ed25519, b"m").await, no, "a message");
    granted(pay(portal, 1).await, "a request can be read");
    let raw = SigningPolicy {
        raw_signing: true,
        ..SigningPolicy::default()
    };
    put(&world, OF_ALL, &raw).await;
    granted(portal.raw_sign(Curve::Secp256k1, &[7; 32]).await, "allowed");
    // A client's own policy takes away, and gives nothing.
    put(&world, &of_client(&wallet), &SigningPolicy::default()).await;
    refused(
        portal.raw_sign(Curve::Ed25519, b"m").await,
        no,
        "not for this client",
    );
}

/// The client names a request that the rules allow, and runs the protocol on other bytes: the
/// server signs what the request says, so no signature comes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_what_was_judged() {
    let world = World::start().await;
    let user = world.user().await;
    let pair = still_allowed::pair(&world, &user).await;
    let request = |payload_index| Wanted::Request {
        chain: "sepolia".to_owned(),
        method: "eth_signTransaction".to_owned(),
        params: payment(1),
        payload_index,
    };
    let sign =
        async |wanted| by_hand::signs_another_digest(&world, &user, &pair, wanted, [7; 32]).await;
    assert_eq!(sign(request(0)).await, ErrorId::MpcSessionMismatch);
    for beyond in [1, u16::MAX] {
        assert_eq!(sign(request(beyond)).await, ErrorId::BadRequest);
    }
    // Nobody cheated: the pair is not frozen.
    by_hand::assert_signs(&world, &user, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_that_stands_must_hold() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let other = world.wallet().await;
    let portal = &wallet.portal;
    let fee = 21_000;
    let cap = SigningPolicy {
        value_caps: vec![ValueCap {
            chain: "sepolia".to_owned(),
            token: None,
            max: (fee + 100).to_string(),
        }],
        ..SigningPolicy::default()
    };
    put(&world, OF_ALL, &cap).await;
    granted(pay(portal, 100).await, "at the cap");
    refused(pay(portal, 101).await, ErrorId::Forbidden, "above the cap");
    let blocked = SigningPolicy {
        blocklist: vec![FRIEND.to_owned()],
        ..SigningPolicy::default()
    };
    put(&world, &of_client(&wallet), &blocked).await;
    refused(
        pay(portal, 1).await,
        ErrorId::AddressBlocked,
        "blocked for this client",
    );
    granted(pay(&other.portal, 1).await, "and for no other");
    let removed = world
        .call(
            Method::DELETE,
            &of_client(&wallet),
            &world.customer.api_key,
            None,
        )
        .await;
    assert_eq!(removed.status, 204, "{removed:?}");
    granted(pay(portal, 1).await, "not blocked any more");
    refused(
        pay(portal, 101).await,
        ErrorId::Forbidden,
        "the cap still stands",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_cannot_be_held_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let key = world.customer.api_key.clone();
    let policy = SigningPolicy {
        methods: Some(vec!["personal_sign".to_owned()]),
        ..SigningPolicy::default()
    };
    put(&world, OF_ALL, &policy).await;
    for (body, field) in [
        (json!({"recipients": ["0x35"]}), "recipients[0]"),
        (json!({"chains": ["ethereum", "moon"]}), "chains[1]"),
        (json!({"blocklist": [""]}), "blocklist[0]"),
        (
            json!({"valueCaps": [{"chain": "sepolia", "max": "-1"}]}),
            "valueCaps[0]",
        ),
        (
            json!({"valueCaps": [{"chain": "sepolia", "max": "0x10"}]}),
            "valueCaps[0]",
        ),
        (
            json!({"valueCaps": [{"chain": "solana", "token": FRIEND, "max": "1"}]}),
            "valueCaps[0]",
        ),
        (
            json!({"valueCaps": [{"chain": "sepolia", "max": "0".repeat(79)}]}),
            "valueCaps[0]",
        ),
        (json!({"chains": ["solana:*", "solana"]}), "chains[1]"),
        (json!({"chains": ["bitcoin-testnet"]}), "chains[0]"),
        (json!({"methods": vec!["m"; 501]}), "methods"),
        (json!({"maxValue": "1"}), "maxValue"),
    ] {
        let answer = world
            .call(Method::PUT, OF_ALL, &key, Some(body.clone()))
            .await;
        answer.is_problem(400, "BAD_REQUEST", &body.to_string());
        let detail = answer.body["detail"].as_str().expect("a detail");
        assert!(detail.contains(field), "expected {field} in {detail:?}");
    }
    let empty = world.call(Method::PUT, OF_ALL, &key, None).await;
    empty.is_problem(
        400,
        "BAD_REQUEST",
        "an empty body is not a policy without rules",
    );
    let kept = world.call(Method::GET, OF_ALL, &key, None).await;
    assert_eq!(kept.body, serde_json::to_value(&policy).expect("JSON"));
}

/// Two caps for one asset, by whatever name of its chain, both hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_caps_for_one_asset_the_lower_holds() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let key = world.customer.api_key.clone();
    let cap = |chain: &str, max: u64| json!({"chain": chain, "max": (21_000 + max).to_string()});
    for (first, second) in [(1_000, 10), (10, 1_000)] {
        let caps = json!([cap("sepolia", first), cap("eip155:11155111", second)]);
        let body = json!({ "valueCaps": caps });
        let put = world.call(Method::PUT, OF_ALL, &key, Some(body)).await;
        assert_eq!(put.status, 200, "{put:?}");
        granted(pay(&wallet.portal, 10).await, "under both");
        let over = pay(&wallet.portal, 11).await;
        refused(over, ErrorId::Forbidden, "over the lower one");
    }
}

/// A status, and a body.
type Answer = (StatusCode, &'static str);

/// What the custodian's backend is asked, and what it answers.
#[derive(Clone, Default)]
struct Approver {
    asked: Arc<Mutex<Vec<ApproveSignature>>>,
    /// The id of the call that came last.
    call: Arc<Mutex<String>>,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Approver {
    /// A backend that answers so; without an answer it hangs.
    async fn start(&self) -> String {
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
        let router = axum::Router::new().route("/sign/approve", approve);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    fn answers(&self, status: u16, body: &'static str) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.answer.lock().expect("no panic") = Some((status, body));
    }

    fn hangs(&self) {
        *self.answer.lock().expect("no panic") = None;
    }
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

    let asked = approver.asked.lock().expect("no panic").clone();
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

fn asking() -> SigningPolicy {
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
    assert_eq!(said, ErrorId::MpcSessionMismatch);
    assert_eq!(approver.asked.lock().expect("no panic").len(), 0);
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
    let router = axum::Router::new().route("/sign/approve", approve);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, router).await });
    world.send_webhooks_to(&url).await;
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

/// A permit moves tokens as surely as a transaction, and is trusted in so many words or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_data_passes_a_cap_only_where_messages_are_trusted() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let chain: ChainId = "sepolia".parse().expect("a chain");
    let permit = json!([{
        "types": {
            "EIP712Domain": [{"name": "chainId", "type": "uint256"}],
            "Permit": [{"name": "spender", "type": "address"}, {"name": "value", "type": "uint256"}],
        },
        "primaryType": "Permit", "domain": {"chainId": 11_155_111},
        "message": {"spender": FRIEND, "value": "1"},
    }]);
    let method = "eth_signTypedData_v4";
    for (trust_messages, allowed) in [(false, false), (true, true)] {
        let policy = SigningPolicy {
            methods: Some(vec![method.to_owned()]),
            value_caps: vec![ValueCap {
                chain: "sepolia".to_owned(),
                token: None,
                max: "1".to_owned(),
            }],
            trust_messages,
            ..SigningPolicy::default()
        };
        put(&world, OF_ALL, &policy).await;
        let signed = wallet.portal.sign(&chain, method, &permit).await;
        assert_eq!(signed.is_ok(), allowed, "{trust_messages}: {signed:?}");
    }
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
    assert_eq!(approver.asked.lock().expect("no panic").len(), 0);
    granted(
        sign(one).await,
        "the only value that the signature is tied to",
    );
    assert_eq!(approver.asked.lock().expect("no panic").len(), 1);
}
