//! What requests do, and what a policy makes of it.

use portal_chains::{Account, Amount, Asset, ChainId, ChainRule, Policy, PolicyRefusal, Request};
use proptest::prelude::*;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use crate::evm_messages::mail;
use crate::solana_transactions::{address, encode, legacy_message, system_transfer};
use crate::wallet::Wallet;

const TOKEN: &str = "0x6b175474e89094c44da98b954eedeac495271d0f";
const FRIEND: &str = "0x3535353535353535353535353535353535353535";
const THIEF: &str = "0x00000000000000000000000000000000000bad01";
const SEND: &str = "eth_sendTransaction";

fn wallet() -> Wallet {
    Wallet::new([0x46; 32])
}

fn account(text: &str) -> Account {
    text.parse().expect("an address")
}

fn check(policy: &Policy, chain: &str, method: &str, params: &Value) -> Result<(), PolicyRefusal> {
    let request = wallet().parse(chain, method, params).expect("a request");
    judged(policy, chain, method, &request)
}

fn judged(
    policy: &Policy,
    chain: &str,
    method: &str,
    request: &Request,
) -> Result<(), PolicyRefusal> {
    let chain: ChainId = chain.parse().expect("a chain");
    policy.check(&chain, method, request, &request.effects())
}

/// 21,000 gas at 1 gwei, 1 ether unless told otherwise.
fn transaction(to: &str, wei: u64, data: &str) -> Value {
    json!([{
        "to": to, "value": format!("{wei:#x}"), "data": data, "nonce": "0x0", "gas": "0x5208",
        "gasPrice": "0x3b9aca00",
    }])
}

const FEE: u64 = 21_000 * 1_000_000_000;

fn word(text: &str) -> String {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    format!("{digits:0>64}")
}

fn recipients(allowed: &[&str]) -> Policy {
    Policy {
        recipients: Some(allowed.iter().map(|one| account(one)).collect()),
        ..Policy::default()
    }
}

fn cap(chain: &str, asset: Asset, max: u64) -> Policy {
    let chain = chain.parse().expect("a chain");
    Policy {
        value_caps: [((chain, asset), Amount::from(max))].into(),
        ..Policy::default()
    }
}

fn blocked(account: Account) -> Policy {
    Policy {
        blocked: [account].into(),
        ..Policy::default()
    }
}

fn erc20() -> Asset {
    match account(TOKEN) {
        Account::Evm(contract) => Asset::Evm(contract),
        other => panic!("expected an EVM account, seen {other}"),
    }
}

#[track_caller]
fn is_unseen(outcome: Result<(), PolicyRefusal>) {
    assert!(
        matches!(outcome, Err(PolicyRefusal::Unseen { .. })),
        "expected that something cannot be seen, seen {outcome:?}"
    );
}

#[test]
fn no_rule_allows_everything_and_each_rule_only_what_it_lists() {
    let pay = transaction(FRIEND, 5, "0x");
    assert_eq!(check(&Policy::default(), "ethereum", SEND, &pay), Ok(()));
    let methods = Policy {
        methods: Some(["personal_sign".to_owned()].into()),
        ..Policy::default()
    };
    let refused = check(&methods, "ethereum", SEND, &pay);
    assert!(
        matches!(refused, Err(PolicyRefusal::Method { .. })),
        "{refused:?}"
    );
    let message = json!(["0x68656c6c6f"]);
    assert_eq!(
        check(&methods, "ethereum", "personal_sign", &message),
        Ok(())
    );
    let chains = Policy {
        chains: Some(["sepolia".parse().expect("a chain")].into()),
        ..Policy::default()
    };
    let refused = check(&chains, "ethereum", SEND, &pay);
    assert!(
        matches!(refused, Err(PolicyRefusal::Chain { .. })),
        "{refused:?}"
    );
    assert_eq!(check(&chains, "eip155:11155111", SEND, &pay), Ok(()));
    let nothing = Policy {
        methods: Some([].into()),
        ..Policy::default()
    };
    check(&nothing, "ethereum", SEND, &pay).expect_err("an empty list allows nothing");
}

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

fn chains(allowed: &[&str]) -> Policy {
    let rule = |text: &&str| text.parse().expect("a rule on chains");
    Policy {
        chains: Some(allowed.iter().map(rule).collect()),
        ..Policy::default()
    }
}

