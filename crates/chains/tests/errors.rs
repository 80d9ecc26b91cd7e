use crate::wallet::Wallet;
use serde_json::json;

#[test]
fn methods_of_other_chains_are_refused() {
    let wallet = Wallet::new([9; 32]);
    for (chain, method, supported) in [
        ("ethereum", "eth_sign", "personal_sign"),
        ("ethereum", "eth_signTypedData", "eth_signTypedData_v4"),
        ("ethereum", "sol_signMessage", "eth_signTransaction"),
        ("ethereum", "ETH_SIGNTRANSACTION", "eth_signTransaction"),
        ("solana", "personal_sign", "sol_signMessage"),
        ("solana", "btc_signTransaction", "sol_signTransaction"),
        ("bitcoin", "eth_signTransaction", "btc_signTransaction"),
        ("bitcoin-testnet", "", "btc_signTransaction"),
    ] {
        wallet.refused(chain, method, &json!([]), "METHOD_UNSUPPORTED", supported);
    }
}

#[test]
fn keys_of_the_other_curve_are_refused() {
    let wallet = Wallet::new([9; 32]);
    for (chain, method, other) in [
        ("ethereum", "eth_signTransaction", "solana:"),
        ("ethereum", "personal_sign", "solana:"),
        ("ethereum", "eth_signTypedData_v4", "solana:"),
        ("bitcoin", "btc_signTransaction", "solana:"),
        ("solana", "sol_signMessage", "eip155:"),
        ("solana", "sol_signTransaction", "eip155:"),
    ] {
        let chain = chain.parse().expect("a chain");
        let key = wallet.public_key(other);
        let error =
            portal_chains::Request::parse(&chain, method, &json!(["a"]), &key).expect_err("a key");
        assert_eq!(error.id(), "TX_BUILD_FAILED");
        assert!(
            error.to_string().starts_with("public key: expected"),
            "{error}"
        );
    }
}

#[test]
fn what_came_is_shown_short_and_on_one_line() {
    let wallet = Wallet::new([9; 32]);
    let params = json!({"to": format!("0x\n\u{202e}{}", "a".repeat(10_000))});
    let error = wallet
        .parse("ethereum", "eth_signTransaction", &params)
        .expect_err("no address");
    let text = error.to_string();
    assert!(
        text.len() < 400 && !text.contains(['\n', '\u{202e}']),
        "{text}"
    );
    let error = "x\n"
        .repeat(10_000)
        .parse::<portal_chains::ChainId>()
        .expect_err("no chain");
    assert!(error.to_string().len() < 600, "{error}");
}
