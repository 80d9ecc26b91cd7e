use crate::wallet::Wallet;
use bitcoin::consensus::encode;
use bitcoin::hashes::Hash as _;
use bitcoin::sighash::SighashCache;
use bitcoin::{
    Amount, CompressedPublicKey, EcdsaSighashType, OutPoint, ScriptBuf, Sequence, Transaction,
    TxIn, TxOut, Txid, Witness, absolute, transaction,
};
use portal_chains::{Request, Signature};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) const METHOD: &str = "btc_signTransaction";

/// BIP-143, "Native P2WPKH": the second of two inputs, the first being somebody's P2PK.
const BIP143_UNSIGNED: &str = "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad96\
    9f0000000000eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff\
    02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42db\
    ee7e4dbe6a21b2d50ce2f0167faa815988ac11000000";
const BIP143_SIGNED: &str = "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad96\
    9f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194b\
    a3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b\
    309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76\
    ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b\
    84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d4\
    3c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000";
const BIP143_FIRST_SCRIPT_SIG: &str = "4830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d11\
    4c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01";

#[test]
fn bip143_native_p2wpkh_example() {
    let wallet =
        Wallet::from_hex("619c335025c7f4012e556c2a58b2506e30b8511b53ade95ea316fd8c3286feb9");
    let inputs = json!([{"index": 1, "value": 600_000_000}]);
    let params = json!([{"transaction": BIP143_UNSIGNED, "inputs": inputs}]);
    let request = wallet.parse("bitcoin", METHOD, &params).expect("valid");
    let sighash = hex::decode("c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670");
    assert_eq!(request.payloads().len(), 1);
    assert_eq!(request.payloads()[0].as_bytes(), sighash.expect("hex"));
    assert_eq!(
        request.summary(),
        "Bitcoin transaction, 1 of 2 inputs: 1.12340000 BTC to 1Cu32FVupVCgHkMMRJdYJugxwo2Aprgk7H, \
         2.23450000 BTC to 16TZ8J6Q5iZKBWizWzFAYnrsaox5Z5aBRV; fee unknown, other wallets pay too"
    );

    // With the first input signed by its owner, ours completes the published transaction.
    let mut half: Transaction = read(BIP143_UNSIGNED);
    half.input[0].script_sig = ScriptBuf::from_hex(BIP143_FIRST_SCRIPT_SIG).expect("hex");
    let params = json!({"transaction": encode::serialize_hex(&half), "inputs": inputs});
    let request = wallet.parse("bitcoin", METHOD, &params).expect("valid");
    let signed = request
        .finish(&published_signature(&request))
        .expect("the published signature");
    assert_eq!(signed.encoded(), BIP143_SIGNED);
    let id = read(BIP143_SIGNED).compute_txid().to_string();
    assert_eq!(signed.transaction_id(), Some(id));
}

/// The r and s of the BIP's signature, with the recovery id that fits (the BIP has none).
fn published_signature(request: &Request) -> [Signature; 1] {
    let der = read(BIP143_SIGNED).input[1]
        .witness
        .nth(0)
        .expect("a signature")
        .to_vec();
    let compact = secp256k1::ecdsa::Signature::from_der(&der[..der.len() - 1]).expect("DER");
    let compact = compact.serialize_compact();
    let (r, s) = (
        compact[..32].try_into().expect("32"),
        compact[32..].try_into().expect("32"),
    );
    [0, 1]
        .map(|recovery_id| [Signature::Secp256k1 { r, s, recovery_id }])
        .into_iter()
        .find(|signature| request.finish(signature).is_ok())
        .expect("one of the two")
}

/// Two inputs of 0.6 and 0.4 BTC, all to one output.
pub(crate) fn two_inputs() -> Value {
    let transaction = unsigned(2, &[(99_990_000, ScriptBuf::new_op_return([1; 20]))]);
    json!({
        "transaction": encode::serialize_hex(&transaction),
        "inputs": [{"index": 0, "value": 60_000_000}, {"index": 1, "value": 40_000_000}],
    })
}

