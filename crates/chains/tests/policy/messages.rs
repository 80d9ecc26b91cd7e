//! Typed data, and messages of text and of bytes: what a rule cannot see through.

use portal_chains::{Asset, Policy, PolicyRefusal};
use serde_json::json;

use super::{THIEF, account, blocked, cap, chains, check, is_unseen, judged, recipients};
use crate::evm_messages::mail;
use crate::wallet::Wallet;

/// Typed data without a chain is good on all of them, and text moves nothing on any.
#[test]
fn a_message_for_any_chain_is_not_one_for_a_listed_chain() {
    let wallet =
        Wallet::from_hex("c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4");
    let bound = mail();
    let mut unbound = bound.clone();
    let data = &mut unbound;
    data["domain"]
        .as_object_mut()
        .expect("a domain")
        .remove("chainId");
    let fields = data["types"]["EIP712Domain"]
        .as_array_mut()
        .expect("fields");
    fields.retain(|field| field["name"] != "chainId");
    let method = "eth_signTypedData_v4";
    let hash = json!([format!("0x{}", "ab".repeat(32))]);
    let text = json!(["0x68656c6c6f"]);
    for (method, params, is_bound) in [
        (method, &bound, true),
        (method, &unbound, false),
        ("personal_sign", &hash, false),
        ("personal_sign", &text, true),
    ] {
        let request = wallet.parse("ethereum", method, params).expect("a request");
        let listed = chains(&["ethereum", "sepolia"]);
        let outcome = judged(&listed, "ethereum", method, &request);
        if is_bound {
            assert_eq!(outcome, Ok(()), "{method} {params}");
        } else {
            is_unseen(outcome);
        }
        let whole = judged(&chains(&["eip155:*"]), "ethereum", method, &request);
        assert_eq!(whole, Ok(()), "{method} {params}");
        let trusted = Policy {
            trusts_messages: true,
            ..listed
        };
        assert_eq!(judged(&trusted, "ethereum", method, &request), Ok(()));
    }
}

#[test]
fn typed_data_is_refused_where_a_rule_would_have_to_see_it() {
    let wallet =
        Wallet::from_hex("c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4");
    let method = "eth_signTypedData_v4";
    let request = wallet
        .parse("ethereum", method, &mail())
        .expect("typed data");
    let outcome = |policy: &Policy| judged(policy, "ethereum", method, &request);
    let bob = "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB";
    let named = Policy {
        methods: Some([method.to_owned()].into()),
        ..recipients(&[bob])
    };
    is_unseen(outcome(&recipients(&[bob])));
    is_unseen(outcome(&named));
    is_unseen(outcome(&Policy {
        value_caps: cap("ethereum", Asset::Native, u64::MAX).value_caps,
        methods: named.methods.clone(),
        ..Policy::default()
    }));
    let trusted = Policy {
        trusts_messages: true,
        ..recipients(&[])
    };
    assert_eq!(outcome(&trusted), Ok(()));
    for named in [bob, "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"] {
        let policy = Policy {
            trusts_messages: true,
            ..blocked(account(named))
        };
        let refused = outcome(&policy);
        assert!(
            matches!(refused, Err(PolicyRefusal::Blocked { .. })),
            "{named} {refused:?}"
        );
    }
    assert_eq!(outcome(&blocked(account(THIEF))), Ok(()));
}

/// The hash of what a smart account does may come as a message.
#[test]
fn a_message_of_bytes_is_refused_where_a_rule_would_have_to_see_it() {
    let method = "personal_sign";
    let hash = json!([format!("0x{}", "7f".repeat(32))]);
    is_unseen(check(&recipients(&[]), "ethereum", method, &hash));
    // As long as a hash, and as no text is.
    for bytes in ["x".repeat(32), "hi \u{1}".to_owned()] {
        is_unseen(check(&recipients(&[]), "ethereum", method, &json!([bytes])));
    }
    let text = json!(["Sign in to example.com\nnonce 7"]);
    assert_eq!(check(&recipients(&[]), "ethereum", method, &text), Ok(()));
    let (chain, method) = ("solana", "sol_signMessage");
    let order = json!([{"message": "ff00017f", "encoding": "hex"}]);
    is_unseen(check(&recipients(&[]), chain, method, &order));
    is_unseen(check(&cap(chain, Asset::Native, 9), chain, method, &order));
    let trusted = Policy {
        trusts_messages: true,
        ..recipients(&[])
    };
    assert_eq!(check(&trusted, chain, method, &order), Ok(()));
    assert_eq!(check(&recipients(&[]), chain, method, &text), Ok(()));
}
