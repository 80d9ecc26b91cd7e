//! What a custodian's backend judges by: all of a request, in one spelling. What is in it by mistake
//! or is not in it could have something approved that nobody saw.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash as _;
use bitcoin::{Network, ScriptBuf, WPubkeyHash};
use portal_chains::{Asset, Effects, Unseen};
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};

use crate::bitcoin_transactions::{own_script, read, two_inputs, unsigned};
use crate::solana_transactions::{address, encode, legacy_message, system_transfer};
use crate::wallet::Wallet;

const FRIEND: &str = "0x3535353535353535353535353535353535353535";

fn wallet() -> Wallet {
    Wallet::new([0x46; 32])
}

fn reading(chain: &str, method: &str, params: &Value) -> Value {
    let request = wallet().parse(chain, method, params).expect("a request");
    request.reading(&request.effects())
}

#[test]
fn an_evm_transaction_is_read_whole() {
    let own = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F";
    let key = format!("0x{:064x}", 7);
    let listed = "0x00000000000000000000000000000000000bad01";
    let params = json!([{
        "from": own.to_lowercase(), "to": FRIEND, "value": "0x0a", "input": "0xABCD", "nonce": "0x01",
        "gasLimit": "0x5208", "maxFeePerGas": "0x3", "maxPriorityFeePerGas": "0x2", "chainId": "0x1",
        "accessList": [{"address": listed, "storageKeys": [key]}],
    }]);
    let mut expected = json!({
        "kind": "EVM_TRANSACTION", "chainId": "1", "from": own, "to": FRIEND, "value": "10",
        "data": "0xabcd", "nonce": "1", "gas": "21000", "maxFeePerGas": "3", "maxPriorityFeePerGas": "2",
        "accessList": [{"address": "0x00000000000000000000000000000000000bAD01", "storageKeys": [key]}],
        "fee": "63000", "recipients": [FRIEND], "amounts": [{"max": "63010"}],
        "unseen": ["what this call of the token does"],
    });
    let method = "eth_signTransaction";
    assert_eq!(reading("ethereum", method, &params), expected);

    let contract = json!({"data": "0xabcd", "nonce": "0x1", "gas": "0x5208", "gasPrice": "0x3"});
    for (field, value) in [
        ("to", json!(null)),
        ("value", json!("0")),
        ("maxPriorityFeePerGas", json!(null)),
        ("accessList", json!([])),
        ("recipients", json!([])),
        ("amounts", json!([{"max": "63000"}])),
        ("unseen", json!(["what a new contract does"])),
    ] {
        expected[field] = value;
    }
    assert_eq!(reading("ethereum", method, &contract), expected);
}

#[test]
fn a_message_is_read_as_text_or_as_bytes() {
    for (chain, method) in [("ethereum", "personal_sign"), ("solana", "sol_signMessage")] {
        let text = json!({
            "kind": "MESSAGE", "text": "hi \u{202e}", "recipients": [], "amounts": [], "unseen": [],
        });
        assert_eq!(reading(chain, method, &json!(["hi \u{202e}"])), text);
        let bytes = json!({
            "kind": "MESSAGE", "bytes": "0xff00", "recipients": [], "amounts": [],
            "unseen": ["what the bytes of a message stand for"],
        });
        assert_eq!(reading(chain, method, &json!(["0xff00"])), bytes);
    }
}

/// The reasons are told once, and each of them.
#[test]
fn whatever_cannot_be_seen_is_told() {
    let words = |count: usize| "00".repeat(32 * count);
    for (data, unseen) in [
        (
            format!("0xdeadbeef{}", words(2)),
            "what this call of the token does",
        ),
        (
            format!("0xa9059cbb{}", words(1)),
            "the amount of a call that is cut short",
        ),
        (
            format!("0x42842e0e{}", words(3)),
            "how much this call of the token moves",
        ),
    ] {
        let params =
            json!({"to": FRIEND, "data": data, "nonce": "0x1", "gas": "0x1", "gasPrice": "0x1"});
        let read = reading("ethereum", "eth_signTransaction", &params);
        assert_eq!(read["unseen"], json!([unseen]), "{data}");
    }
    let params = json!({"to": FRIEND, "data": "0xa9059cbb", "nonce": "0x1", "gas": "0x1", "gasPrice": "0x1"});
    let read = reading("ethereum", "eth_signTransaction", &params);
    let both = [
        "who gets the tokens of a call that is cut short",
        "the amount of a call that is cut short",
    ];
    assert_eq!(read["unseen"], json!(both));
}

