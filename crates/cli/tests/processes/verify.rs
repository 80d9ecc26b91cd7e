//! Signed bytes, parsed back by the chains' own crates and verified by implementations that
//! did not sign.

use std::str::FromStr as _;

use alloy_consensus::{SignableTransaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, B256, keccak256};
use bitcoin::consensus::Decodable as _;
use bitcoin::hashes::Hash as _;
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text.trim_start_matches("0x")).unwrap()
}

fn recover(digest: B256, r: [u8; 32], s: [u8; 32], id: i32) -> String {
    let id = RecoveryId::try_from(id).unwrap();
    let signature = RecoverableSignature::from_compact(&[r, s].concat(), id).unwrap();
    let mut low = signature.to_standard();
    low.normalize_s();
    assert_eq!(low, signature.to_standard(), "low s");
    let key = signature
        .recover_ecdsa(Message::from_digest(digest.0))
        .unwrap();
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Address::from_slice(&hash[12..]).to_checksum(None)
}

/// alloy parses the transaction, libsecp256k1 recovers its sender.
pub(crate) fn evm_sender(raw: &str) -> String {
    let envelope = TxEnvelope::decode_2718(&mut unhex(raw).as_slice()).unwrap();
    let (digest, signature) = match &envelope {
        TxEnvelope::Eip1559(signed) => (signed.tx().signature_hash(), signed.signature()),
        TxEnvelope::Legacy(signed) => (signed.tx().signature_hash(), signed.signature()),
        other => panic!("unexpected transaction {other:?}"),
    };
    recover(
        digest,
        signature.r().to_be_bytes(),
        signature.s().to_be_bytes(),
        i32::from(signature.v()),
    )
}

/// libsecp256k1 recovers who signed a digest as r ‖ s ‖ v.
pub(crate) fn evm_signer(digest: B256, signature: &str) -> String {
    let bytes = unhex(signature);
    assert_eq!(bytes.len(), 65);
    let (r, s) = (
        bytes[..32].try_into().unwrap(),
        bytes[32..64].try_into().unwrap(),
    );
    recover(digest, r, s, i32::from(bytes[64]) - 27)
}

/// EIP-191's digest of a text, put together by hand.
pub(crate) fn personal_digest(text: &str) -> B256 {
    keccak256(format!(
        "\x19Ethereum Signed Message:\n{}{text}",
        text.len()
    ))
}

fn base58(address: &str) -> [u8; 32] {
    solana_address::Address::from_str(address)
        .unwrap()
        .to_bytes()
}

/// ed25519-dalek verifies strictly.
pub(crate) fn ed25519(address: &str, message: &[u8], signature: &[u8]) {
    ed25519_dalek::VerifyingKey::from_bytes(&base58(address))
        .unwrap()
        .verify_strict(
            message,
            &ed25519_dalek::Signature::from_slice(signature).unwrap(),
        )
        .expect("ed25519-dalek accepts the signature");
}

/// An unsigned Solana transfer of one lamport to nobody, in base64.
pub(crate) fn solana_transfer(payer: &str) -> String {
    use base64::Engine as _;
    let payer = solana_address::Address::from_str(payer).unwrap();
    let to = solana_address::Address::new_from_array([7; 32]);
    let data = [2_u32.to_le_bytes().as_slice(), &1_u64.to_le_bytes()].concat();
    let instruction = solana_instruction::Instruction {
        program_id: solana_address::Address::new_from_array([0; 32]),
        accounts: vec![
            solana_instruction::AccountMeta::new(payer, true),
            solana_instruction::AccountMeta::new(to, false),
        ],
        data,
    };
    let message = solana_message::Message::new_with_blockhash(
        &[instruction],
        Some(&payer),
        &solana_hash::Hash::new_from_array([9; 32]),
    );
    base64::engine::general_purpose::STANDARD.encode(message.serialize())
}

/// Solana's crates parse the transaction; its first signature is its payer's.
pub(crate) fn solana_transaction(payer: &str, encoded: &str) {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    let transaction: solana_transaction::versioned::VersionedTransaction =
        wincode::deserialize(&bytes).unwrap();
    let message = transaction.message.serialize();
    ed25519(payer, &message, transaction.signatures[0].as_ref());
    assert_eq!(
        transaction.message.static_account_keys()[0].to_bytes(),
        base58(payer)
    );
}

/// An unsigned P2WPKH spend with one input, in hex.
pub(crate) fn bitcoin_spend() -> String {
    let transaction = bitcoin::Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![bitcoin::TxIn {
            previous_output: bitcoin::OutPoint::new(bitcoin::Txid::from_byte_array([3; 32]), 0),
            sequence: bitcoin::Sequence::MAX,
            ..bitcoin::TxIn::default()
        }],
        output: vec![bitcoin::TxOut {
            value: bitcoin::Amount::from_sat(9_000),
            script_pubkey: bitcoin::ScriptBuf::new_op_return([1; 4]),
        }],
    };
    bitcoin::consensus::encode::serialize_hex(&transaction)
}

/// bitcoin's crate parses the transaction and computes its hash; libsecp256k1 verifies.
pub(crate) fn bitcoin_transaction(address: &str, raw: &str, satoshi: u64) {
    let mut bytes = &unhex(raw)[..];
    let transaction = bitcoin::Transaction::consensus_decode(&mut bytes).unwrap();
    let script = bitcoin::Address::from_str(address)
        .unwrap()
        .assume_checked()
        .script_pubkey();
    let digest = bitcoin::sighash::SighashCache::new(&transaction)
        .p2wpkh_signature_hash(
            0,
            &script,
            bitcoin::Amount::from_sat(satoshi),
            bitcoin::EcdsaSighashType::All,
        )
        .unwrap();
    let witness = &transaction.input[0].witness;
    let (der, sighash) = witness
        .nth(0)
        .unwrap()
        .split_at(witness.nth(0).unwrap().len() - 1);
    assert_eq!(sighash, [1], "SIGHASH_ALL");
    let key = secp256k1::PublicKey::from_slice(witness.nth(1).unwrap()).unwrap();
    let hashed = bitcoin::PublicKey::from_slice(&key.serialize())
        .unwrap()
        .wpubkey_hash()
        .unwrap();
    assert_eq!(
        script,
        bitcoin::ScriptBuf::new_p2wpkh(&hashed),
        "the key is the address's"
    );
    let signature = secp256k1::ecdsa::Signature::from_der(der).unwrap();
    secp256k1::ecdsa::verify(
        &signature,
        Message::from_digest(digest.to_byte_array()),
        &key,
    )
    .expect("libsecp256k1 accepts the signature");
}