#[test]
fn a_whole_namespace_is_every_chain_of_it() {
    let pay = transaction(FRIEND, 5, "0x");
    for (rule, allows) in [("eip155:*", true), ("solana:*", false), ("bip122:*", false)] {
        let outcome = check(&chains(&[rule]), "ethereum", SEND, &pay);
        assert_eq!(outcome.is_ok(), allows, "{rule}: {outcome:?}");
        let parsed: ChainRule = rule.parse().expect("a rule");
        assert_eq!(parsed.to_string(), rule);
    }
    for text in ["*", "eip155", "cosmos:*", "eip155:**", "solana:"] {
        text.parse::<ChainRule>().expect_err(text);
    }
}

/// What a signature is not bound to cannot be held.
#[test]
fn clusters_and_networks_are_known_by_their_kind_alone() {
    for (text, whole) in [
        ("solana", Some("solana:*")),
        ("solana-devnet", Some("solana:*")),
        ("bitcoin", Some("bip122:*")),
        ("ethereum", None),
        ("solana:*", None),
        ("bip122:*", None),
    ] {
        let rule: ChainRule = text.parse().expect("a rule");
        let only = rule.only_as().map(|only| only.to_string());
        assert_eq!(only.as_deref(), whole, "{text}");
    }
}

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

proptest! {
    /// Wherever a blocked address stands in the call data, also out of step.
    #[test]
    fn a_blocked_address_is_found_anywhere_in_call_data(
        before in prop::collection::vec(any::<u8>(), 0..80),
        after in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let thief = THIEF.trim_start_matches("0x");
        let data = format!("0x{}{thief}{}", hex::encode(&before), hex::encode(&after));
        let call = transaction(FRIEND, 0, &data);
        let refused = check(&blocked(account(THIEF)), "ethereum", SEND, &call);
        prop_assert!(matches!(refused, Err(PolicyRefusal::Blocked { .. })), "{refused:?}");
        prop_assert_eq!(refused.unwrap_err().id(), "ADDRESS_BLOCKED");
    }

    /// A cap holds exactly at its number, for any sum of transfers of a Solana transaction.
    #[test]
    fn a_cap_counts_all_transfers_of_a_solana_transaction(amounts in prop::collection::vec(0_u64..1 << 40, 1..6)) {
        let own = address(&wallet());
        let pay = |lamports: &u64| system_transfer(own, Address::from([9; 32]), *lamports);
        let message = legacy_message(own, &amounts.iter().map(pay).collect::<Vec<_>>());
        let params = json!([encode(&message.serialize())]);
        let total = amounts.iter().sum::<u64>() + 5_000;
        let exact = cap("solana", Asset::Native, total);
        prop_assert_eq!(check(&exact, "solana", "sol_signTransaction", &params), Ok(()));
        let less = cap("solana", Asset::Native, total - 1);
        let refused = check(&less, "solana", "sol_signTransaction", &params);
        prop_assert!(matches!(refused, Err(PolicyRefusal::Value { .. })), "{refused:?}");
    }
}

fn solana(policy: &Policy, instructions: &[Instruction]) -> Result<(), PolicyRefusal> {
    let message = legacy_message(address(&wallet()), instructions);
    let params = json!([encode(&message.serialize())]);
    check(policy, "solana", "sol_signTransaction", &params)
}

