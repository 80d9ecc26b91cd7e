use crate::wallet::Wallet;
use portal_chains::{BitcoinNetwork, ChainId, Curve, Namespace, addresses};

#[test]
fn caip2_ids_print_as_they_parse() {
    for (text, namespace, curve) in [
        ("eip155:1", Namespace::Eip155, Curve::Secp256k1),
        (
            "eip155:9223372036854775771",
            Namespace::Eip155,
            Curve::Secp256k1,
        ),
        (
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            Namespace::Solana,
            Curve::Ed25519,
        ),
        (
            "bip122:000000000019d6689c085ae165831e93-p2wpkh",
            Namespace::Bip122,
            Curve::Secp256k1,
        ),
        (
            "bip122:000000000933ea01ad0ee984209779ba-p2wpkh",
            Namespace::Bip122,
            Curve::Secp256k1,
        ),
    ] {
        let chain: ChainId = text.parse().expect(text);
        assert_eq!(chain.to_string(), text);
        assert_eq!(
            (chain.namespace(), chain.curve()),
            (namespace, curve),
            "{text}"
        );
        let json = serde_json::to_string(&chain).expect("JSON");
        assert_eq!(json, format!("{text:?}"));
        assert_eq!(serde_json::from_str::<ChainId>(&json).expect("JSON"), chain);
    }
}

#[test]
fn aliases_are_the_chains_they_name() {
    for (alias, id) in ChainId::aliases() {
        assert_eq!(alias.parse::<ChainId>().expect(alias).to_string(), *id);
    }
    for (alias, number) in [
        ("ethereum", 1),
        ("sepolia", 11_155_111),
        ("polygon", 137),
        ("base", 8453),
    ] {
        assert_eq!(
            alias.parse::<ChainId>().expect(alias).eip155_number(),
            Some(number)
        );
    }
    for (alias, network) in [
        ("bitcoin", BitcoinNetwork::Mainnet),
        ("bitcoin-testnet", BitcoinNetwork::Testnet),
    ] {
        assert_eq!(
            alias.parse::<ChainId>().expect(alias).bitcoin_network(),
            Some(network)
        );
    }
}

#[test]
fn other_chain_ids_are_refused() {
    for text in [
        "",
        "eth",
        "eip155",
        "eip155:",
        "eip155:0",
        "eip155:01",
        "eip155:+1",
        "eip155:1 ",
        "eip155:9223372036854775772",
        "eip155:18446744073709551616",
        "EIP155:1",
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvd",
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpp",
        "solana:0eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        "bip122:000000000019d6689c085ae165831e93",
        "bip122:000000000019d6689c085ae165831e93-p2tr",
        "cosmos:cosmoshub-4",
    ] {
        let error = text.parse::<ChainId>().expect_err(text);
        assert_eq!(error.id(), "CHAIN_UNSUPPORTED", "{text}");
    }
    assert!(serde_json::from_str::<ChainId>("\"eip155:0\"").is_err());
    assert!(ChainId::eip155(0).is_err());
}

#[test]
fn wire_names_of_the_curves() {
    for (curve, name) in [(Curve::Secp256k1, "SECP256K1"), (Curve::Ed25519, "ED25519")] {
        assert_eq!(curve.to_string(), name);
        assert_eq!(
            serde_json::to_string(&curve).expect("JSON"),
            format!("{name:?}")
        );
    }
}

/// BIP-173's example key (the generator), whose EVM address every list of weak keys has, and
/// the public key of RFC 8032 §7.1 test 1.
#[test]
fn addresses_of_published_keys() {
    let generator: [u8; 33] =
        hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
            .expect("hex")
            .try_into()
            .expect("33 bytes");
    let rfc8032: [u8; 32] =
        hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
            .expect("hex")
            .try_into()
            .expect("32 bytes");
    let found = addresses(&generator, &rfc8032).expect("both are points");
    assert_eq!(found.eip155, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    assert_eq!(found.solana, "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z");
    assert_eq!(
        found.bip122_mainnet,
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    );
    assert_eq!(
        found.bip122_testnet,
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
    );
}

#[test]
fn keys_that_are_no_points_are_refused() {
    let wallet = Wallet::new([7; 32]);
    let secp256k1: [u8; 33] = wallet.public_key("eip155:1").try_into().expect("33 bytes");
    let ed25519: [u8; 32] = wallet.public_key("solana:").try_into().expect("32 bytes");
    assert!(addresses(&secp256k1, &ed25519).is_ok());

    // x = 5 is on no point of secp256k1; 04 is the prefix of the uncompressed form.
    let mut off_curve = [0; 33];
    (off_curve[0], off_curve[32]) = (2, 5);
    let mut wrong_prefix = secp256k1;
    wrong_prefix[0] = 4;
    for key in [off_curve, wrong_prefix, [0; 33]] {
        let error = addresses(&key, &ed25519).expect_err("no point");
        assert_eq!(error.id(), "TX_BUILD_FAILED", "{error}");
        assert!(
            error.to_string().contains("no point of the curve"),
            "{error}"
        );
    }
    // y = 2 is on no point of edwards25519; y = 1 is the identity.
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    let mut identity = [0; 32];
    identity[0] = 1;
    for (key, reason) in [
        (off_curve, "no point of the curve"),
        (identity, "small order"),
    ] {
        let error = addresses(&secp256k1, &key).expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}");
    }
    for length in [0, 31, 34, 65] {
        let error = portal_chains::Secp256k1Key::parse(&vec![2; length]).expect_err("a length");
        assert!(
            error.to_string().contains(&format!("{length} bytes")),
            "{error}"
        );
        let error = portal_chains::Ed25519Key::parse(&vec![2; length]).expect_err("a length");
        assert!(
            error.to_string().contains(&format!("{length} bytes")),
            "{error}"
        );
    }
}
