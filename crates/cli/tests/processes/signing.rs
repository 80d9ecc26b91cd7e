//! A device signs with both keys, and others verify it.

use serde_json::Value;

use crate::installation::Installation;
use crate::verify;

/// Arguments of `portal wallet` that sign with each key.
pub(crate) const SIGN_EVM: [&str; 7] = [
    "sign",
    "--chain",
    "ethereum",
    "--method",
    "personal_sign",
    "--params",
    "\"hello\"",
];
pub(crate) const SIGN_SOLANA: [&str; 7] = [
    "sign",
    "--chain",
    "solana",
    "--method",
    "sol_signMessage",
    "--params",
    "\"hello\"",
];
/// What they sign.
pub(crate) const MESSAGE: &str = "hello";

/// The addresses that this device signs for, by signing a message with each key.
pub(crate) fn addresses(installation: &Installation, device: &str) -> Value {
    let sign = |arguments: &[&str]| {
        let told = installation.wallet(device, arguments);
        told["signed"].as_str().unwrap().to_owned()
    };
    let status = installation.wallet(device, &["status"]);
    let addresses = status["client"]["metadata"]["namespaces"].clone();
    let evm = addresses["eip155"]["address"].as_str().unwrap();
    let digest = verify::personal_digest(MESSAGE);
    assert_eq!(verify::evm_signer(digest, &sign(&SIGN_EVM)), evm);
    let signature: solana_signature::Signature = sign(&SIGN_SOLANA).parse().unwrap();
    let solana = addresses["solana"]["address"].as_str().unwrap();
    verify::ed25519(solana, MESSAGE.as_bytes(), signature.as_ref());
    addresses
}