#[test]
fn solana_recipients_are_whom_known_programs_pay_and_what_others_may_write() {
    let own = address(&wallet());
    let (friend, thief) = (Address::from([9; 32]), Address::from([8; 32]));
    let (friend_text, thief_text) = (friend.to_string(), thief.to_string());
    let allowed = recipients(&[&friend_text]);
    assert_eq!(solana(&allowed, &[system_transfer(own, friend, 1)]), Ok(()));
    let pays_thief = [
        system_transfer(own, friend, 1),
        system_transfer(own, thief, 1),
    ];
    let refused = solana(&allowed, &pays_thief);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let refused = solana(&blocked(account(&thief_text)), &pays_thief);
    assert!(
        matches!(refused, Err(PolicyRefusal::Blocked { .. })),
        "{refused:?}"
    );

    let program = Address::from([7; 32]);
    let writes = |who, may_write: bool| Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(own, true),
            if may_write {
                AccountMeta::new(who, false)
            } else {
                AccountMeta::new_readonly(who, false)
            },
        ],
        data: vec![1],
    };
    let trusted = recipients(&[&program.to_string()]);
    assert_eq!(solana(&trusted, &[writes(thief, false)]), Ok(()));
    let refused = solana(&trusted, &[writes(thief, true)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let refused = solana(&allowed, &[writes(friend, true)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "the program itself: {refused:?}"
    );
    is_unseen(solana(
        &cap("solana", Asset::Native, u64::MAX),
        &[writes(friend, true)],
    ));
}

#[test]
fn solana_tokens_are_capped_by_their_mint() {
    let own = address(&wallet());
    let program: Address = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
        .parse()
        .expect("a program");
    let (source, mint, target) = (
        Address::from([4; 32]),
        Address::from([5; 32]),
        Address::from([6; 32]),
    );
    let transfer = |tag: u8, amount: u64| Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(source, false),
            AccountMeta::new_readonly(mint, false),
            AccountMeta::new(target, false),
            AccountMeta::new_readonly(own, true),
        ],
        data: [&[tag][..], &amount.to_le_bytes(), &[6]].concat(),
    };
    let policy = cap("solana", Asset::Solana(mint.to_bytes()), 100);
    assert_eq!(solana(&policy, &[transfer(12, 100)]), Ok(()));
    for instructions in [
        vec![transfer(12, 101)],
        vec![transfer(12, 60), transfer(12, 60)],
        vec![transfer(13, 101)],
    ] {
        let refused = solana(&policy, &instructions);
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{refused:?}"
        );
    }
    // The plain Transfer does not name its mint.
    is_unseen(solana(&policy, &[transfer(3, 1)]));
    let other = cap("solana", Asset::Solana([1; 32]), 0);
    assert_eq!(solana(&other, &[transfer(12, 5)]), Ok(()));
    let allowed = recipients(&[&target.to_string()]);
    assert_eq!(solana(&allowed, &[transfer(12, 5)]), Ok(()));
    let refused = solana(&recipients(&[&source.to_string()]), &[transfer(12, 5)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
}

/// A priority fee leaves the wallet as surely as a transfer.
#[test]
fn solana_priority_fees_count() {
    let own = address(&wallet());
    let budget: Address = "ComputeBudget111111111111111111111111111111"
        .parse()
        .expect("a program");
    let set = |data: Vec<u8>| Instruction {
        program_id: budget,
        accounts: vec![],
        data,
    };
    let price = set([&[3][..], &2_000_000_u64.to_le_bytes()].concat());
    let limit = set([&[2][..], &1_000_u32.to_le_bytes()].concat());
    let pay = system_transfer(own, Address::from([9; 32]), 1);
    let most = |instructions: &[Instruction], lamports| {
        let exact = solana(&cap("solana", Asset::Native, lamports), instructions);
        assert_eq!(exact, Ok(()), "{lamports}");
        solana(&cap("solana", Asset::Native, lamports - 1), instructions).expect_err("one less");
    };
    most(&[price.clone(), limit, pay.clone()], 1 + 5_000 + 2_000);
    most(&[price, pay], 1 + 5_000 + 2_800_000);
}

#[test]
fn bitcoin_counts_what_does_not_come_back() {
    let wallet = wallet();
    let friend = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let params = bitcoin(&wallet, &[(friend, 600), ("own", 300)]);
    let method = "btc_signTransaction";
    assert_eq!(
        check(
            &cap("bitcoin", Asset::Native, 700),
            "bitcoin",
            method,
            &params
        ),
        Ok(())
    );
    let refused = check(
        &cap("bitcoin", Asset::Native, 699),
        "bitcoin",
        method,
        &params,
    );
    assert!(
        matches!(refused, Err(PolicyRefusal::Value { .. })),
        "{refused:?}"
    );
    assert_eq!(
        check(&recipients(&[friend]), "bitcoin", method, &params),
        Ok(())
    );
    let refused = check(&recipients(&[]), "bitcoin", method, &params);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let refused = check(&blocked(account(friend)), "bitcoin", method, &params);
    assert!(
        matches!(refused, Err(PolicyRefusal::Blocked { .. })),
        "{refused:?}"
    );
}

/// A transaction that spends 1,000 satoshi of this wallet.
fn bitcoin(wallet: &Wallet, outputs: &[(&str, u64)]) -> Value {
    use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
    use bitcoin::{absolute, consensus::encode, hashes::Hash as _, transaction};
    let key = portal_chains::Secp256k1Key::parse(&wallet.public_key("bitcoin")).expect("a key");
    let own = portal_chains::bitcoin::address(&key, portal_chains::BitcoinNetwork::Mainnet);
    let output = |(to, value): &(&str, u64)| {
        let to = if *to == "own" { &own } else { *to };
        let to: bitcoin::Address<_> = to.parse().expect("an address");
        TxOut {
            value: Amount::from_sat(*value),
            script_pubkey: to.assume_checked().script_pubkey(),
        }
    };
    let unsigned = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array([1; 32]), 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: outputs.iter().map(output).collect(),
    };
    json!({"transaction": encode::serialize_hex(&unsigned), "inputs": [{"index": 0, "value": 1_000}]})
}

