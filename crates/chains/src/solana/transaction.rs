//! Transactions: from base64 to the bytes to sign, and the signature into its slot.

use super::effects::is_writable;
use super::{account, instruction, version};
use crate::{ChainError, Ed25519Key, Signature, Signed, Subject, params};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use solana_message::VersionedMessage;
use solana_transaction::versioned::VersionedTransaction;

/// The IPv6 minimum MTU less its headers: what a node takes in one packet.
const MAX_TRANSACTION_BYTES: usize = 1232;
const FIELD: &str = "transaction";

/// A legacy or v0 transaction that needs this wallet's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub(super) key: Ed25519Key,
    pub(super) unsigned: VersionedTransaction,
    /// This wallet's place among the required signers.
    slot: usize,
}

impl Transaction {
    /// Reads the base64 of a serialised message, or of a transaction whose
    /// signatures may still be zeros; bare or alone in an array.
    ///
    /// # Errors
    ///
    /// `TX_BUILD_FAILED` for bytes that are neither or could be both, for
    /// another version, for more than fits a packet, and for a transaction that
    /// this wallet is no signer of.
    pub fn parse(params: &Value, key: &Ed25519Key) -> Result<Self, ChainError> {
        let subject = Subject::Transaction;
        let text = params::text(subject, FIELD, params::single(subject, params)?)?;
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| invalid("padded base64", text))?;
        let unsigned = read(&bytes)?;
        let own = account(key);
        let signers = required_signers(&unsigned.message);
        let slot = signers
            .iter()
            .position(|signer| *signer == own)
            .ok_or_else(|| {
                let found = signers
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                ChainError::SignerMismatch {
                    subject,
                    field: "required signers",
                    expected: own.to_string(),
                    found,
                }
            })?;
        Ok(Self {
            key: key.clone(),
            unsigned,
            slot,
        })
    }

    /// The serialised message: the bytes to sign.
    pub fn message(&self) -> Vec<u8> {
        self.unsigned.message.serialize()
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let message = &self.unsigned.message;
        let payer = match message.static_account_keys().first() {
            Some(_) if self.slot == 0 => "this wallet".to_owned(),
            Some(payer) => payer.to_string(),
            None => "nobody".to_owned(),
        };
        let instructions = instruction::describe(message);
        format!(
            "Solana {} transaction: {instructions}; fee paid by {payer}",
            version(message)
        )
    }

    /// Everything that is signed, in one spelling; an account of a lookup table has no address.
    pub(crate) fn reading(&self) -> Value {
        let message = &self.unsigned.message;
        let (header, keys) = (*message.header(), message.static_account_keys());
        let address = |index: u8| keys.get(usize::from(index)).map(ToString::to_string);
        let signers = usize::from(header.num_required_signatures);
        let instructions = message.instructions().iter().map(|instruction| {
            let accounts = instruction.accounts.iter().map(|index| {
                json!({
                    "address": address(*index),
                    "isSigner": usize::from(*index) < signers,
                    "isWritable": is_writable(header, keys.len(), usize::from(*index)),
                })
            });
            json!({
                "program": address(instruction.program_id_index),
                "accounts": accounts.collect::<Vec<_>>(),
                "data": format!("0x{}", hex::encode(&instruction.data)),
            })
        });
        json!({
            "kind": "SOLANA_TRANSACTION",
            "version": version(message),
            "feePayer": address(0),
            "instructions": instructions.collect::<Vec<_>>(),
            "fee": self.fee().map(|fee| fee.to_string()),
        })
    }

    /// The transaction with this wallet's signature in its slot.
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless the signature over [`Self::message`] is this wallet's.
    pub fn finish(&self, signature: &Signature) -> Result<Signed, ChainError> {
        let signature = self.key.verify(&self.message(), signature)?;
        let mut signed = self.unsigned.clone();
        signed
            .signatures
            .iter_mut()
            .skip(self.slot)
            .take(1)
            .for_each(|slot| *slot = signature.into());
        Ok(Signed::SolanaTransaction {
            raw: serialize(&signed)?,
            signature,
        })
    }
}

/// Takes bytes that have exactly one reading.
///
/// Signature slots hold any bytes, so one byte string can be both a transaction
/// and a message; whoever showed it to the user may have shown the other one.
fn read(bytes: &[u8]) -> Result<VersionedTransaction, ChainError> {
    let transaction = wincode::deserialize_exact::<VersionedTransaction>(bytes)
        .ok()
        .filter(|transaction| transaction.sanitize().is_ok());
    let message = wincode::deserialize_exact::<VersionedMessage>(bytes)
        .ok()
        .filter(|message| message.sanitize().is_ok())
        .map(VersionedTransaction::new_unsigned);
    let unsigned = match (transaction, message) {
        (Some(one), None) | (None, Some(one)) => one,
        (Some(_), Some(_)) => {
            let found = "bytes that are both: take them from another builder";
            return Err(invalid("a transaction or a message", found));
        }
        (None, None) => {
            let found = format!("{} bytes that are neither", bytes.len());
            return Err(invalid(
                "a serialised Solana transaction or message, valid and whole",
                &found,
            ));
        }
    };
    if matches!(unsigned.message, VersionedMessage::V1(_)) {
        return Err(invalid("a legacy or v0 transaction", "version v1"));
    }
    params::at_most(
        Subject::Transaction,
        FIELD,
        serialize(&unsigned)?.len(),
        MAX_TRANSACTION_BYTES,
    )?;
    Ok(unsigned)
}

fn required_signers(message: &VersionedMessage) -> &[solana_address::Address] {
    let count = usize::from(message.header().num_required_signatures);
    message
        .static_account_keys()
        .get(..count)
        .unwrap_or_default()
}

fn serialize(transaction: &VersionedTransaction) -> Result<Vec<u8>, ChainError> {
    wincode::serialize(transaction).map_err(|error| invalid("a transaction", &error.to_string()))
}

fn invalid(expected: &str, found: &str) -> ChainError {
    params::invalid(Subject::Transaction, FIELD, expected, found)
}