pub(crate) fn unsigned(inputs: u8, outputs: &[(u64, ScriptBuf)]) -> Transaction {
    let input = |index: u8| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([index; 32]), u32::from(index)),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let output = |(value, script): &(u64, ScriptBuf)| TxOut {
        value: Amount::from_sat(*value),
        script_pubkey: script.clone(),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: (0..inputs).map(input).collect(),
        output: outputs.iter().map(output).collect(),
    }
}

pub(crate) fn read(text: &str) -> Transaction {
    encode::deserialize_hex(text).expect("a transaction")
}

pub(crate) fn own_script(wallet: &Wallet) -> ScriptBuf {
    let key = CompressedPublicKey::from_slice(&wallet.public_key("bip122:")).expect("a key");
    ScriptBuf::new_p2wpkh(&key.wpubkey_hash())
}

#[test]
fn summaries_name_fee_and_change() {
    let wallet = Wallet::new([6; 32]);
    let other = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_byte_array([5; 20]));
    let outputs = [(50_000_000, other), (49_000_000, own_script(&wallet))];
    let params = patched_inputs(&unsigned(2, &outputs));
    for (chain, prefix) in [("bitcoin", "bc1q"), ("bitcoin-testnet", "tb1q")] {
        let summary = wallet
            .parse(chain, METHOD, &params)
            .expect("valid")
            .summary();
        assert!(
            summary.contains(&format!("2 of 2 inputs: 0.50000000 BTC to {prefix}")),
            "{summary}"
        );
        assert!(
            summary.ends_with("(back to this wallet); fee 0.01000000 BTC"),
            "{summary}"
        );
        assert_eq!(
            summary.matches("back to this wallet").count(),
            1,
            "{summary}"
        );
    }
    let outputs = vec![(1, ScriptBuf::new_op_return([1; 4])); 6];
    let summary = wallet
        .parse("bitcoin", METHOD, &patched_inputs(&unsigned(2, &outputs)))
        .expect("valid")
        .summary();
    assert!(summary.contains("and 2 more outputs"), "{summary}");
}

fn patched_inputs(transaction: &Transaction) -> Value {
    let patch = json!({"transaction": encode::serialize_hex(transaction)});
    crate::wallet::patched(&two_inputs(), &patch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transactions_come_back(
        seed in prop::array::uniform32(1u8..),
        values in prop::collection::vec(1_000u64..1_000_000_000, 1..6),
        skipped in any::<u8>(),
        outputs in prop::collection::vec((0u64..100, prop::array::uniform20(any::<u8>())), 1..4),
    ) {
        let wallet = Wallet::new(seed);
        let outputs: Vec<_> = outputs
            .into_iter()
            .map(|(value, hash)| (value, ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_byte_array(hash))))
            .collect();
        let before = unsigned(u8::try_from(values.len()).expect("few"), &outputs);
        // Sometimes one input is somebody else's.
        let ours: Vec<_> = (0..values.len()).filter(|index| *index == 0 || *index != usize::from(skipped)).collect();
        let inputs: Vec<_> = ours.iter().rev().map(|index| json!({"index": index, "value": values[*index]})).collect();
        let params = json!([{"transaction": encode::serialize_hex(&before), "inputs": inputs}]);
        let after = read(&wallet.finish("bitcoin", METHOD, &params).encoded());
        prop_assert_eq!(after.compute_txid(), before.compute_txid());

        let script = own_script(&wallet);
        let public_key = secp256k1::PublicKey::from_slice(&wallet.public_key("bip122:")).expect("a key");
        let mut cache = SighashCache::new(&after);
        for (index, value) in values.iter().enumerate() {
            let witness = &after.input[index].witness;
            if !ours.contains(&index) {
                prop_assert!(witness.is_empty());
                continue;
            }
            prop_assert_eq!(witness.len(), 2);
            prop_assert_eq!(&witness[1], &public_key.serialize()[..]);
            let (flag, der) = witness[0].split_last().expect("not empty");
            prop_assert_eq!(*flag, 1);
            let digest = cache
                .p2wpkh_signature_hash(index, &script, Amount::from_sat(*value), EcdsaSighashType::All)
                .expect("a digest");
            let signature = secp256k1::ecdsa::Signature::from_der(der).expect("strict DER");
            let message = secp256k1::Message::from_digest(digest.to_byte_array());
            signature.verify(message, &public_key).expect("libsecp256k1 agrees, which refuses a high s");
        }
    }
}