#[test]
fn an_address_is_read_in_one_way() {
    for good in [
        FRIEND,
        "11111111111111111111111111111111",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "16TZ8J6Q5iZKBWizWzFAYnrsaox5Z5aBRV",
    ] {
        let read: Account = good.parse().expect("an address");
        assert_eq!(read.to_string().to_lowercase(), good.to_lowercase());
    }
    for bad in [
        "",
        "0x35",
        "hello",
        "0xCd2a3d9F938E13CD947Ec05AbC7FE734Df8DD826",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    ] {
        bad.parse::<Account>()
            .expect_err("no address, or a wrong checksum");
    }
}

/// One transaction, signed input by input: what comes back must not be counted twice.
#[test]
fn bitcoin_inputs_signed_apart_do_not_pass_a_cap() {
    let wallet = wallet();
    let friend = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let mut params = bitcoin(&wallet, &[(friend, 1_000), ("own", 1_000)]);
    let raw = params["transaction"].as_str().expect("hex").to_owned();
    let mut unsigned: bitcoin::Transaction =
        bitcoin::consensus::encode::deserialize_hex(&raw).expect("a transaction");
    let mut second = unsigned.input[0].clone();
    second.previous_output.vout = 1;
    unsigned.input.push(second);
    params["transaction"] = bitcoin::consensus::encode::serialize_hex(&unsigned).into();
    let method = "btc_signTransaction";
    let cap = cap("bitcoin", Asset::Native, 0);
    for index in [0, 1] {
        params["inputs"] = json!([{"index": index, "value": 1_000}]);
        is_unseen(check(&cap, "bitcoin", method, &params));
    }
}

/// Neither Solana nor Bitcoin signs the name of its network.
#[test]
fn a_cap_holds_on_whatever_cluster_is_named() {
    let own = address(&wallet());
    let message = legacy_message(own, &[system_transfer(own, Address::from([9; 32]), 10)]);
    let params = json!([encode(&message.serialize())]);
    let cap = cap("solana", Asset::Native, 9);
    for named in ["solana-devnet", "solana:11111111111111111111111111111112"] {
        let refused = check(&cap, named, "sol_signTransaction", &params);
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{named}: {refused:?}"
        );
    }
}

/// What a lookup table stands for may be anybody, and may be written.
#[test]
fn accounts_of_a_lookup_table_are_not_seen() {
    use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
    let own = address(&wallet());
    let (program, thief) = (Address::from([7; 32]), Address::from([8; 32]));
    let call = Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(thief, false),
            AccountMeta::new_readonly(own, true),
        ],
        data: vec![3],
    };
    let table = AddressLookupTableAccount {
        key: Address::from([6; 32]),
        addresses: vec![thief],
    };
    let hash = solana_hash::Hash::new_from_array([7; 32]);
    let message = v0::Message::try_compile(&own, &[call], &[table], hash).expect("compiles");
    assert_eq!(message.address_table_lookups.len(), 1, "expected a lookup");
    let params = json!([encode(&VersionedMessage::V0(message).serialize())]);
    let method = "sol_signTransaction";
    let allowed = recipients(&[&program.to_string()]);
    is_unseen(check(&allowed, "solana", method, &params));
    let hidden = blocked(account(SOLANA_THIEF));
    is_unseen(check(&hidden, "solana", method, &params));
    let elsewhere = blocked(account(THIEF));
    assert_eq!(check(&elsewhere, "solana", method, &params), Ok(()));
}

