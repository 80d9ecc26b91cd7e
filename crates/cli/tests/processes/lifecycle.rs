//! The whole lifecycle through separate processes.

use std::fs;

use serde_json::{Value, json};

use crate::installation::{Installation, expect_success};
use crate::signing::SIGN_EVM;
use crate::verify;

const PASSWORD: &str = "a password of the end user";

#[test]
fn every_operation_works_through_separate_processes() {
    live(|_| {});
}

#[test]
fn the_server_may_be_killed_between_any_two_steps() {
    live(Installation::kill_and_restart_server);
}

#[test]
fn while_the_backend_is_down_errors_say_that_they_may_pass() {
    let mut installation = Installation::start();
    let made = installation.client("phone", &["create"]);
    let client = made["clientId"].as_str().unwrap();
    installation.wallet("phone", &["create"]);
    installation.wallet("phone", &["backup", "--folder", "drive"]);
    installation.client("tablet", &["login", "--client", client]);

    installation.kill_custodian();
    let of = |device: &str, arguments: &[&str]| installation.wallet_refusal(device, arguments);
    assert_eq!(
        of("phone", &["backup", "--folder", "drive"]),
        "WEBHOOK_FAILED"
    );
    assert_eq!(
        of("tablet", &["recover", "--folder", "drive"]),
        "UNAVAILABLE"
    );
    installation.start_custodian();
    installation.wallet("tablet", &["recover", "--folder", "drive"]);
}

#[test]
fn a_device_of_another_client_is_left_alone() {
    let installation = Installation::start();
    installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    let other = installation.client("laptop", &["create"]);
    let profile = || fs::read_to_string(installation.path("phone/profile.toml")).unwrap();
    let before = profile();
    let login = ["login", "--client", other["clientId"].as_str().unwrap()];
    for arguments in [&["create"] as &[&str], &login] {
        let refused = installation.client_command("phone", arguments).output();
        assert!(!refused.unwrap().status.success(), "{arguments:?}");
        assert_eq!(profile(), before);
    }
    installation.wallet("phone", &SIGN_EVM);
}

#[test]
fn another_session_changes_nothing_else_of_a_device() {
    let installation = Installation::start();
    let made = installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    let profile = || -> toml::Table {
        let text = fs::read_to_string(installation.path("phone/profile.toml")).unwrap();
        text.parse().unwrap()
    };
    let mut before = profile();
    let login = ["login", "--client", made["clientId"].as_str().unwrap()];
    expect_success(installation.session_command("phone", &login));
    let mut after = profile();
    assert_ne!(before.remove("client_token"), after.remove("client_token"));
    assert_eq!(before, after);
    installation.wallet("phone", &["backup", "--folder", "drive"]);
}

/// A wallet's life; `between` happens between any two steps.
fn live(between: impl Fn(&mut Installation)) {
    let mut installation = Installation::start();
    fs::write(installation.path("password"), PASSWORD).unwrap();
    let made = installation.client("phone", &["create"]);
    let client = made["clientId"].as_str().unwrap().to_owned();
    let mut step = |device: &str, arguments: &[&str]| {
        between(&mut installation);
        installation.wallet(device, arguments)
    };

    assert_statuses(&step("phone", &["status"]), &[], &[]);
    let created = step("phone", &["create"]);
    assert_eq!(created["resumed"], false);
    assert_statuses(&step("phone", &["status"]), &["STORED_CLIENT"], &[]);
    sign_everything(&created["addresses"], |arguments| step("phone", arguments));

    step("phone", &["backup", "--password-file", "password"]);
    assert_statuses(
        &step("phone", &["status"]),
        &["STORED_CLIENT"],
        &["STORED_CLIENT_BACKUP_SHARE"],
    );
    step("phone", &["backup", "--folder", "drive"]);
    assert_statuses(
        &step("phone", &["status"]),
        &["STORED_CLIENT"],
        &["SUPERSEDED", "STORED_CLIENT_BACKUP_SHARE"],
    );

    // The phone is lost, and its keychain with it.
    between(&mut installation);
    fs::rename(
        installation.path("phone/keychain"),
        installation.path("found"),
    )
    .unwrap();
    let sign = [
        "sign",
        "--chain",
        "solana",
        "--method",
        "sol_signMessage",
        "--params",
        "\"hi\"",
    ];
    assert_eq!(
        installation.wallet_refusal("phone", &sign),
        "SIGNING_SHARE_NOT_ON_DEVICE"
    );

    installation.client("tablet", &["login", "--client", &client]);
    between(&mut installation);
    let recovered = installation.wallet("tablet", &["recover", "--folder", "drive"]);
    assert_eq!(recovered["addresses"], created["addresses"]);
    between(&mut installation);
    assert_statuses(
        &installation.wallet("tablet", &["status"]),
        &["SUPERSEDED", "STORED_CLIENT"],
        &["SUPERSEDED", "STORED_CLIENT_BACKUP_SHARE"],
    );
    sign_everything(&created["addresses"], |arguments| {
        between(&mut installation);
        installation.wallet("tablet", arguments)
    });

    // The phone is found again: its share is of the past, and stays where it is.
    fs::remove_dir_all(installation.path("phone/keychain")).unwrap();
    fs::rename(
        installation.path("found"),
        installation.path("phone/keychain"),
    )
    .unwrap();
    between(&mut installation);
    assert_eq!(
        installation.wallet_refusal("phone", &sign),
        "SIGNING_SHARE_SUPERSEDED"
    );
    assert_eq!(
        installation.wallet_refusal("phone", &["refresh"]),
        "SIGNING_SHARE_SUPERSEDED"
    );

    between(&mut installation);
    installation.wallet("tablet", &["refresh"]);
    between(&mut installation);
    assert_eq!(
        installation.wallet_refusal("tablet", &["create"]),
        "WALLET_ALREADY_EXISTS"
    );
    sign_everything(&created["addresses"], |arguments| {
        installation.wallet("tablet", arguments)
    });
}

