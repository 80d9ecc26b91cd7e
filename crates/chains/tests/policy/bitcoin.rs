//! Bitcoin: what does not come back, and what nothing proves.

use portal_chains::{Asset, Policy, PolicyRefusal};
use serde_json::{Value, json};

use super::{account, blocked, cap, check, is_unseen, recipients, wallet};
use crate::wallet::Wallet;

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

/// Else whoever asked would look for an address that they never wrote.
#[test]
fn a_refused_address_is_told_as_on_the_requests_network() {
    // BIP-173's examples: one script, on either network.
    let on_mainnet = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let on_testnet = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
    let params = bitcoin(&wallet(), &[(on_mainnet, 600)]);
    for (chain, told) in [("bitcoin", on_mainnet), ("bitcoin-testnet", on_testnet)] {
        for policy in [recipients(&[]), blocked(account(on_mainnet))] {
            let refused = check(&policy, chain, "btc_signTransaction", &params);
            let refused = refused.expect_err("not allowed").to_string();
            assert!(refused.contains(told), "{chain}: {refused}");
        }
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