/// Each reason, once, and none of those that tell who is named: nobody is paid more by them.
#[test]
fn every_reason_is_told_once() {
    let request = wallet()
        .parse("ethereum", "personal_sign", &json!(["hi"]))
        .expect("a request");
    let mut effects = request.effects();
    effects.unseen = Unseen {
        recipients: Some("who"),
        mentioned: Some("whom it names"),
        amounts: Some("how much"),
        amount_of: Some((Asset::Native, "of it")),
        truth: Some("whether it is true"),
    };
    let told = |effects: &Effects| request.reading(effects)["unseen"].clone();
    let all = json!(["who", "how much", "of it", "whether it is true"]);
    assert_eq!(told(&effects), all);
    effects.unseen.amounts = Some("who");
    effects.unseen.truth = None;
    assert_eq!(told(&effects), json!(["who", "of it"]));
}

fn account(who: Address, is_signer: bool, is_writable: bool) -> Value {
    json!({"address": who.to_string(), "isSigner": is_signer, "isWritable": is_writable})
}

#[test]
fn a_solana_transaction_is_read_whole() {
    let own = address(&wallet());
    let [friend, other, program] = [9, 8, 7].map(|byte| Address::from([byte; 32]));
    let call = Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new_readonly(own, true),
            AccountMeta::new(other, true),
            AccountMeta::new_readonly(friend, false),
        ],
        data: vec![0xab, 0xcd],
    };
    let message = legacy_message(own, &[system_transfer(own, friend, 5), call]);
    let params = json!([encode(&message.serialize())]);
    let system = Address::from([0; 32]);
    assert_eq!(
        reading("solana", "sol_signTransaction", &params),
        json!({
            "kind": "SOLANA_TRANSACTION", "version": "legacy", "feePayer": own.to_string(),
            "instructions": [
                {
                    "program": system.to_string(),
                    // The friend may be written by the other instruction, too: an account is what
                    // the message says of it.
                    "accounts": [account(own, true, true), account(friend, false, true)],
                    "data": "0x020000000500000000000000",
                },
                {
                    "program": program.to_string(),
                    "accounts": [
                        account(own, true, true), account(other, true, true), account(friend, false, true),
                    ],
                    "data": "0xabcd",
                },
            ],
            "fee": "10000",
            "recipients": [friend.to_string(), other.to_string(), friend.to_string(), program.to_string()],
            "amounts": [{"max": "10005"}],
            "unseen": ["what a program that is not known here does"],
        })
    );
}

/// Whose fee it is, which accounts only sign, and what only the chain knows.
#[test]
fn a_solana_transaction_of_another_payer_with_a_lookup_table_is_read_whole() {
    let own = address(&wallet());
    let [payer, witness, read_only, program, hidden] =
        [9, 8, 7, 6, 5].map(|byte| Address::from([byte; 32]));
    let call = Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(own, true),
            AccountMeta::new_readonly(witness, true),
            AccountMeta::new_readonly(read_only, false),
            AccountMeta::new_readonly(hidden, false),
        ],
        data: vec![],
    };
    let table = AddressLookupTableAccount {
        key: Address::from([4; 32]),
        addresses: vec![hidden],
    };
    let hash = solana_hash::Hash::new_from_array([7; 32]);
    let message = v0::Message::try_compile(&payer, &[call], &[table], hash).expect("compiles");
    let params = json!([encode(&VersionedMessage::V0(message).serialize())]);
    assert_eq!(
        reading("solana", "sol_signTransaction", &params),
        json!({
            "kind": "SOLANA_TRANSACTION", "version": "v0", "feePayer": payer.to_string(),
            "instructions": [{
                "program": program.to_string(),
                "accounts": [
                    account(own, true, true), account(witness, true, false), account(read_only, false, false),
                    // Nobody here knows who it is, nor that it is only read.
                    {"address": null, "isSigner": false, "isWritable": true},
                ],
                "data": "0x",
            }],
            "fee": null,
            "recipients": [program.to_string()],
            "amounts": [],
            "unseen": ["accounts from an address lookup table", "what a program that is not known here does"],
        })
    );
}

