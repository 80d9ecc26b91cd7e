use crate::bitcoin_transactions::{METHOD, read, two_inputs, unsigned};
use crate::wallet::{Wallet, patched};
use bitcoin::consensus::encode;
use bitcoin::{ScriptBuf, Transaction, Witness};
use serde_json::{Value, json};

fn check(patch: &Value, reason: &str) {
    let wallet = Wallet::new([0x33; 32]);
    wallet
        .parse("bitcoin", METHOD, &two_inputs())
        .expect("the base is valid");
    let params = json!([patched(&two_inputs(), patch)]);
    wallet.refused("bitcoin", METHOD, &params, "TX_BUILD_FAILED", reason);
    wallet.refused(
        "bitcoin-testnet",
        "btc_sendTransaction",
        &params,
        "TX_BUILD_FAILED",
        reason,
    );
}

#[test]
fn inputs() {
    let first = json!({"index": 0, "value": 60_000_000});
    let second =
        |index: Value, value: Value| json!({"inputs": [first, {"index": index, "value": value}]});
    for (patch, reason) in [
        (json!({"inputs": null}), "`inputs` is missing"),
        (json!({"inputs": []}), "a list of {index, value}"),
        (json!({"inputs": {}}), "a list of {index, value}"),
        (json!({"inputs": [7]}), "an object"),
        (json!({"inputs": [{"index": 0}]}), "`value` is missing"),
        (json!({"inputs": [{"value": 1}]}), "`index` is missing"),
        (
            json!({"inputs": [{"index": 0, "value": 1, "sighash": 3}]}),
            "`sighash` is unknown",
        ),
        (
            second(json!(2), json!(40_000_000)),
            "the index of one of 2 inputs",
        ),
        (
            second(json!(-1), json!(40_000_000)),
            "the index of one of 2 inputs",
        ),
        (
            second(json!("1"), json!(40_000_000)),
            "the index of one of 2 inputs",
        ),
        (second(json!(0), json!(60_000_000)), "each index once"),
        (second(json!(1), json!(-1)), "a whole number of satoshi"),
        (second(json!(1), json!(0.4)), "a whole number of satoshi"),
        (
            second(json!(1), json!("40000000")),
            "a whole number of satoshi",
        ),
        (
            second(json!(1), json!(2_100_000_000_000_001_u64)),
            "at most 21 million BTC",
        ),
        (
            second(json!(1), json!(39_989_999)),
            "worth more than the inputs",
        ),
    ] {
        check(&patch, reason);
    }
}

#[test]
fn transactions() {
    let hex = two_inputs()["transaction"]
        .as_str()
        .expect("hex")
        .to_owned();
    let edited = |edit: fn(&mut Transaction)| {
        let mut transaction = read(&hex);
        edit(&mut transaction);
        json!({"transaction": encode::serialize_hex(&transaction)})
    };
    let large = unsigned(2, &[(1, ScriptBuf::from_bytes(vec![0; 100_000]))]);
    for (patch, reason) in [
        (json!({"transaction": null}), "`transaction` is missing"),
        (json!({"transaction": 7}), "a string"),
        (
            json!({"transaction": "zz"}),
            "a serialised Bitcoin transaction",
        ),
        (
            json!({"transaction": ""}),
            "a serialised Bitcoin transaction",
        ),
        (
            json!({"transaction": format!("{hex}00")}),
            "a serialised Bitcoin transaction",
        ),
        (
            json!({"transaction": &hex[..hex.len() - 2]}),
            "a serialised Bitcoin transaction",
        ),
        (
            json!({"transaction": encode::serialize_hex(&large)}),
            "at most 100000 bytes",
        ),
        (json!({"psbt": "70736274ff"}), "`psbt` is unknown"),
        (
            edited(|tx| tx.input[1].script_sig = ScriptBuf::from_bytes(vec![0x51])),
            "signed already",
        ),
        (
            edited(|tx| tx.input[1].witness = Witness::from_slice(&[[1; 4]])),
            "signed already",
        ),
        (
            edited(|tx| tx.output[0].value = bitcoin::Amount::MAX),
            "worth more than the inputs",
        ),
    ] {
        check(&patch, reason);
    }
    let wallet = Wallet::new([0x33; 32]);
    for (params, reason) in [
        (json!([]), "exactly one parameter"),
        (json!([two_inputs(), 1]), "exactly one parameter"),
        (json!(["00"]), "an object"),
    ] {
        wallet.refused("bitcoin", METHOD, &params, "TX_BUILD_FAILED", reason);
    }
}