/// An authority given away is named in the data alone.
#[test]
fn a_blocked_address_is_found_in_solana_data() {
    let thief = Address::from([8; 32]);
    let assign = Instruction {
        program_id: Address::from([0; 32]),
        accounts: vec![AccountMeta::new(address(&wallet()), true)],
        data: [&[1, 0, 0, 0][..], thief.as_ref()].concat(),
    };
    let refused = solana(&blocked(account(&thief.to_string())), &[assign]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Blocked { .. })),
        "{refused:?}"
    );
}

fn typed(types: &Value, message: &Value) -> Value {
    let mut types = types.clone();
    types["EIP712Domain"] = json!([{"name": "chainId", "type": "uint256"}]);
    json!([{"types": types, "primaryType": "T", "domain": {"chainId": 1}, "message": message}])
}

#[track_caller]
fn is_blocked(outcome: Result<(), PolicyRefusal>, what: &str) {
    assert!(
        matches!(outcome, Err(PolicyRefusal::Blocked { .. })),
        "{what}: {outcome:?}"
    );
}

/// The same address, written in every way that the hasher takes.
#[test]
fn a_blocked_address_is_found_however_typed_data_writes_it() {
    let thief = THIEF.trim_start_matches("0x");
    let number = Amount::from_str_radix(thief, 16).expect("hex");
    let moved = Amount::from_str_radix(&format!("{thief}{:0>24}", ""), 16).expect("hex");
    // As two's complement: −2^160 + the address.
    let negative = (Amount::from(1) << 160) - number;
    for (kind, value) in [
        ("address", json!(THIEF)),
        ("address", json!(thief)),
        ("bytes32", json!(format!("0x{thief:0>64}"))),
        ("bytes", json!(format!("0xdead{thief}"))),
        ("bytes", json!(format!("dead{thief}"))),
        (
            "string",
            json!(format!("to 0X{} now", thief.to_uppercase())),
        ),
        ("uint256", json!(format!("0x{thief}"))),
        ("uint256", json!(number.to_string())),
        ("uint256", json!(moved.to_string())),
        ("int256", json!(format!("-{negative}"))),
    ] {
        let method = "eth_signTypedData_v4";
        let inner =
            json!({"T": [{"name": "a", "type": "I[]"}], "I": [{"name": "a", "type": kind}]});
        let data = typed(&inner, &json!({"a": [{"a": value}]}));
        let outcome = check(&blocked(account(THIEF)), "ethereum", method, &data);
        is_blocked(outcome, &format!("{kind} {value}"));
    }
    let mut salted = typed(&json!({"T": []}), &json!({}));
    salted[0]["domain"] = json!({"salt": format!("0x{thief:0>64}")});
    salted[0]["types"]["EIP712Domain"] = json!([{"name": "salt", "type": "bytes32"}]);
    let method = "eth_signTypedData_v4";
    let outcome = check(&blocked(account(THIEF)), "ethereum", method, &salted);
    is_blocked(outcome, "a salt");
}

/// In messages, in words; and in what a transaction says beside its call.
#[test]
fn a_blocked_address_is_found_in_words_and_lists() {
    let (evm, solana) = (account(THIEF), account(SOLANA_THIEF));
    let bitcoin = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let raw = match &solana {
        Account::Solana(bytes) => hex::encode(bytes),
        other => panic!("expected a Solana account, seen {other}"),
    };
    for (blocked_one, chain, method, text) in [
        (&evm, "ethereum", "personal_sign", format!("I am {THIEF}!")),
        (&evm, "solana", "sol_signMessage", format!("I am {THIEF}!")),
        (
            &solana,
            "solana",
            "sol_signMessage",
            SOLANA_THIEF.to_owned(),
        ),
        (&solana, "solana", "sol_signMessage", format!("0x01{raw}")),
        (
            &solana,
            "ethereum",
            "personal_sign",
            format!("pay {SOLANA_THIEF}"),
        ),
        (
            &account(bitcoin),
            "ethereum",
            "personal_sign",
            bitcoin.to_uppercase(),
        ),
    ] {
        let outcome = check(&blocked(blocked_one.clone()), chain, method, &json!([text]));
        is_blocked(outcome, &format!("{method} {text}"));
    }
    let memo = format!("0x{}", hex::encode(format!("=:BTC.BTC:{bitcoin}")));
    let outcome = check(
        &blocked(account(bitcoin)),
        "ethereum",
        SEND,
        &transaction(FRIEND, 0, &memo),
    );
    is_blocked(outcome, "a memo in call data");
    let lists = json!([{
        "to": FRIEND, "nonce": "0x0", "gas": "0x5208", "maxFeePerGas": "0x1",
        "maxPriorityFeePerGas": "0x1", "accessList": [{"address": THIEF, "storageKeys": []}],
    }]);
    is_blocked(
        check(&blocked(evm), "ethereum", SEND, &lists),
        "an access list",
    );
}

