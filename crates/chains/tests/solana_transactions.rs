use crate::wallet::Wallet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_chains::Signed;
use proptest::prelude::*;
use serde_json::json;
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::{VersionedMessage, legacy, v0, v1};
use solana_transaction::versioned::VersionedTransaction;

const METHOD: &str = "sol_signTransaction";

pub(crate) fn address(wallet: &Wallet) -> Address {
    Address::from(wallet.eddsa.verifying_key().to_bytes())
}

pub(crate) fn system_transfer(from: Address, to: Address, lamports: u64) -> Instruction {
    let data = [[2, 0, 0, 0].as_slice(), &lamports.to_le_bytes()].concat();
    let accounts = vec![AccountMeta::new(from, true), AccountMeta::new(to, false)];
    Instruction {
        program_id: Address::from([0; 32]),
        accounts,
        data,
    }
}

/// The base64 of an unsigned legacy message.
pub(crate) fn transfer_from(wallet: &Wallet) -> String {
    let own = address(wallet);
    let transfer = system_transfer(own, Address::from([9; 32]), 1_500_000_000);
    encode(&legacy_message(own, &[transfer]).serialize())
}

pub(crate) fn legacy_message(payer: Address, instructions: &[Instruction]) -> VersionedMessage {
    let hash = Hash::new_from_array([7; 32]);
    VersionedMessage::Legacy(legacy::Message::new_with_blockhash(
        instructions,
        Some(&payer),
        &hash,
    ))
}

pub(crate) fn v0_message(payer: Address, instructions: &[Instruction]) -> VersionedMessage {
    let hash = Hash::new_from_array([7; 32]);
    VersionedMessage::V0(
        v0::Message::try_compile(&payer, instructions, &[], hash).expect("compiles"),
    )
}

pub(crate) fn v1_message(payer: Address, instructions: &[Instruction]) -> VersionedMessage {
    let hash = Hash::new_from_array([7; 32]);
    VersionedMessage::V1(
        v1::Message::try_compile_with_config(
            &payer,
            instructions,
            hash,
            v1::TransactionConfig::default(),
        )
        .expect("compiles"),
    )
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The golden bytes of solana-sdk's `test_sdk_serialize`, and the key that signed them.
const SDK_KEY: &str = "ff6524187c17a71584cc9b05b93a794b9ce374c1d7268e16080ee5ef775d05da";
const SDK_SIGNATURE: &str = "788aa2b93bd1f19d479d4a830457361c26b4de52403e3d3e162e11cbbb883e2b\
    0b26eb11ef52f08b82d9e3d609f28ddf5e1db86e3e2057893f8b64dd14890405";
const SDK_MESSAGE: &str = "0100010324649efc21a161b93e5963c3faf9bbbdab76f15af80e44dbe73e9d058e1bd275\
    010101040506070809090909090909090909090909090909080706050401010102020204050607080901010101010101\
    010101010101010908070605040202020000000000000000000000000000000000000000000000000000000000000000\
    010202000103010203";

#[test]
fn solana_sdk_golden_transaction() {
    let wallet = Wallet::from_hex(SDK_KEY);
    let message = hex::decode(SDK_MESSAGE).expect("hex");
    let signature = hex::decode(SDK_SIGNATURE).expect("hex");
    let signed = [[1].as_slice(), &signature, &message].concat();
    let unsigned = [[1].as_slice(), &[0; 64], &message].concat();
    for input in [&message, &unsigned, &signed] {
        let request = wallet
            .parse("solana", METHOD, &json!([encode(input)]))
            .expect("valid");
        assert_eq!(request.payloads()[0].as_bytes(), message);
        let finished = request.finish(&wallet.sign(&request)).expect("ours");
        assert_eq!(finished.encoded(), encode(&signed));
        let id = solana_signature::Signature::try_from(signature.as_slice()).expect("64 bytes");
        assert_eq!(finished.transaction_id(), Some(id.to_string()));
    }
}

#[test]
fn summaries_name_amounts_and_programs() {
    let wallet = Wallet::new([3; 32]);
    let (own, other) = (address(&wallet), Address::from([9; 32]));
    let summary = |message: &VersionedMessage| {
        let params = json!([encode(&message.serialize())]);
        wallet
            .parse("solana", METHOD, &params)
            .expect("valid")
            .summary()
    };
    assert_eq!(
        summary(&legacy_message(
            own,
            &[system_transfer(own, other, 1_500_000_000)]
        )),
        format!(
            "Solana legacy transaction: send 1.500000000 SOL from {own} to {other}; fee paid by this wallet"
        )
    );
    let call = Instruction {
        program_id: Address::from([8; 32]),
        accounts: vec![AccountMeta::new_readonly(own, true)],
        data: vec![1],
    };
    let text = summary(&v0_message(other, &vec![call; 6]));
    let program = Address::from([8; 32]);
    assert!(
        text.starts_with(&format!("Solana v0 transaction: call program {program}, ")),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("and 2 more; fee paid by {other}")),
        "{text}"
    );
}