/// Both curves show the same statuses, in the order in which the pairs were made.
fn assert_statuses(status: &Value, signing: &[&str], backup: &[&str]) {
    let wallets = status["client"]["wallets"].as_array().unwrap();
    if signing.is_empty() {
        assert_eq!(status["client"]["wallets"], json!([]));
    }
    for wallet in wallets {
        let of = |pairs: &str| -> Vec<String> {
            let pairs = wallet[pairs].as_array().unwrap();
            pairs
                .iter()
                .map(|pair| pair["status"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(of("signingSharePairs"), signing, "{wallet}");
        assert_eq!(of("backupSharePairs"), backup, "{wallet}");
    }
    let is_backed_up = backup.contains(&"STORED_CLIENT_BACKUP_SHARE");
    assert_eq!(status["client"]["isBackedUp"], is_backed_up);
}

/// A signature of every chain and kind, each parsed back and verified by others.
fn sign_everything(addresses: &Value, mut wallet: impl FnMut(&[&str]) -> Value) {
    let address = |chain: &str| addresses[chain].as_str().unwrap().to_owned();
    let (evm, solana, bitcoin) = (address("eip155"), address("solana"), address("bip122"));
    let mut sign = |chain: &str, method: &str, params: Value| {
        let params = params.to_string();
        let arguments = [
            "sign", "--chain", chain, "--method", method, "--params", &params,
        ];
        wallet(&arguments)["signed"].as_str().unwrap().to_owned()
    };
    let to = "0x000000000000000000000000000000000000dEaD";
    let fee = json!({
        "from": evm, "to": to, "value": "0x1", "gas": "0x5208", "nonce": "0x0",
        "maxFeePerGas": "0x2", "maxPriorityFeePerGas": "0x1",
    });
    let raw = sign("sepolia", "eth_signTransaction", json!([fee]));
    assert_eq!(verify::evm_sender(&raw), evm, "EIP-1559");
    let legacy =
        json!({ "to": to, "value": "0x1", "gas": "0x5208", "nonce": "0x0", "gasPrice": "0x2" });
    let raw = sign("ethereum", "eth_signTransaction", json!([legacy]));
    assert_eq!(verify::evm_sender(&raw), evm, "legacy");
    let signature = sign("ethereum", "personal_sign", json!(["hello", evm]));
    assert_eq!(
        verify::evm_signer(verify::personal_digest("hello"), &signature),
        evm
    );

    let signed = sign("solana", "sol_signMessage", json!("hello"));
    let signature: solana_signature::Signature = signed.parse().unwrap();
    verify::ed25519(&solana, b"hello", signature.as_ref());
    let unsigned = verify::solana_transfer(&solana);
    let raw = sign("solana", "sol_signTransaction", json!(unsigned));
    verify::solana_transaction(&solana, &raw);

    let params = json!({
        "transaction": verify::bitcoin_spend(),
        "inputs": [{ "index": 0, "value": 10_000 }],
    });
    let raw = sign("bitcoin", "btc_signTransaction", params);
    verify::bitcoin_transaction(&bitcoin, &raw, 10_000);
}
