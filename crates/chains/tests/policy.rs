//! What requests do, and what a policy makes of it.

mod bitcoin;
mod blocked;
mod evm;
mod messages;
mod solana;

use portal_chains::{Account, Amount, Asset, ChainId, ChainRule, Policy, PolicyRefusal, Request};
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use crate::solana_transactions::{address, encode, legacy_message};
use crate::wallet::Wallet;

const TOKEN: &str = "0x6b175474e89094c44da98b954eedeac495271d0f";
const FRIEND: &str = "0x3535353535353535353535353535353535353535";
const THIEF: &str = "0x00000000000000000000000000000000000bad01";
const SEND: &str = "eth_sendTransaction";
const SOLANA_THIEF: &str = "B8UwBUUnKwCyKuGMbFKWaG7exYdDk2ozZrPg72NyVbfj";
const TOKEN_PROGRAM: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

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

fn chains(allowed: &[&str]) -> Policy {
    let rule = |text: &&str| text.parse().expect("a rule on chains");
    Policy {
        chains: Some(allowed.iter().map(rule).collect()),
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

fn solana(policy: &Policy, instructions: &[Instruction]) -> Result<(), PolicyRefusal> {
    let message = legacy_message(address(&wallet()), instructions);
    let params = json!([encode(&message.serialize())]);
    check(policy, "solana", "sol_signTransaction", &params)
}

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

/// What a token holder could ask for is not told by a refusal, nor what else is refused.
#[test]
fn a_refusal_does_not_tell_what_would_be_allowed() {
    const CAP: u64 = 123_456_789_123_456;
    let all = || Policy {
        methods: Some([SEND.to_owned(), "personal_sign".to_owned()].into()),
        chains: chains(&["ethereum", "sepolia"]).chains,
        recipients: recipients(&[FRIEND, TOKEN]).recipients,
        blocked: [account(SOLANA_THIEF)].into(),
        ..cap("ethereum", Asset::Native, CAP)
    };
    let pay = || transaction(FRIEND, 5, "0x");
    assert_eq!(check(&all(), "ethereum", SEND, &pay()), Ok(()));
    let creation = json!([{"data": "0x6000", "nonce": "0x0", "gas": "0x5208", "gasPrice": "0x1"}]);
    let two_strangers = format!("0xa9059cbb{}{}", word(THIEF), word("05"));
    let untold = [
        "personal_sign",
        "11155111",
        "123456789123456",
        TOKEN,
        SOLANA_THIEF,
    ];
    for (policy, params, untold) in [
        (
            Policy {
                methods: Some(["personal_sign".to_owned()].into()),
                ..all()
            },
            pay(),
            &untold[..],
        ),
        (
            Policy {
                chains: chains(&["sepolia"]).chains,
                ..all()
            },
            pay(),
            &untold,
        ),
        (
            Policy {
                recipients: recipients(&[TOKEN]).recipients,
                ..all()
            },
            pay(),
            &untold,
        ),
        (all(), transaction(FRIEND, CAP, "0x"), &untold),
        (all(), creation, &untold),
        (
            Policy {
                blocked: [account(FRIEND), account(SOLANA_THIEF)].into(),
                ..all()
            },
            pay(),
            &untold,
        ),
        // Of two whom the list has not, one is told.
        (
            Policy {
                recipients: recipients(&[FRIEND]).recipients,
                ..all()
            },
            transaction(TOKEN, 0, &two_strangers),
            &[FRIEND, THIEF],
        ),
    ] {
        let told = check(&policy, "ethereum", SEND, &params).expect_err("one rule is broken");
        let text = told.to_string().to_lowercase();
        for secret in untold {
            let is_told = text.contains(&secret.to_lowercase());
            assert!(!is_told, "expected nothing of {secret} in {told}");
        }
    }
}