#[test]
fn other_signers_keep_their_slots() {
    let (wallet, payer) = (Wallet::new([3; 32]), Wallet::new([4; 32]));
    let (own, other) = (address(&wallet), address(&payer));
    for message in [
        legacy_message(other, &[system_transfer(own, other, 5)]),
        v0_message(other, &[system_transfer(own, other, 5)]),
    ] {
        let unsigned = VersionedTransaction::new_unsigned(message);
        let first = wincode::serialize(&unsigned).expect("bytes");
        let half = payer.finish("solana", METHOD, &json!([encode(&first)]));
        let whole = wallet.finish("solana", METHOD, &json!([half.encoded()]));
        let Signed::SolanaTransaction { raw, signature } = whole else {
            panic!("{whole:?}")
        };
        let read: VersionedTransaction = wincode::deserialize_exact(&raw).expect("solana reads it");
        assert_eq!(read.message, unsigned.message);
        assert_eq!(read.signatures[1].as_array(), &signature);
        assert_verified(&read);
    }
}

fn assert_verified(transaction: &VersionedTransaction) {
    let message = transaction.message.serialize();
    let signers = transaction
        .message
        .static_account_keys()
        .iter()
        .zip(&transaction.signatures);
    assert_eq!(
        signers.len().min(transaction.signatures.len()),
        transaction.signatures.len()
    );
    for (signer, signature) in signers {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&signer.to_bytes()).expect("a key");
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_array());
        key.verify_strict(&message, &signature)
            .expect("ed25519-dalek agrees");
    }
}

#[test]
fn transactions_that_are_refused() {
    let wallet = Wallet::new([3; 32]);
    let (own, other) = (address(&wallet), Address::from([9; 32]));
    let transfer = system_transfer(own, other, 5);
    let message = legacy_message(own, std::slice::from_ref(&transfer)).serialize();
    let with_slots = |slots: u8| {
        [
            [slots].as_slice(),
            &vec![0; 64 * usize::from(slots)],
            &message,
        ]
        .concat()
    };
    let not_ours = legacy_message(other, &[system_transfer(other, own, 5)]).serialize();
    let v1 = v1_message(own, std::slice::from_ref(&transfer)).serialize();
    let v1_whole = [v1.as_slice(), &[0; 64]].concat();
    let mut no_payer = message.clone();
    no_payer[1] = 1;
    let large = |data: usize| {
        let call = Instruction {
            program_id: other,
            accounts: vec![],
            data: vec![0; data],
        };
        legacy_message(own, &[call]).serialize()
    };
    for good in [message.clone(), with_slots(1), large(1062)] {
        wallet
            .parse("solana", METHOD, &json!([encode(&good)]))
            .expect("valid");
    }
    let neither = "bytes that are neither";
    for (bytes, reason) in [
        (vec![], neither),
        (vec![0xff; 100], neither),
        ([message.as_slice(), &[0]].concat(), neither),
        ([with_slots(1).as_slice(), &[0]].concat(), neither),
        (message[..message.len() - 1].to_vec(), neither),
        (with_slots(0), neither),
        (with_slots(2), neither),
        (no_payer, neither),
        (not_ours, "ask the wallet that owns it"),
        (v1, "a legacy or v0 transaction"),
        (v1_whole, "a legacy or v0 transaction"),
        (large(1063), "at most 1232 bytes"),
    ] {
        let params = json!([encode(&bytes)]);
        wallet.refused("solana", METHOD, &params, "TX_BUILD_FAILED", reason);
    }
    for (params, reason) in [
        (json!(["not base64!"]), "padded base64"),
        (json!([7]), "a string"),
        (json!([]), "exactly one parameter"),
        (json!([encode(&message), "x"]), "exactly one parameter"),
    ] {
        wallet.refused("solana", METHOD, &params, "TX_BUILD_FAILED", reason);
    }
}

