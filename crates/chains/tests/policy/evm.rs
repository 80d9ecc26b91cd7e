//! Transactions of EVM chains: whom a call pays or lets spend, and how much.

use portal_chains::{Asset, Policy, PolicyRefusal};
use serde_json::json;

use super::{
    FRIEND, SEND, THIEF, TOKEN, cap, check, erc20, is_unseen, recipients, transaction, word,
};

/// The callee must be allowed, and so must whoever gets tokens or may take them.
#[test]
fn recipients_are_the_callee_and_whom_a_token_call_names() {
    let to_friend = transaction(FRIEND, 5, "0x");
    assert_eq!(
        check(&recipients(&[FRIEND]), "ethereum", SEND, &to_friend),
        Ok(())
    );
    let refused = check(&recipients(&[TOKEN]), "ethereum", SEND, &to_friend);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let (thief, friend, amount) = (word(THIEF), word(FRIEND), word("05"));
    for selector in ["a9059cbb", "095ea7b3", "39509351", "a22cb465", "a457c2d7"] {
        let data = format!("0x{selector}{thief}{amount}");
        let call = transaction(TOKEN, 0, &data);
        let refused = check(&recipients(&[TOKEN]), "ethereum", SEND, &call);
        assert!(
            matches!(refused, Err(PolicyRefusal::Recipient { .. })),
            "{selector} {refused:?}"
        );
        assert_eq!(
            check(&recipients(&[TOKEN, THIEF]), "ethereum", SEND, &call),
            Ok(())
        );
    }
    for selector in ["23b872dd", "42842e0e", "b88d4fde", "f242432a"] {
        let call = transaction(TOKEN, 0, &format!("0x{selector}{friend}{thief}{amount}"));
        let refused = check(&recipients(&[TOKEN, FRIEND]), "ethereum", SEND, &call);
        assert!(
            matches!(refused, Err(PolicyRefusal::Recipient { .. })),
            "{selector} {refused:?}"
        );
    }
    let short = transaction(TOKEN, 0, &format!("0xa9059cbb{}", &thief[..40]));
    is_unseen(check(&recipients(&[TOKEN]), "ethereum", SEND, &short));
    let creation = json!([{"data": "0x6000", "nonce": "0x0", "gas": "0x5208", "gasPrice": "0x1"}]);
    is_unseen(check(&recipients(&[FRIEND]), "ethereum", SEND, &creation));
}

/// Each known call by its name: who would get the tokens is seen, and what cannot be read is not
/// taken for nothing.
#[test]
fn every_standard_way_to_move_tokens_is_seen() {
    for (signature, words, recipient) in [
        ("transfer(address,uint256)", 2, 0),
        ("transferFrom(address,address,uint256)", 3, 1),
        ("approve(address,uint256)", 2, 0),
        ("increaseAllowance(address,uint256)", 2, 0),
        ("decreaseAllowance(address,uint256)", 2, 0),
        ("safeTransferFrom(address,address,uint256)", 3, 1),
        ("safeTransferFrom(address,address,uint256,bytes)", 4, 1),
        (
            "safeTransferFrom(address,address,uint256,uint256,bytes)",
            5,
            1,
        ),
        (
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
            5,
            1,
        ),
        ("setApprovalForAll(address,bool)", 2, 0),
        (
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            7,
            1,
        ),
        ("transferAndCall(address,uint256)", 2, 0),
        ("transferAndCall(address,uint256,bytes)", 3, 0),
        ("transferFromAndCall(address,address,uint256)", 3, 1),
        ("transferFromAndCall(address,address,uint256,bytes)", 4, 1),
        ("approveAndCall(address,uint256)", 2, 0),
        ("approveAndCall(address,uint256,bytes)", 3, 0),
        ("send(address,uint256,bytes)", 3, 0),
        ("operatorSend(address,address,uint256,bytes,bytes)", 5, 1),
        ("authorizeOperator(address)", 1, 0),
    ] {
        let hash = alloy_primitives::keccak256(signature);
        let words: String = (0..words)
            .map(|place| word(if place == recipient { THIEF } else { FRIEND }))
            .collect();
        let data = format!("0x{}{words}", hex::encode(&hash[..4]));
        let call = transaction(TOKEN, 0, &data);
        let refused = check(&recipients(&[TOKEN, FRIEND]), "ethereum", SEND, &call);
        assert!(
            matches!(refused, Err(PolicyRefusal::Recipient { .. })),
            "{signature} {refused:?}"
        );
        let allowed = check(&recipients(&[TOKEN, THIEF]), "ethereum", SEND, &call);
        assert_eq!(allowed, Ok(()), "{signature}");
    }
}

