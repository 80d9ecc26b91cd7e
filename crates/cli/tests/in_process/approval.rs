//! What a wallet signs is decided by the custodian: by its signing policy and by its backend.

mod backend;
mod readings;
mod untold;

use portal_api::session::Wanted;
use portal_api::signing_policy::{SigningPolicy, ValueCap};
use portal_chains::ChainId;
use portal_lifecycle::Curve;
use portal_sdk::{Error, ErrorId, Portal, SignedRequest};
use reqwest::Method;
use serde_json::{Value, json};

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
    let sign = async |wanted| {
        let told = by_hand::signs_another_digest(&world, &user, &pair, wanted, [7; 32]).await;
        told.id
    };
    assert_eq!(sign(request(0)).await, ErrorId::MpcSessionMismatch);
    for beyond in [1, u16::MAX] {
        assert_eq!(sign(request(beyond)).await, ErrorId::BadRequest);
    }
    // A request that another key signs.
    let elsewhere = Wanted::Request {
        chain: "solana-devnet".to_owned(),
        method: "sol_signMessage".to_owned(),
        params: json!(["hi"]),
        payload_index: 0,
    };
    assert_eq!(sign(elsewhere).await, ErrorId::BadRequest);
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