const SOLANA_THIEF: &str = "B8UwBUUnKwCyKuGMbFKWaG7exYdDk2ozZrPg72NyVbfj";

/// The hash of what a smart account does may come as a message.
#[test]
fn a_message_of_bytes_is_refused_where_a_rule_would_have_to_see_it() {
    let method = "personal_sign";
    let hash = json!([format!("0x{}", "7f".repeat(32))]);
    is_unseen(check(&recipients(&[]), "ethereum", method, &hash));
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

const TOKEN_PROGRAM: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";

fn token_call(program: &str, accounts: &[Address], data: &[u8]) -> Instruction {
    Instruction {
        program_id: program.parse().expect("a program"),
        accounts: accounts
            .iter()
            .map(|account| AccountMeta::new(*account, false))
            .collect(),
        data: data.to_vec(),
    }
}

/// A token program that is listed is trusted with what is read of it, and with nothing else.
#[test]
fn whoever_gets_tokens_or_an_account_is_a_recipient() {
    let own = address(&wallet());
    let [source, mint, thief] = [4, 5, 8].map(|byte| Address::from([byte; 32]));
    let amount = 7_u64.to_le_bytes();
    let authority = [&[6, 2, 1][..], thief.as_ref()].concat();
    for program in [TOKEN_PROGRAM, TOKEN_2022] {
        let trusted = recipients(&[program]);
        let with_thief = recipients(&[program, &thief.to_string()]);
        for (accounts, data) in [
            (&[source, thief, own][..], [&[3], &amount[..]].concat()),
            (&[source, thief, own], [&[4], &amount[..]].concat()),
            (&[source, own], authority.clone()),
            (&[source, thief, own], vec![9]),
            (&[source, mint, thief, own], [&[12], &amount[..]].concat()),
            (&[source, mint, thief, own], [&[13], &amount[..]].concat()),
        ] {
            let call = token_call(program, accounts, &data);
            let refused = solana(&trusted, std::slice::from_ref(&call));
            assert!(
                matches!(refused, Err(PolicyRefusal::Recipient { .. })),
                "{data:?}: {refused:?}"
            );
            assert_eq!(solana(&with_thief, &[call]), Ok(()), "{data:?}");
        }
        for data in [vec![7], vec![26, 1], authority[..20].to_vec(), vec![]] {
            let call = token_call(program, &[source, mint, thief], &data);
            is_unseen(solana(&with_thief, &[call]));
        }
        // Nobody gets anything; and what is closed comes back.
        for data in [vec![5], vec![17], vec![6, 3, 0], vec![9]] {
            let call = token_call(program, &[source, own], &data);
            assert_eq!(solana(&trusted, &[call]), Ok(()), "{data:?}");
        }
    }
    let assign = token_call("11111111111111111111111111111111", &[own], &[1, 0, 0, 0]);
    let system = recipients(&["11111111111111111111111111111111"]);
    is_unseen(solana(&system, &[assign]));
}

/// The example of spl-token's tests: owner, mint, and the account where its tokens lie.
#[test]
fn a_blocked_owner_is_found_by_an_associated_token_account() {
    let own = address(&wallet());
    let key = |text: &str| text.parse::<Address>().expect("an address");
    let mint = key("7o36UsWR1JQLpZ9PE2gn9L4SQ69CNNiWAXd4Jt7rqz9Z");
    let account_of_thief = key("DShWnroshVbeUp28oopA3Pu7oFPDBtC1DBmPECXXAQ9n");
    let rule = blocked(account(SOLANA_THIEF));
    let source = Address::from([4; 32]);
    let data = [&[12][..], &1_u64.to_le_bytes(), &[6]].concat();
    let pay = |to| token_call(TOKEN_PROGRAM, &[source, mint, to, own], &data);
    is_blocked(solana(&rule, &[pay(account_of_thief)]), "a transfer");
    assert_eq!(solana(&rule, &[pay(Address::from([6; 32]))]), Ok(()));
    // Another program may do it in its stead.
    let swap = token_call(
        "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4",
        &[mint, account_of_thief, key(TOKEN_PROGRAM)],
        &[1],
    );
    is_blocked(solana(&rule, &[swap]), "a call of another program");
    // A plain transfer does not say of which mint it is.
    let plain = [&[3][..], &1_u64.to_le_bytes()].concat();
    let plain = token_call(TOKEN_PROGRAM, &[source, account_of_thief, own], &plain);
    is_unseen(solana(&rule, std::slice::from_ref(&plain)));
    assert_eq!(solana(&blocked(account(THIEF)), &[plain]), Ok(()));
}

/// A signature is tied to its own input's value alone: two requests for the same inputs, each with
/// one wrong value, would burn what neither showed.
#[test]
fn values_of_several_inputs_must_be_proven() {
    use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
    let wallet = wallet();
    let friend = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let read = |params: &Value| -> bitcoin::Transaction {
        deserialize_hex(params["transaction"].as_str().expect("hex")).expect("a transaction")
    };
    let previous = read(&bitcoin(&wallet, &[("own", 600), ("own", 500)]));
    let mut unsigned = read(&bitcoin(&wallet, &[(friend, 1_000)]));
    unsigned.input[0].previous_output.txid = previous.compute_txid();
    let mut second = unsigned.input[0].clone();
    second.previous_output.vout = 1;
    unsigned.input.push(second);
    let proof = serialize_hex(&previous);
    let params = |inputs: Value| json!({"transaction": serialize_hex(&unsigned), "inputs": inputs});
    let said = json!([{"index": 0, "value": 600}, {"index": 1, "value": 500}]);
    let mut proven = said.clone();
    for input in proven.as_array_mut().expect("a list") {
        input["previousTransaction"] = proof.clone().into();
    }
    let mut half = proven.clone();
    half[1]
        .as_object_mut()
        .expect("an object")
        .remove("previousTransaction");
    let method = "btc_signTransaction";
    let cap = cap("bitcoin", Asset::Native, 1_100);
    let shown = Policy {
        is_shown: true,
        ..Policy::default()
    };
    for policy in [&cap, &shown] {
        for unproven in [&said, &half] {
            is_unseen(check(policy, "bitcoin", method, &params(unproven.clone())));
        }
        assert_eq!(
            check(policy, "bitcoin", method, &params(proven.clone())),
            Ok(())
        );
    }
    // Without such a rule nobody needs to know.
    assert_eq!(
        check(&Policy::default(), "bitcoin", method, &params(said)),
        Ok(())
    );

    let refused = |input: usize, field: &str, value: Value, reason: &str| {
        let mut inputs = proven.clone();
        inputs[input][field] = value;
        let id = "TX_BUILD_FAILED";
        wallet.refused("bitcoin", method, &params(inputs), id, reason);
    };
    refused(1, "value", json!(499), "an output 1 of 499 satoshi");
    let other = serialize_hex(&unsigned);
    refused(
        0,
        "previousTransaction",
        json!(other),
        "expected the transaction",
    );
    refused(
        0,
        "previousTransaction",
        json!("00"),
        "a serialised Bitcoin transaction",
    );
}

/// What a token holder could ask for is not told by a refusal.
#[test]
fn a_refusal_does_not_tell_what_would_be_allowed() {
    let policy = Policy {
        methods: Some(["personal_sign".to_owned()].into()),
        ..cap("ethereum", Asset::Native, 123_456_789)
    };
    let pay = transaction(FRIEND, 5, "0x");
    let told = check(&policy, "ethereum", SEND, &pay).expect_err("not listed");
    assert!(!told.to_string().contains("personal_sign"), "{told}");
    let chains = chains(&["sepolia"]);
    let told = check(&chains, "ethereum", SEND, &pay).expect_err("not listed");
    assert!(!told.to_string().contains("11155111"), "{told}");
    let cap = Policy {
        methods: None,
        ..policy
    };
    let told = check(&cap, "ethereum", SEND, &pay).expect_err("over the cap");
    assert!(!told.to_string().contains("123456789"), "{told}");
}
