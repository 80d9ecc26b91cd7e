//! A refusal says why, and nothing of what would be allowed: whoever has a token hears it.

use portal_api::session::Wanted;
use portal_api::signing_policy::{SigningPolicy, ValueCap};
use portal_lifecycle::ErrorId;
use serde_json::{Value, json};

use super::backend::{Approver, asking};
use super::{FRIEND, OF_ALL, pay, payment, put};
use crate::by_hand;
use crate::expect::refused;
use crate::still_allowed;
use crate::world::World;

const CAP: u64 = 987_654_321;
const LISTED: &str = "0x6b175474e89094c44da98b954eedeac495271d0f";
const BLOCKED: &str = "0x00000000000000000000000000000000000bad01";
const TOKEN: &str = "0x1111111111111111111111111111111111111111";

/// What stands in the policy and in none of the requests, in small letters.
const UNTOLD: [&str; 5] = ["987654321", "personal_sign", "eip155:777", LISTED, BLOCKED];

/// It allows a payment of 1 wei to the friend.
fn policy() -> SigningPolicy {
    let cap = |token: Option<&str>| ValueCap {
        chain: "sepolia".to_owned(),
        token: token.map(str::to_owned),
        max: CAP.to_string(),
    };
    let list = |texts: &[&str]| {
        texts
            .iter()
            .map(|&text| text.to_owned())
            .collect::<Vec<_>>()
    };
    SigningPolicy {
        methods: Some(list(&["eth_signTransaction", "personal_sign"])),
        chains: Some(list(&["sepolia", "eip155:777"])),
        recipients: Some(list(&[FRIEND, TOKEN, LISTED])),
        value_caps: vec![cap(None), cap(Some(TOKEN))],
        blocklist: list(&[BLOCKED]),
        ..SigningPolicy::default()
    }
}

fn wanted(params: Value) -> Wanted {
    Wanted::Request {
        chain: "sepolia".to_owned(),
        method: "eth_signTransaction".to_owned(),
        params,
        payload_index: 0,
    }
}

/// A call of the token with this data.
fn call(data: &str) -> Wanted {
    wanted(json!([{
        "to": TOKEN, "data": data, "nonce": "0x0", "gas": "0x5208", "gasPrice": "0x1",
    }]))
}

fn only(text: &str) -> Option<Vec<String>> {
    Some(vec![text.to_owned()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_tells_nothing_of_the_policy() {
    let world = World::start().await;
    let user = world.user().await;
    let pair = still_allowed::pair(&world, &user).await;
    let told =
        async |wanted| by_hand::signs_another_digest(&world, &user, &pair, wanted, [7; 32]).await;
    put(&world, OF_ALL, &policy()).await;
    let allowed = told(wanted(payment(1))).await;
    assert_eq!(
        allowed.id,
        ErrorId::MpcSessionMismatch,
        "it is judged by every rule, and allowed"
    );

    let transfer = |amount: u64| call(&format!("0xa9059cbb{:0>64}{amount:064x}", &FRIEND[2..]));
    let (no, blocked) = (ErrorId::Forbidden, ErrorId::AddressBlocked);
    let cases = [
        (
            "a method",
            no,
            SigningPolicy {
                methods: only("personal_sign"),
                ..policy()
            },
            wanted(payment(1)),
        ),
        (
            "a chain",
            no,
            SigningPolicy {
                chains: only("eip155:777"),
                ..policy()
            },
            wanted(payment(1)),
        ),
        (
            "a recipient",
            no,
            SigningPolicy {
                recipients: only(LISTED),
                ..policy()
            },
            wanted(payment(1)),
        ),
        ("a cap", no, policy(), wanted(payment(CAP))),
        ("a token's cap", no, policy(), transfer(CAP + 1)),
        ("what is not seen", no, policy(), call("0xdeadbeef")),
        (
            "a blocked address",
            blocked,
            SigningPolicy {
                blocklist: vec![BLOCKED.to_owned(), FRIEND.to_owned()],
                ..policy()
            },
            wanted(payment(1)),
        ),
        ("raw bytes", no, policy(), Wanted::raw([7; 32])),
    ];
    for (what, id, policy, wanted) in cases {
        put(&world, OF_ALL, &policy).await;
        assert_untold(what, id, &told(wanted).await);
    }
}

fn assert_untold(what: &str, id: ErrorId, problem: &portal_api::Problem) {
    assert_eq!(problem.id, id, "{what}: {problem:?}");
    let document = serde_json::to_string(problem).expect("JSON").to_lowercase();
    for text in UNTOLD {
        assert!(
            !document.contains(text),
            "{what}: expected nothing of {text}, seen {document}"
        );
    }
}

/// Nor does what the custodian's backend gives as its reason come so far.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_tells_nothing_of_the_backends_reasons() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let approver = Approver::default();
    world.send_webhooks_to(&approver.start().await).await;
    put(&world, OF_ALL, &asking()).await;
    for (status, body) in [
        (200, r#"{"approved": false, "reason": "over 987654321"}"#),
        (200, r#"{"approved": "over 987654321"}"#),
        (200, "over 987654321"),
        (403, r#"{"id": "FORBIDDEN", "detail": "over 987654321"}"#),
        (500, "over 987654321"),
    ] {
        approver.answers(status, body);
        let error = refused(pay(&wallet.portal, 1).await, ErrorId::Forbidden, body);
        assert!(
            !format!("{error} {error:?}").contains("987654321"),
            "{error:?}"
        );
    }
}
