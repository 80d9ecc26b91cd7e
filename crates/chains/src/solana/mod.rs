//! Solana: addresses, messages, and legacy and v0 transactions.

mod effects;
mod instruction;
mod message;
mod token_account;
mod transaction;

pub use message::Message;
pub(crate) use token_account::first_token_owner;
pub use transaction::Transaction;

use crate::Ed25519Key;
use solana_message::VersionedMessage;

/// The base58 address of a public key.
pub fn address(key: &Ed25519Key) -> String {
    account(key).to_string()
}

fn account(key: &Ed25519Key) -> solana_address::Address {
    solana_address::Address::from(*key.as_bytes())
}

const fn version(message: &VersionedMessage) -> &'static str {
    match message {
        VersionedMessage::Legacy(_) => "legacy",
        VersionedMessage::V0(_) => "v0",
        VersionedMessage::V1(_) => "v1",
    }
}
