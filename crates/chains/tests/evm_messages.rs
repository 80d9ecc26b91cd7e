use crate::wallet::{Wallet, libsecp_recover};
use portal_chains::{Signature, Signed};
use proptest::prelude::*;
use serde_json::{Value, json};

const COW: &str = "c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4";

/// EIP-712's example, as in its `Example.js`.
pub(crate) fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
            "Mail": [
                {"name": "from", "type": "Person"},
                {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail", "version": "1", "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    })
}

/// EIP-712, "Test Cases": the key is keccak256("cow").
#[test]
fn eip712_mail_example() {
    let wallet = Wallet::from_hex(COW);
    let own = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826";
    for params in [
        json!([own, mail()]),
        json!([own, mail().to_string()]),
        json!([own.to_lowercase(), mail()]),
        json!([mail()]),
        mail(),
    ] {
        let request = wallet
            .parse("eip155:1", "eth_signTypedData_v4", &params)
            .expect("valid");
        let digest =
            hex::decode("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
        assert_eq!(request.payloads()[0].as_bytes(), digest.expect("hex"));
        let signed = request.finish(&wallet.sign(&request)).expect("ours");
        assert_eq!(
            signed.encoded(),
            "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d\
             07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"
        );
        assert_eq!(signed.transaction_id(), None);
        assert_eq!(
            request.summary(),
            "typed data Mail for \"Ether Mail\", contract 0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC, \
             on eip155:1"
        );
    }
}

#[test]
fn typed_data_for_any_chain_says_so() {
    let mut data = mail();
    data["domain"]
        .as_object_mut()
        .expect("an object")
        .remove("chainId");
    data["types"]["EIP712Domain"]
        .as_array_mut()
        .expect("an array")
        .remove(2);
    let request = Wallet::from_hex(COW)
        .parse("polygon", "eth_signTypedData_v4", &data)
        .expect("valid");
    assert!(
        request.summary().ends_with("on any chain"),
        "{}",
        request.summary()
    );
}

/// The example of web3.js's `accounts.sign`.
#[test]
fn eip191_web3_example() {
    let wallet =
        Wallet::from_hex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318");
    let own = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    for params in [
        json!(["Some data", own]),
        json!([format!("0x{}", hex::encode("Some data")), own]),
        json!(["Some data"]),
        json!("Some data"),
    ] {
        let request = wallet
            .parse("ethereum", "personal_sign", &params)
            .expect("valid");
        let digest =
            hex::decode("1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655");
        assert_eq!(request.payloads()[0].as_bytes(), digest.expect("hex"));
        let signed = request.finish(&wallet.sign(&request)).expect("ours");
        assert_eq!(
            signed.encoded(),
            "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd\
             6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c"
        );
        assert_eq!(
            request.summary(),
            "personal message of 9 bytes: \"Some data\""
        );
    }
}

#[test]
fn summaries_hide_nothing() {
    let wallet = Wallet::new([5; 32]);
    for (text, shown) in [
        ("a\nb", "\"a\\nb\""),
        ("pay \u{202e}evil", "\"pay \\u{202e}evil\""),
        ("zero\u{200b}width", "\"zero\\u{200b}width\""),
        ("it's \"ok\"", "\"it's \\\"ok\\\"\""),
        ("0xff00", "0xff00"),
    ] {
        let request = wallet
            .parse("ethereum", "personal_sign", &json!([text]))
            .expect("valid");
        assert!(request.summary().ends_with(shown), "{}", request.summary());
    }
    let request = wallet
        .parse("ethereum", "personal_sign", &json!(["x".repeat(200)]))
        .expect("valid");
    let expected = format!("personal message of 200 bytes: \"{}…\"", "x".repeat(96));
    assert_eq!(request.summary(), expected);
    // A name cannot end its own quotes and go on as if it were ours.
    let mut data = mail();
    data["domain"]["name"] = json!("Mail\", no contract, on any chain");
    let request = Wallet::from_hex(COW)
        .parse("eip155:1", "eth_signTypedData_v4", &data)
        .expect("valid");
    assert!(
        request
            .summary()
            .starts_with("typed data Mail for \"Mail\\\", no contract, on any chain\", contract"),
        "{}",
        request.summary()
    );
}

/// However it was written, there is one reading.
#[test]
fn a_reading_says_what_is_signed_in_one_spelling() {
    let wallet = Wallet::new([5; 32]);
    let types = json!({
        "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}],
        "Permit": [
            {"name": "spender", "type": "address"}, {"name": "value", "type": "uint256"},
            {"name": "less", "type": "int8[]"}, {"name": "data", "type": "bytes"},
            {"name": "tag", "type": "bytes4"}, {"name": "good", "type": "bool"},
        ],
    });
    let spellings = [
        json!({"spender": "00000000000000000000000000000000000bad01", "value": "0x0a",
            "less": ["-1", 2], "data": "AB", "tag": "01020304", "good": "true"}),
        json!({"spender": "0x00000000000000000000000000000000000BAD01", "value": 10,
            "less": [-1, "0x2"], "data": "0xab", "tag": "0x01020304", "good": true}),
    ];
    for message in spellings {
        let domain = json!({"name": "x", "chainId": "0x1"});
        let data =
            json!({"types": types, "primaryType": "Permit", "domain": domain, "message": message});
        let request = wallet
            .parse(
                "eip155:1",
                "eth_signTypedData_v4",
                &json!([data.to_string()]),
            )
            .expect("valid");
        let reading = request.reading(&request.effects());
        assert_eq!(
            reading,
            json!({
                "kind": "TYPED_DATA",
                "primaryType": "Permit",
                "encodedType": "Permit(address spender,uint256 value,int8[] less,bytes data,bytes4 tag,bool good)",
                "domain": {"name": "x", "chainId": "1"},
                "message": {
                    "spender": "0x00000000000000000000000000000000000bAD01", "value": "10",
                    "less": ["-1", "2"], "data": "0xab", "tag": "0x01020304", "good": true,
                },
                "recipients": [], "amounts": [],
                "unseen": ["whom typed data lets spend", "what typed data gives away"],
            })
        );
    }
    let (friend, token) = ("35".repeat(20), "6b175474e89094c44da98b954eedeac495271d0f");
    let call = format!("0xa9059cbb{friend:0>64}{:0>64}", "ff");
    let reading = |field: &str| {
        let params = json!({
            "to": format!("0x{token}"), field: call, "nonce": "0x1", "gas": "0x5208", "gasPrice": "0x2",
        });
        let request = wallet
            .parse("eip155:1", "eth_sendTransaction", &params)
            .expect("valid");
        request.reading(&request.effects())
    };
    assert_eq!(reading("input"), reading("data"));
    let read = reading("input");
    let token = "0x6B175474E89094C44Da98b954EedeAC495271d0F";
    for (field, expected) in [
        ("kind", json!("EVM_TRANSACTION")),
        ("to", json!(token)),
        ("value", json!("0")),
        ("data", json!(call)),
        ("fee", json!("42000")),
        ("recipients", json!([token, format!("0x{friend}")])),
        (
            "amounts",
            json!([{"max": "42000"}, {"token": token, "max": "255"}]),
        ),
        ("unseen", json!([])),
    ] {
        assert_eq!(read[field], expected, "{field}");
    }
    let text = wallet
        .parse("eip155:1", "personal_sign", &json!("0x6869"))
        .expect("valid");
    assert_eq!(text.reading(&text.effects())["text"], "hi");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_recover_to_the_wallet(
        seed in prop::array::uniform32(1u8..),
        message in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let wallet = Wallet::new(seed);
        let params = json!([format!("0x{}", hex::encode(&message))]);
        let signed = wallet.finish("ethereum", "personal_sign", &params);
        let Signed::EvmMessage { signature } = signed else { panic!("{signed:?}") };
        let prefix = format!("\x19Ethereum Signed Message:\n{}", message.len());
        let digest = alloy_primitives::keccak256([prefix.as_bytes(), &message].concat());
        let signature = Signature::Secp256k1 {
            r: signature[..32].try_into().expect("32 bytes"),
            s: signature[32..64].try_into().expect("32 bytes"),
            recovery_id: signature[64] - 27,
        };
        prop_assert_eq!(libsecp_recover(digest.0, &signature).to_vec(), wallet.public_key("eip155:1"));
    }
}