/// A contract may be told what nobody knows here only if it is listed itself; and a token that
/// has a cap may not be told it at all.
#[test]
fn an_unknown_call_needs_its_contract_listed() {
    let call = transaction(TOKEN, 0, &format!("0xdeadbeef{}", word(FRIEND)));
    let refused = check(&recipients(&[FRIEND]), "ethereum", SEND, &call);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    assert_eq!(
        check(&recipients(&[TOKEN]), "ethereum", SEND, &call),
        Ok(())
    );
    let capped = Policy {
        value_caps: cap("ethereum", erc20(), 100).value_caps,
        ..recipients(&[TOKEN])
    };
    is_unseen(check(&capped, "ethereum", SEND, &call));
}

const FEE: u64 = 21_000 * 1_000_000_000;

#[test]
fn a_cap_counts_the_value_and_the_fee_it_may_cost() {
    let pay = transaction(FRIEND, 5, "0x");
    let exact = cap("ethereum", Asset::Native, FEE + 5);
    assert_eq!(check(&exact, "ethereum", SEND, &pay), Ok(()));
    let refused = check(
        &cap("ethereum", Asset::Native, FEE + 4),
        "ethereum",
        SEND,
        &pay,
    );
    assert!(
        matches!(refused, Err(PolicyRefusal::Value { .. })),
        "{refused:?}"
    );
    // Another chain's cap is another chain's.
    let elsewhere = cap("sepolia", Asset::Native, 0);
    assert_eq!(check(&elsewhere, "ethereum", SEND, &pay), Ok(()));
}

#[test]
fn a_tokens_cap_counts_what_is_moved_and_what_may_be_taken() {
    let policy = cap("ethereum", erc20(), 100);
    let call = |selector: &str, arguments: &[&str]| {
        let arguments: String = arguments.iter().map(|one| word(one)).collect();
        transaction(TOKEN, 0, &format!("0x{selector}{arguments}"))
    };
    for (selector, before) in [
        ("a9059cbb", &[FRIEND][..]),
        ("095ea7b3", &[FRIEND]),
        ("39509351", &[FRIEND]),
        ("23b872dd", &[THIEF, FRIEND]),
    ] {
        let with = |amount| {
            let arguments = [before, &[amount]].concat();
            check(&policy, "ethereum", SEND, &call(selector, &arguments))
        };
        assert_eq!(with("64"), Ok(()), "{selector}");
        let refused = with("65");
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{selector} {refused:?}"
        );
        let endless = "ff".repeat(32);
        with(&endless).expect_err("an endless allowance is above every cap");
    }
    // What is not known here may be another way to move the token.
    is_unseen(check(
        &policy,
        "ethereum",
        SEND,
        &call("deadbeef", &[FRIEND, "01"]),
    ));
    is_unseen(check(
        &policy,
        "ethereum",
        SEND,
        &call("a9059cbb", &[FRIEND]),
    ));
    // Less than a selector is a call as well.
    for data in ["0x00", "0xa9059c"] {
        is_unseen(check(
            &policy,
            "ethereum",
            SEND,
            &transaction(TOKEN, 0, data),
        ));
    }
    // Another contract is not the token.
    let other = transaction(FRIEND, 0, "0xdeadbeef");
    assert_eq!(check(&policy, "ethereum", SEND, &other), Ok(()));
}

/// A collection's call may move any number of what the cap counts.
#[test]
fn calls_that_name_no_amount_do_not_pass_a_tokens_cap() {
    let words = [word(FRIEND), word(THIEF), word("05")].concat();
    for selector in ["42842e0e", "b88d4fde", "f242432a", "a22cb465"] {
        let call = transaction(TOKEN, 0, &format!("0x{selector}{words}"));
        is_unseen(check(
            &cap("ethereum", erc20(), 1_000),
            "ethereum",
            SEND,
            &call,
        ));
    }
}
