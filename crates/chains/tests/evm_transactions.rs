use crate::wallet::{Wallet, libsecp_recover};
use alloy_consensus::{SignableTransaction as _, Transaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, TxKind, U256};
use portal_chains::{Payload, Request, Signature, Signed, evm};
use proptest::prelude::*;
use serde_json::{Value, json};

/// EIP-155, "Example".
#[test]
fn eip155_example() {
    let wallet = Wallet::new([0x46; 32]);
    let params = json!([{
        "nonce": "0x9", "gasPrice": "0x4a817c800", "gas": "0x5208",
        "to": "0x3535353535353535353535353535353535353535", "value": "0xde0b6b3a7640000", "data": "0x",
    }]);
    let request = wallet
        .parse("ethereum", "eth_signTransaction", &params)
        .expect("valid");
    let digest = hex::decode("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    assert_eq!(request.payloads()[0].as_bytes(), digest.expect("hex"));
    assert_eq!(
        request.summary(),
        "eip155:1 transaction 9: send 1 coins to 0x3535353535353535353535353535353535353535; \
         fee at most 0.00042"
    );
    let signed = request.finish(&wallet.sign(&request)).expect("ours");
    assert_eq!(
        signed.encoded(),
        "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a0\
         28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b38\
         00ccf555c9f3dc64214b297fb1966a3b6d83"
    );
}

/// An EIP-1559 transaction of Ethereum's main network, with its signer and hash.
#[test]
fn mainnet_fee_market_transaction() {
    let params = json!([{
        "nonce": "0x42", "gas": "0xad62", "chainId": "0x1", "type": "0x2",
        "maxFeePerGas": "0x4a817c800", "maxPriorityFeePerGas": "0x3b9aca00",
        "to": "0x6069a6c32cf691f5982febae4faf8a6f3ab2f0f6", "value": "0x0",
        "data": "0xa22cb4650000000000000000000000005eee75727d804a2b13038928d36f8b188945a57a\
                 0000000000000000000000000000000000000000000000000000000000000000",
    }]);
    let signature = Signature::Secp256k1 {
        r: bytes32("840cfc572845f5786e702984c2a582528cad4b49b2a10b9db1be7fca90058565"),
        s: bytes32("25e7109ceb98168d95b09b18bbf6b685130e0562f233877d492b94eee0c5b6d1"),
        recovery_id: 0,
    };
    let digest = bytes32("0d5688ac3897124635b6cf1bc0e29d6dfebceebdc10a54d74f2ef8b56535b682");
    let key = libsecp_recover(digest, &signature);
    let signer = portal_chains::Secp256k1Key::parse(&key).expect("a key");
    assert_eq!(
        evm::address(&signer).to_lowercase(),
        "0xdd6b8b3dc6b7ad97db52f08a275ff4483e024cea"
    );

    let chain = "ethereum".parse().expect("a chain");
    let request = Request::parse(&chain, "eth_sendTransaction", &params, &key).expect("valid");
    assert_eq!(request.payloads(), [Payload::Digest(digest)]);
    let signed = request.finish(&[signature]).expect("the signer's");
    assert_eq!(
        signed.transaction_id().expect("a transaction"),
        "0x0ec0b6a2df4d87424e5f6ad2a654e27aaeb7dac20ae9e8385cc09087ad532ee0"
    );
}

#[test]
fn summaries_say_what_happens() {
    let wallet = Wallet::new([1; 32]);
    let base = json!({"nonce": "0x0", "gas": "0x5208", "gasPrice": "0x3b9aca00"});
    let to = "0x6069a6c32cf691f5982febae4faf8a6f3ab2f0f6";
    for (patch, expected) in [
        (
            json!({"to": to, "data": "0xa9059cbb00"}),
            "call 0xa9059cbb of 0x6069a6C32cf691F5982FEbAe4fAf8a6f3AB2F0F6 with 5 bytes of data and 0 coins",
        ),
        (
            json!({"to": to, "data": "0xa9"}),
            "send 0 coins and 0xa9 to 0x6069",
        ),
        (
            json!({"data": "0x6000"}),
            "create a contract from 2 bytes of code",
        ),
        (
            json!({"to": to, "value": "0x1"}),
            "send 0.000000000000000001 coins",
        ),
    ] {
        let params = crate::wallet::patched(&base, &patch);
        let request = wallet
            .parse("base", "eth_signTransaction", &params)
            .expect("valid");
        assert!(
            request.summary().contains(expected),
            "{}",
            request.summary()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fee_market_transactions_come_back(
        seed in prop::array::uniform32(1u8..),
        chain in 1u64..1 << 53,
        (nonce, gas) in (any::<u64>(), any::<u64>()),
        (fee, tip) in (any::<u128>(), any::<u64>()),
        value in prop::array::uniform32(any::<u8>()),
        to in prop::option::of(prop::array::uniform20(any::<u8>())),
        data in prop::collection::vec(any::<u8>(), 1..200),
        keys in prop::collection::vec(prop::array::uniform32(any::<u8>()), 0..3),
    ) {
        let wallet = Wallet::new(seed);
        let (tip, value) = (u128::from(tip).min(fee), U256::from_be_bytes(value));
        let params = json!([{
            "nonce": format!("{nonce:#x}"), "gas": format!("{gas:#x}"), "chainId": format!("{chain:#x}"),
            "maxFeePerGas": format!("{fee:#x}"), "maxPriorityFeePerGas": format!("{tip:#x}"),
            "value": format!("{value:#x}"), "data": format!("0x{}", hex::encode(&data)),
            "to": to.map(|to| format!("0x{}", hex::encode(to))),
            "accessList": [{"address": format!("0x{}", hex::encode([9; 20])), "storageKeys":
                keys.iter().map(|key| format!("0x{}", hex::encode(key))).collect::<Vec<_>>()}],
        }]);
        let envelope = round_trip(&wallet, chain, &params);
        let inner = envelope.as_eip1559().expect("EIP-1559").tx();
        prop_assert_eq!((inner.chain_id, inner.nonce, inner.gas_limit), (chain, nonce, gas));
        prop_assert_eq!((inner.max_fee_per_gas, inner.max_priority_fee_per_gas), (fee, tip));
        prop_assert_eq!((inner.value, &inner.input[..]), (value, &data[..]));
        prop_assert_eq!(inner.to, to.map_or(TxKind::Create, |to| TxKind::Call(Address::from(to))));
        prop_assert_eq!(inner.access_list.storage_keys_count(), keys.len());
    }

    #[test]
    fn legacy_transactions_come_back(
        seed in prop::array::uniform32(1u8..),
        chain in 1u64..1 << 53,
        (nonce, gas, price) in (any::<u64>(), any::<u64>(), any::<u128>()),
        to in prop::array::uniform20(any::<u8>()),
        input in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let wallet = Wallet::new(seed);
        let params = json!({
            "nonce": format!("{nonce:#x}"), "gasLimit": format!("{gas:#x}"),
            "gasPrice": format!("{price:#x}"), "to": format!("0x{}", hex::encode(to)),
            "input": format!("0x{}", hex::encode(&input)), "type": "0x0",
        });
        let envelope = round_trip(&wallet, chain, &params);
        let inner = envelope.as_legacy().expect("legacy").tx();
        prop_assert_eq!((inner.chain_id, inner.nonce, inner.gas_limit), (Some(chain), nonce, gas));
        prop_assert_eq!((inner.gas_price, inner.value, &inner.input[..]), (price, U256::ZERO, &input[..]));
        prop_assert_eq!(inner.to, TxKind::Call(Address::from(to)));
    }
}

/// Signs, decodes with alloy, and lets libsecp256k1 say who signed what was decoded.
fn round_trip(wallet: &Wallet, chain: u64, params: &Value) -> TxEnvelope {
    let chain = format!("eip155:{chain}");
    let signed = wallet.finish(&chain, "eth_signTransaction", params);
    let Signed::EvmTransaction { raw, hash } = signed else {
        panic!("{signed:?}")
    };
    let envelope = TxEnvelope::decode_2718_exact(&raw).expect("alloy reads it");
    assert_eq!(envelope.tx_hash().0, hash);
    let digest = match &envelope {
        TxEnvelope::Legacy(signed) => signed.tx().signature_hash(),
        TxEnvelope::Eip1559(signed) => signed.tx().signature_hash(),
        other => panic!("{other:?}"),
    };
    let signature = envelope.signature();
    let signature = Signature::Secp256k1 {
        r: signature.r().to_be_bytes(),
        s: signature.s().to_be_bytes(),
        recovery_id: u8::from(signature.v()),
    };
    assert_eq!(
        libsecp_recover(digest.0, &signature).to_vec(),
        wallet.public_key(&chain)
    );
    assert_eq!(
        envelope.chain_id().map(|id| format!("eip155:{id}")),
        Some(chain)
    );
    envelope
}

fn bytes32(text: &str) -> [u8; 32] {
    hex::decode(text)
        .expect("hex")
        .try_into()
        .expect("32 bytes")
}
