//! An app's JSON-RPC requests (EIP-1193), and the codes that it branches on.

use alloy_primitives::keccak256;
use portal_api::signing_policy::SigningPolicy;
use portal_chains::Signature;
use portal_sdk::{Error, ErrorId, Portal, ProviderError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::alive::ecdsa_signer;
use crate::world::World;

const ETHEREUM: &str = "eip155:1";
const SOLANA: &str = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";

/// The ids of each code; what is not named is −32603.
const CODES: [(i32, &[&str]); 8] = [
    (4001, &["FORBIDDEN", "ADDRESS_BLOCKED"]),
    (
        4100,
        &[
            "AUTH_FAILED",
            "WALLET_NOT_FOUND",
            "WALLET_EJECTED",
            "SIGNING_SHARE_NOT_ON_DEVICE",
            "SIGNING_SHARE_SUPERSEDED",
            "SIGNING_SHARE_FROZEN",
            "SIGN_SHARE_MISMATCH",
        ],
    ),
    (4200, &["METHOD_UNSUPPORTED"]),
    (4900, &["UNAVAILABLE", "WS_CLOSED", "WS_TIMEOUT"]),
    (4901, &["CHAIN_UNSUPPORTED", "RPC_OP_FAILED"]),
    (
        -32602,
        &[
            "BAD_REQUEST",
            "TX_BUILD_FAILED",
            "MSG_BUILD_FAILED",
            "PAYLOAD_TOO_LARGE",
        ],
    ),
    (-32002, &["OPERATION_IN_PROGRESS"]),
    (-32005, &["RATE_LIMITED"]),
];

#[test]
fn every_error_has_its_code() {
    for id in ErrorId::ALL {
        let named = CODES.iter().find(|(_, ids)| ids.contains(&id.as_str()));
        let expected = named.map_or(-32603, |(code, _)| *code);
        let error = ProviderError::from(Error::new(*id, "why"));
        assert_eq!(error.code(), expected, "{id}");
        assert_eq!(error.message(), "why");
        assert_eq!(error.error().id(), *id);
    }
    for name in CODES.iter().flat_map(|(_, ids)| *ids) {
        assert!(ErrorId::from_wire(name).is_some(), "{name} is no id");
    }
}

/// The code that a request is refused with.
async fn code(portal: &Portal, chain: &str, method: &str, params: Value) -> i32 {
    match portal.request(chain, method, &params).await {
        Ok(answer) => panic!("{method}: expected a refusal, seen {answer}"),
        Err(error) => error.code(),
    }
}

async fn answer(portal: &Portal, chain: &str, method: &str, params: Value) -> Value {
    let answered = portal.request(chain, method, &params).await;
    answered.unwrap_or_else(|error| panic!("{method}: expected an answer, seen {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_answers_with_its_account_and_its_signatures() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let (portal, address) = (&wallet.portal, wallet.keys.addresses.eip155.clone());
    for method in ["eth_accounts", "eth_requestAccounts"] {
        let accounts = answer(portal, "sepolia", method, json!([])).await;
        assert_eq!(accounts, json!([address]), "{method}");
    }
    let number = answer(portal, "sepolia", "eth_chainId", json!([])).await;
    assert_eq!(number, "0xaa36a7");

    let signed = answer(portal, ETHEREUM, "personal_sign", json!(["hello", address])).await;
    let signed = signed.as_str().and_then(|text| text.strip_prefix("0x"));
    let signed = hex::decode(signed.expect("0x and hex")).expect("hex");
    let (rs, v) = signed.split_at(64);
    let (r, s) = rs.split_at(32);
    let signature = Signature::Secp256k1 {
        r: r.try_into().expect("32 bytes"),
        s: s.try_into().expect("32 bytes"),
        recovery_id: v[0] - 27,
    };
    let digest = keccak256("\x19Ethereum Signed Message:\n5hello").0;
    assert_eq!(ecdsa_signer(digest, &signature), wallet.keys.secp256k1);
    let signed = answer(portal, SOLANA, "sol_signMessage", json!(["hello"])).await;
    assert!(signed.is_string(), "{signed}");

    let invalid = json!([{"to": address}]);
    let seen = code(portal, ETHEREUM, "eth_signTransaction", invalid).await;
    assert_eq!(seen, -32602, "a transaction without a nonce");
    // The environment's rules.
    let rules = SigningPolicy {
        methods: Some(vec!["sol_signMessage".to_owned()]),
        ..SigningPolicy::default()
    };
    let path = "/api/v3/custodians/me/signing-policy";
    let body = serde_json::to_value(&rules).expect("JSON");
    let key = &world.customer.api_key;
    let put = world.call(Method::PUT, path, key, Some(body)).await;
    assert_eq!(put.status, 200, "{put:?}");
    let seen = code(portal, ETHEREUM, "personal_sign", json!(["hello"])).await;
    assert_eq!(seen, 4001, "not allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_node_knows_is_not_answered() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    for (chain, method) in [
        (ETHEREUM, "eth_call"),
        (ETHEREUM, "eth_sendTransaction"),
        (ETHEREUM, "eth_sendRawTransaction"),
        (ETHEREUM, "wallet_switchEthereumChain"),
        (SOLANA, "eth_accounts"),
        (SOLANA, "sol_signAndSendTransaction"),
        (SOLANA, "personal_sign"),
        ("bitcoin", "btc_sendTransaction"),
    ] {
        let seen = code(&wallet.portal, chain, method, json!([])).await;
        assert_eq!(seen, 4200, "{method} on {chain}");
    }
    for chain in ["cosmos:cosmoshub-4", "1", ""] {
        let seen = code(&wallet.portal, chain, "eth_accounts", json!([])).await;
        assert_eq!(seen, 4901, "{chain:?}");
    }
}

/// "None" is an answer only where it is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_without_a_wallet_has_no_account() {
    let mut world = World::start().await;
    let user = world.user().await;
    let unmade = world.fresh_device(&user).await;
    let wallet = world.wallet().await;
    let other = world.fresh_device(&wallet.user).await;
    for (portal, id) in [
        (&unmade, ErrorId::WalletNotFound),
        (&other, ErrorId::SigningShareNotOnDevice),
    ] {
        let accounts = answer(portal, ETHEREUM, "eth_accounts", json!([])).await;
        assert_eq!(accounts, json!([]), "{id}");
        for (method, params) in [
            ("eth_requestAccounts", json!([])),
            ("personal_sign", json!(["hello"])),
        ] {
            let refused = portal.request(ETHEREUM, method, &params).await;
            let refused = refused.expect_err(method);
            assert_eq!((refused.code(), refused.error().id()), (4100, id));
        }
    }
    world.stop_server().await;
    let seen = code(&wallet.portal, ETHEREUM, "eth_accounts", json!([])).await;
    assert_eq!(seen, 4900, "nobody there to ask");
}
