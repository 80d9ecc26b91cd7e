//! What the custodian's backend judges by is the server's own reading of a request, whatever spelling
//! its client chose: one of each kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_chains::{Account, ChainId};
use serde_json::{Value, json};

use super::backend::{Approver, asking};
use super::{FRIEND, OF_ALL, put};
use crate::expect::granted;
use crate::wallet::Wallet;
use crate::world::World;

const SOLANA_FRIEND: &str = "B8UwBUUnKwCyKuGMbFKWaG7exYdDk2ozZrPg72NyVbfj";
const SYSTEM: &str = "11111111111111111111111111111111";

/// BIP-143's example of two inputs.
const BITCOIN: &str = "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff\
    ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a914\
    8280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa8159\
    88ac11000000";

/// A chain, a method, its parameters, and what they mean.
type Case = (&'static str, &'static str, Value, Value);

fn evm_transaction(own: &str) -> Case {
    let params = json!([{
        "from": own.to_lowercase(), "to": FRIEND, "value": "0x05", "input": "0xDEADBEEF",
        "nonce": "0x00", "gasLimit": "0x5208", "gasPrice": "0x01", "type": "0x0",
    }]);
    let reading = json!({
        "kind": "EVM_TRANSACTION", "chainId": "11155111", "from": own, "to": FRIEND, "value": "5",
        "data": "0xdeadbeef", "nonce": "0", "gas": "21000", "maxFeePerGas": "1",
        "maxPriorityFeePerGas": null, "accessList": [], "fee": "21000",
        "recipients": [FRIEND], "amounts": [{"max": "21005"}],
        "unseen": ["what this call of the token does"],
    });
    ("sepolia", "eth_signTransaction", params, reading)
}

fn typed_data(own: &str) -> Case {
    let data = json!({
        "types": {
            "EIP712Domain": [{"name": "chainId", "type": "uint256"}],
            "Permit": [{"name": "spender", "type": "address"}, {"name": "value", "type": "uint256"}],
        },
        "primaryType": "Permit", "domain": {"chainId": "0xaa36a7"},
        "message": {"spender": FRIEND.trim_start_matches("0x"), "value": "0x0a"},
    });
    let reading = json!({
        "kind": "TYPED_DATA", "primaryType": "Permit",
        "encodedType": "Permit(address spender,uint256 value)", "domain": {"chainId": "11155111"},
        "message": {"spender": FRIEND, "value": "10"},
        "recipients": [], "amounts": [],
        "unseen": ["whom typed data lets spend", "what typed data gives away"],
    });
    (
        "sepolia",
        "eth_signTypedData_v4",
        json!([own, data.to_string()]),
        reading,
    )
}

fn message(chain: &'static str, method: &'static str, params: Value) -> Case {
    let reading = json!({
        "kind": "MESSAGE", "text": "hi", "recipients": [], "amounts": [], "unseen": [],
    });
    (chain, method, params, reading)
}

/// A transfer of 5 lamports: header, three accounts, a block hash, one instruction.
fn solana_transaction(wallet: &Wallet) -> Case {
    let Ok(Account::Solana(friend)) = SOLANA_FRIEND.parse() else {
        panic!("expected a Solana account");
    };
    let bytes = [
        &[1, 0, 1, 3][..],
        &wallet.keys.ed25519,
        &friend,
        &[0; 32],
        &[7; 32],
        &[1, 2, 2, 0, 1, 12, 2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0],
    ];
    let own = &wallet.keys.addresses.solana;
    let reading = json!({
        "kind": "SOLANA_TRANSACTION", "version": "legacy", "feePayer": own,
        "instructions": [{
            "program": SYSTEM,
            "accounts": [
                {"address": own, "isSigner": true, "isWritable": true},
                {"address": SOLANA_FRIEND, "isSigner": false, "isWritable": true},
            ],
            "data": "0x020000000500000000000000",
        }],
        "fee": "5000", "recipients": [SOLANA_FRIEND], "amounts": [{"max": "5005"}], "unseen": [],
    });
    let params = json!(STANDARD.encode(bytes.concat()));
    ("solana-devnet", "sol_signTransaction", params, reading)
}

fn bitcoin_transaction() -> Case {
    let params = json!({"transaction": BITCOIN, "inputs": [{"index": 1, "value": 600_000_000}]});
    let [first, second] = [
        "msQzKJatdWdw4rpy8sbv8puHoncseekYCf",
        "mkyWRMBNtjzZxdCcEZDYNi5CSoYnRaKACc",
    ];
    let reading = json!({
        "kind": "BITCOIN_TRANSACTION",
        "inputs": [
            {
                "txid": "9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff",
                "vout": "0", "value": null,
            },
            {
                "txid": "8ac60eb9575db5b2d987e29f301b5b819ea83a5c6579d282d189cc04b8e151ef",
                "vout": "1", "value": "600000000",
            },
        ],
        "outputs": [
            {"address": first, "value": "112340000", "isOwn": false},
            {"address": second, "value": "223450000", "isOwn": false},
        ],
        "fee": null, "recipients": [first, second], "amounts": [{"max": "600000000"}],
        "unseen": ["what the inputs that are not signed here are worth"],
    });
    ("bitcoin-testnet", "btc_signTransaction", params, reading)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backend_is_shown_what_is_signed_of_every_kind() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let approver = Approver::default();
    approver.answers(204, "");
    world.send_webhooks_to(&approver.start().await).await;
    put(&world, OF_ALL, &asking()).await;
    let own = &wallet.keys.addresses.eip155;
    let encoded = json!({"message": "6869", "encoding": "hex"});
    for (chain, method, params, reading) in [
        evm_transaction(own),
        typed_data(own),
        message("sepolia", "personal_sign", json!(["0x6869", own])),
        message("solana-devnet", "sol_signMessage", encoded),
        solana_transaction(&wallet),
        bitcoin_transaction(),
    ] {
        let chain: ChainId = chain.parse().expect("a chain");
        granted(wallet.portal.sign(&chain, method, &params).await, method);
        let asked = approver.asked().pop().expect("a question");
        let request = asked.request.expect("a request");
        assert_eq!(request.reading, reading, "{method}");
        assert_eq!(request.params, params, "{method}: as the client wrote it");
        assert_eq!(
            (request.chain, request.method),
            (chain.to_string(), method.to_owned())
        );
    }
}
