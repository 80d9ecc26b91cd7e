use crate::wallet::{Wallet, patched};
use serde_json::{Value, json};

const TO: &str = "0x6069a6c32cf691f5982febae4faf8a6f3ab2f0f6";
const OTHER: &str = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";

fn fee_market() -> Value {
    json!({"to": TO, "nonce": "0x1", "gas": "0x5208", "maxFeePerGas": "0x3", "maxPriorityFeePerGas": "0x2"})
}

fn legacy() -> Value {
    json!({"to": TO, "nonce": "0x1", "gas": "0x5208", "gasPrice": "0x3"})
}

fn wallet() -> Wallet {
    Wallet::new([0x33; 32])
}

/// Each of these is a valid transaction but for one thing.
fn check(base: Value, cases: &[(Value, &str)]) {
    let wallet = wallet();
    wallet
        .parse("eip155:1", "eth_signTransaction", &base)
        .expect("the base is valid");
    for (patch, reason) in cases {
        let params = json!([patched(&base, patch)]);
        wallet.refused(
            "eip155:1",
            "eth_signTransaction",
            &params,
            "TX_BUILD_FAILED",
            reason,
        );
        wallet.refused(
            "eip155:1",
            "eth_sendTransaction",
            &params,
            "TX_BUILD_FAILED",
            reason,
        );
    }
}

#[test]
fn fields_that_only_a_node_knows_are_required() {
    check(
        fee_market(),
        &[
            (json!({"nonce": null}), "`nonce` is missing"),
            (json!({"gas": null}), "`gas` is missing"),
            (json!({"maxFeePerGas": null}), "`maxFeePerGas` is missing"),
            (
                json!({"maxPriorityFeePerGas": null}),
                "`maxPriorityFeePerGas` is missing",
            ),
            (json!({"to": null}), "`to` is missing"),
        ],
    );
    check(
        legacy(),
        &[
            (json!({"nonce": null}), "`nonce` is missing"),
            (json!({"gas": null}), "`gas` is missing"),
            (
                json!({"gasPrice": null, "type": "0x0"}),
                "`gasPrice` is missing",
            ),
            (json!({"to": null, "data": "0x"}), "`to` is missing"),
        ],
    );
}

#[test]
fn contradictions_are_refused() {
    check(
        fee_market(),
        &[
            (json!({"chainId": "0x2"}), "chain 1"),
            (json!({"chainId": "0x10000000000000001"}), "chain 1"),
            (json!({"from": OTHER}), "ask the wallet that owns it"),
            (json!({"gasPrice": "0x3"}), "`gasPrice` and `maxFeePerGas`"),
            (
                json!({"gasPrice": "0x3", "type": "0x2"}),
                "`gasPrice` and `type`",
            ),
            (json!({"type": "0x0"}), "`type` and `maxFeePerGas`"),
            (json!({"type": "0x1"}), "0x0 (legacy) or 0x2 (EIP-1559)"),
            (json!({"type": "0x3"}), "0x0 (legacy) or 0x2 (EIP-1559)"),
            (
                json!({"maxPriorityFeePerGas": "0x4"}),
                "`maxPriorityFeePerGas` and `maxFeePerGas`",
            ),
            (json!({"gasLimit": "0x5209"}), "`gas` and `gasLimit`"),
            (
                json!({"data": "0x00", "input": "0x01"}),
                "`data` and `input`",
            ),
        ],
    );
    check(
        legacy(),
        &[
            (json!({"chainId": "0x2"}), "chain 1"),
            (json!({"type": "0x2"}), "`gasPrice` and `type`"),
            (
                json!({"maxFeePerGas": "0x3"}),
                "`gasPrice` and `maxFeePerGas`",
            ),
            (
                json!({"maxPriorityFeePerGas": "0x3"}),
                "`gasPrice` and `maxPriorityFeePerGas`",
            ),
            (json!({"accessList": []}), "`gasPrice` and `accessList`"),
        ],
    );
}

#[test]
fn unknown_fields_are_refused() {
    check(
        fee_market(),
        &[
            (json!({"gasprice": "0x1"}), "`gasprice` is unknown"),
            (
                json!({"maxFeePerBlobGas": "0x1"}),
                "`maxFeePerBlobGas` is unknown",
            ),
            (
                json!({"accessList": [{"address": TO, "storageKeys": [], "x": 1}]}),
                "`x` is unknown",
            ),
        ],
    );
}

