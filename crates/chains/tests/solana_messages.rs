use crate::solana_transactions::{address, legacy_message, v0_message, v1_message};
use crate::wallet::Wallet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_chains::Signed;
use proptest::prelude::*;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

const METHOD: &str = "sol_signMessage";

/// RFC 8032 §7.1, TEST 3.
#[test]
fn rfc8032_test_3() {
    let wallet =
        Wallet::from_hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    let expected = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
        18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
    for params in [
        json!(["0xaf82"]),
        json!("0xaf82"),
        json!([{"message": "af82", "encoding": "hex"}]),
        json!([{"message": "0xaf82", "encoding": "hex"}]),
        json!({"message": "r4I=", "encoding": "base64"}),
    ] {
        let signed = wallet.finish("solana", METHOD, &params);
        let Signed::SolanaMessage { signature } = signed else {
            panic!("{signed:?}")
        };
        assert_eq!(hex::encode(signature), expected);
        assert_eq!(
            signed.encoded(),
            solana_signature::Signature::from(signature).to_string()
        );
        assert_eq!(signed.transaction_id(), None);
    }
}

#[test]
fn text_is_signed_as_it_is() {
    let wallet = Wallet::new([2; 32]);
    for (params, bytes, summary) in [
        (
            json!(["sign in"]),
            "sign in".as_bytes(),
            "Solana message of 7 bytes: \"sign in\"",
        ),
        (
            json!([{"message": "0xaf", "encoding": "utf8"}]),
            b"0xaf",
            "Solana message of 4 bytes: \"0xaf\"",
        ),
        (
            json!("0xff00"),
            &[0xff, 0],
            "Solana message of 2 bytes: 0xff00",
        ),
    ] {
        let request = wallet.parse("solana", METHOD, &params).expect("valid");
        assert_eq!(request.payloads()[0].as_bytes(), bytes);
        assert_eq!(request.summary(), summary);
    }
}

fn hex_params(bytes: &[u8]) -> Value {
    json!([format!("0x{}", hex::encode(bytes))])
}

/// The attack: a "message" whose signature is a transaction's.
#[test]
fn transactions_are_no_messages() {
    let wallet = Wallet::new([2; 32]);
    let call = |signer| Instruction {
        program_id: Address::from([8; 32]),
        accounts: vec![AccountMeta::new(signer, true)],
        data: vec![1, 2, 3],
    };
    let (own, other) = (address(&wallet), Address::from([9; 32]));
    for (signer, what) in [(own, "ours"), (other, "somebody's")] {
        for (message, version) in [
            (
                legacy_message(signer, &[call(signer)]),
                "a legacy transaction",
            ),
            (v0_message(signer, &[call(signer)]), "a v0 transaction"),
            (v1_message(signer, &[call(signer)]), "a v1 transaction"),
        ] {
            let bytes = message.serialize();
            let longer = [bytes.as_slice(), b" and more"].concat();
            for params in [
                hex_params(&bytes),
                hex_params(&longer),
                json!({"message": STANDARD.encode(&bytes), "encoding": "base64"}),
            ] {
                wallet.refused("solana", METHOD, &params, "MSG_BUILD_FAILED", version);
                wallet.refused(
                    "solana",
                    METHOD,
                    &params,
                    "MSG_BUILD_FAILED",
                    "sol_signTransaction",
                );
            }
            // Cut short it is no transaction, and off-chain messages (0xff) never are.
            let off_chain = [b"\xffsolana offchain".as_slice(), &bytes].concat();
            // Nor does a node take one whose payer may not be written.
            let mut no_payer = bytes.clone();
            no_payer[if version == "a v0 transaction" { 2 } else { 1 }] = 1;
            for harmless in [&bytes[..bytes.len() - 1], &off_chain] {
                wallet
                    .parse("solana", METHOD, &hex_params(harmless))
                    .expect(what);
            }
            if version != "a v1 transaction" {
                let parsed = wallet.parse("solana", METHOD, &hex_params(&no_payer));
                parsed.expect(version);
            }
        }
    }
}

#[test]
fn messages_that_do_not_decode_are_refused() {
    let wallet = Wallet::new([2; 32]);
    let long = "x".repeat(128 * 1024 + 1);
    for (params, reason) in [
        (json!([]), "exactly one parameter"),
        (json!(["a", "b"]), "exactly one parameter"),
        (json!([7]), "an object"),
        (json!(["0xzz"]), "hex after 0x"),
        (json!([{"message": "a"}]), "`encoding` is missing"),
        (json!([{"encoding": "utf8"}]), "`message` is missing"),
        (json!([{"message": 7, "encoding": "utf8"}]), "a string"),
        (
            json!([{"message": "a", "encoding": "base58"}]),
            "utf8, hex or base64",
        ),
        (
            json!([{"message": "xyz", "encoding": "hex"}]),
            "expected hex",
        ),
        (
            json!([{"message": "r4I", "encoding": "base64"}]),
            "padded base64",
        ),
        (
            json!([{"message": "a", "encoding": "utf8", "display": "hex"}]),
            "`display` is unknown",
        ),
        (json!([long]), "at most 131072 bytes"),
        (
            json!([{"message": long, "encoding": "utf8"}]),
            "at most 131072 bytes",
        ),
    ] {
        wallet.refused("solana", METHOD, &params, "MSG_BUILD_FAILED", reason);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_messages_verify(seed in prop::array::uniform32(1u8..), text in "\\PC{0,400}") {
        let wallet = Wallet::new(seed);
        let params = json!([{"message": text, "encoding": "utf8"}]);
        let signed = wallet.finish("solana", METHOD, &params);
        let Signed::SolanaMessage { signature } = signed else { panic!("{signed:?}") };
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        wallet.eddsa.verifying_key().verify_strict(text.as_bytes(), &signature).expect("dalek agrees");
    }
}