#[test]
fn a_solana_token_is_named_by_its_mint() {
    let own = address(&wallet());
    let [source, mint, friend] = [9, 8, 7].map(|byte| Address::from([byte; 32]));
    let transfer = Instruction {
        program_id: "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
            .parse()
            .expect("a program"),
        accounts: vec![
            AccountMeta::new(source, false),
            AccountMeta::new_readonly(mint, false),
            AccountMeta::new(friend, false),
            AccountMeta::new_readonly(own, true),
        ],
        data: [&[12][..], &3_u64.to_le_bytes(), &[6]].concat(),
    };
    let message = legacy_message(own, &[transfer.clone(), transfer]);
    let read = reading(
        "solana",
        "sol_signTransaction",
        &json!([encode(&message.serialize())]),
    );
    assert_eq!(
        read["amounts"],
        json!([{"max": "5000"}, {"token": mint.to_string(), "max": "6"}])
    );
    assert_eq!(
        read["recipients"],
        json!([friend.to_string(), friend.to_string()])
    );
}

#[test]
fn a_bitcoin_transaction_is_read_whole() {
    let own = own_script(&wallet());
    let friend = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([5; 20]));
    let outputs = [(50_000_000, friend), (49_000_000, own)];
    let mut params = two_inputs();
    params["transaction"] = serialize_hex(&unsigned(2, &outputs)).into();
    let txids = read(params["transaction"].as_str().expect("hex"));
    let txid = |input: usize| txids.input[input].previous_output.txid.to_string();
    let unproven = "what several inputs are worth, of which not each has its previousTransaction,";
    for (chain, network) in [
        ("bitcoin", Network::Bitcoin),
        ("bitcoin-testnet", Network::Testnet),
    ] {
        let [friend, own] = outputs.each_ref().map(|(_, script)| {
            let address = bitcoin::Address::from_script(script, network);
            address.expect("an address").to_string()
        });
        assert_eq!(
            reading(chain, "btc_signTransaction", &params),
            json!({
                "kind": "BITCOIN_TRANSACTION",
                "inputs": [
                    {"txid": txid(0), "vout": "0", "value": "60000000"},
                    {"txid": txid(1), "vout": "1", "value": "40000000"},
                ],
                "outputs": [
                    {"address": friend, "value": "50000000", "isOwn": false},
                    {"address": own, "value": "49000000", "isOwn": true},
                ],
                // Nothing but the client's word says what the inputs are worth.
                "fee": null,
                "recipients": [friend],
                "amounts": [{"max": "51000000"}],
                "unseen": [unproven],
            })
        );
    }
    params["inputs"] = json!([{"index": 1, "value": 40_000_000}]);
    let mut read = reading("bitcoin", "btc_signTransaction", &params);
    assert_eq!(read["inputs"][0]["value"], json!(null), "another's input");
    assert_eq!(read["fee"], json!(null));
    let unseen = "what the inputs that are not signed here are worth";
    assert_eq!(read["unseen"], json!([unseen]));

    // The one input of a transaction: its signature is worthless where the value is wrong.
    let one = unsigned(1, &outputs);
    params["transaction"] = serialize_hex(&one).into();
    params["inputs"] = json!([{"index": 0, "value": 100_000_000}]);
    read = reading("bitcoin", "btc_signTransaction", &params);
    assert_eq!(
        (&read["fee"], &read["unseen"]),
        (&json!("1000000"), &json!([]))
    );
}