#[test]
fn values_of_the_wrong_shape_are_refused() {
    let too_long = format!("0x{}", "00".repeat(128 * 1024 + 1));
    let too_many = vec![json!({"address": TO, "storageKeys": []}); 1025];
    check(
        fee_market(),
        &[
            (json!({"nonce": 1}), "`nonce`: expected a 0x hex quantity"),
            (json!({"nonce": "1"}), "`nonce`: expected a 0x hex quantity"),
            (
                json!({"nonce": "0x"}),
                "`nonce`: expected a 0x hex quantity",
            ),
            (
                json!({"nonce": "0x_1"}),
                "`nonce`: expected a 0x hex quantity",
            ),
            (
                json!({"nonce": "0x+1"}),
                "`nonce`: expected a 0x hex quantity",
            ),
            (json!({"nonce": "0x10000000000000000"}), "at most 64 bits"),
            (json!({"gas": "0x10000000000000000"}), "at most 64 bits"),
            (
                json!({"maxFeePerGas": "0x100000000000000000000000000000000"}),
                "at most 128 bits",
            ),
            (
                json!({"value": format!("0x1{}", "0".repeat(64))}),
                "at most 256 bits",
            ),
            (json!({"to": ""}), "a 0x address of 20 bytes"),
            (
                json!({"to": TO.trim_start_matches("0x")}),
                "a 0x address of 20 bytes",
            ),
            (
                json!({"to": "0x6069a6c32cf691f5982febae4faf8a6f3ab2f0"}),
                "a 0x address of 20 bytes",
            ),
            (json!({"to": 7}), "a string"),
            (json!({"from": "0x12"}), "a 0x address of 20 bytes"),
            (json!({"data": "00"}), "0x and an even number"),
            (json!({"data": "0x0"}), "0x and an even number"),
            (json!({"data": 0}), "a string"),
            (json!({"input": "0xzz"}), "0x and an even number"),
            (json!({"data": too_long}), "at most 131072 bytes"),
            (json!({"accessList": {}}), "an array of at most 1024"),
            (json!({"accessList": too_many}), "an array of at most 1024"),
            (
                json!({"accessList": [{"address": TO}]}),
                "`storageKeys` is missing",
            ),
            (
                json!({"accessList": [{"storageKeys": []}]}),
                "`address` is missing",
            ),
            (
                json!({"accessList": [{"address": TO, "storageKeys": ["0x00"]}]}),
                "32 bytes in hex",
            ),
            (
                json!({"accessList": [{"address": TO, "storageKeys": "0x00"}]}),
                "an array",
            ),
        ],
    );
    let wallet = wallet();
    for params in [json!([]), json!([fee_market(), "latest"])] {
        let reason = "exactly one parameter";
        wallet.refused(
            "eip155:1",
            "eth_signTransaction",
            &params,
            "TX_BUILD_FAILED",
            reason,
        );
    }
    for params in [json!("0x"), json!([7]), json!(null)] {
        wallet.refused(
            "eip155:1",
            "eth_signTransaction",
            &params,
            "TX_BUILD_FAILED",
            "an object",
        );
    }
}

/// EIP-55, "Test Cases": each is taken, and not with one letter of the other case.
#[test]
fn eip55_checksums() {
    let wallet = wallet();
    let parse = |to: &str| {
        wallet.parse(
            "eip155:1",
            "eth_signTransaction",
            &patched(&fee_market(), &json!({"to": to})),
        )
    };
    for address in [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ] {
        let summary = parse(address).expect(address).summary();
        assert!(summary.contains(address), "{summary}");
        for (position, letter) in address
            .char_indices()
            .skip(2)
            .filter(|(_, c)| c.is_alphabetic())
        {
            let other = if letter.is_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            };
            let wrong = format!(
                "{}{other}{}",
                &address[..position],
                &address[position + 1..]
            );
            let error = parse(&wrong).expect_err(&wrong);
            assert!(error.to_string().contains("EIP-55"), "{error}");
        }
    }
    for one_case in [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    ] {
        parse(one_case).expect(one_case);
    }
}

#[test]
fn two_names_of_one_field_may_agree() {
    let wallet = wallet();
    let own = portal_chains::Secp256k1Key::parse(&wallet.public_key("eip155:1")).expect("ours");
    for patch in [
        json!({"gasLimit": "0x5208"}),
        json!({"data": "0x01", "input": "0x01"}),
        json!({"from": portal_chains::evm::address(&own)}),
        json!({"from": "", "data": ""}),
        json!({"chainId": "0x1", "type": "0x2", "value": "0x00"}),
    ] {
        wallet
            .parse(
                "eip155:1",
                "eth_signTransaction",
                &patched(&fee_market(), &patch),
            )
            .expect("valid");
    }
}