/// A transaction whose empty signature slot makes it a message with other accounts.
#[test]
fn bytes_with_two_readings_are_refused() {
    let wallet = Wallet::new([3; 32]);
    let own = address(&wallet);
    // As a message: header 1 0 0, k accounts, a block hash, no instructions.
    let build = |data: usize, accounts: u8| {
        let call = Instruction {
            program_id: Address::from([8; 32]),
            accounts: vec![],
            data: vec![0; data],
        };
        let message = legacy_message(own, &[call]).serialize();
        let mut slot = [0; 64];
        slot[2] = accounts;
        [[1].as_slice(), &slot, &message].concat()
    };
    let (data, accounts) = (0..64)
        .map(|data| (data, build(data, 0).len() - 37))
        .find(|(_, rest)| rest.is_multiple_of(32))
        .map(|(data, rest)| (data, u8::try_from(rest / 32).expect("few")))
        .expect("a length that fits");
    let polyglot = build(data, accounts);
    let read: VersionedMessage = wincode::deserialize_exact(&polyglot).expect("a message");
    read.sanitize().expect("a valid one");
    let params = json!([encode(&polyglot)]);
    wallet.refused(
        "solana",
        METHOD,
        &params,
        "TX_BUILD_FAILED",
        "bytes that are both",
    );
    let plain = json!([encode(&build(data, 0))]);
    wallet.parse("solana", METHOD, &plain).expect("one reading");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transactions_come_back(
        seed in prop::array::uniform32(any::<u8>()),
        programs in prop::collection::vec(prop::array::uniform32(any::<u8>()), 0..4),
        data in prop::collection::vec(any::<u8>(), 0..100),
        versioned: bool,
        whole: bool,
    ) {
        let wallet = Wallet { eddsa: ed25519_dalek::SigningKey::from_bytes(&seed), ..Wallet::new([1; 32]) };
        let own = address(&wallet);
        let calls: Vec<_> = programs
            .iter()
            .map(|program| Instruction {
                program_id: Address::from(*program),
                accounts: vec![AccountMeta::new(own, true)],
                data: data.clone(),
            })
            .collect();
        let message = if versioned { v0_message(own, &calls) } else { legacy_message(own, &calls) };
        let unsigned = VersionedTransaction::new_unsigned(message.clone());
        let bytes = if whole { wincode::serialize(&unsigned).expect("bytes") } else { message.serialize() };
        let signed = wallet.finish("solana-devnet", METHOD, &json!(encode(&bytes)));
        let Signed::SolanaTransaction { raw, .. } = signed else { panic!("{signed:?}") };
        let read: VersionedTransaction = wincode::deserialize_exact(&raw).expect("solana reads it");
        prop_assert_eq!(&read.message, &message);
        assert_verified(&read);
    }
}
