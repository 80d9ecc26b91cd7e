//! A blocked address is found wherever it stands, in whatever spelling.

use portal_chains::{Account, Amount, PolicyRefusal};
use proptest::prelude::*;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use super::{
    FRIEND, SEND, SOLANA_THIEF, THIEF, TOKEN, TOKEN_PROGRAM, account, blocked, check, is_unseen,
    solana, token_call, transaction, wallet,
};
use crate::solana_transactions::address;

#[track_caller]
fn is_blocked(outcome: Result<(), PolicyRefusal>, what: &str) {
    assert!(
        matches!(outcome, Err(PolicyRefusal::Blocked { .. })),
        "{what}: {outcome:?}"
    );
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
        ("function", json!(format!("0x{thief}a9059cbb"))),
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
    let Account::Bitcoin(script) = account(bitcoin) else {
        panic!("expected a Bitcoin account");
    };
    let script = transaction(FRIEND, 0, &format!("0x{}", hex::encode(script)));
    let outcome = check(&blocked(account(bitcoin)), "ethereum", SEND, &script);
    is_blocked(outcome, "a script in call data");
    let lists = json!([{
        "to": FRIEND, "nonce": "0x0", "gas": "0x5208", "maxFeePerGas": "0x1",
        "maxPriorityFeePerGas": "0x1", "accessList": [{"address": THIEF, "storageKeys": []}],
    }]);
    is_blocked(
        check(&blocked(evm.clone()), "ethereum", SEND, &lists),
        "an access list",
    );
    let key = format!("0x{:0>64}", &THIEF[2..]);
    let outcome = check(
        &blocked(evm.clone()),
        "ethereum",
        SEND,
        &with_keys("0x", &[&key]),
    );
    is_blocked(outcome, "a storage key");
    for (field, kind) in [("name", "string"), ("version", "string")] {
        let mut data = typed(&json!({"T": []}), &json!({}));
        data[0]["domain"] = json!({field: format!("of {THIEF}")});
        data[0]["types"]["EIP712Domain"] = json!([{"name": field, "type": kind}]);
        let method = "eth_signTypedData_v4";
        let outcome = check(&blocked(evm.clone()), "ethereum", method, &data);
        is_blocked(outcome, field);
    }
}

/// A call of the friend with these storage keys of its own listed.
fn with_keys(data: &str, keys: &[&str]) -> Value {
    json!([{
        "to": FRIEND, "data": data, "nonce": "0x0", "gas": "0x5208", "maxFeePerGas": "0x1",
        "maxPriorityFeePerGas": "0x1", "accessList": [{"address": FRIEND, "storageKeys": keys}],
    }])
}

/// What stands side by side here stands nowhere together: an address of two parts is none.
#[test]
fn no_address_is_read_across_two_values() {
    // Without a zero, which is what stands between two values.
    let rule = blocked(account(TOKEN));
    let (first, second) = TOKEN.trim_start_matches("0x").split_at(20);
    let (first_key, second_key) = (format!("0x{first:0>64}"), format!("0x{second:0<64}"));
    for params in [
        with_keys(&format!("0x{first}"), &[&second_key]),
        with_keys("0x", &[&first_key, &second_key]),
    ] {
        assert_eq!(check(&rule, "ethereum", SEND, &params), Ok(()), "{params}");
    }
    let types = json!({"T": [{"name": "a", "type": "bytes"}, {"name": "b", "type": "bytes"}]});
    let halves = [format!("0x{first}"), format!("0x{second}")];
    let values = typed(&types, &json!({"a": halves[0], "b": halves[1]}));
    let mut domain = typed(&json!({"T": []}), &json!({}));
    domain[0]["domain"] = json!({"name": first, "version": second});
    domain[0]["types"]["EIP712Domain"] =
        json!([{"name": "name", "type": "string"}, {"name": "version", "type": "string"}]);
    let mut salt = typed(
        &json!({"T": [{"name": "a", "type": "bytes"}]}),
        &json!({"a": halves[1]}),
    );
    salt[0]["domain"] = json!({"salt": first_key});
    salt[0]["types"]["EIP712Domain"] = json!([{"name": "salt", "type": "bytes32"}]);
    for data in [values, domain, salt] {
        let outcome = check(&rule, "ethereum", "eth_signTypedData_v4", &data);
        assert_eq!(outcome, Ok(()), "{data}");
    }
    let memo = |data: &str| Instruction {
        program_id: "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
            .parse()
            .expect("a program"),
        accounts: vec![],
        data: hex::decode(data).expect("hex"),
    };
    assert_eq!(solana(&rule, &[memo(first), memo(second)]), Ok(()));
    is_blocked(solana(&rule, &[memo(&TOKEN[2..])]), "a memo");
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
