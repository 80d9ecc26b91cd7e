//! Published vectors, round trips checked by other people's libraries, and every refusal.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something else than expected comes"
)]

mod bitcoin_refusals;
mod bitcoin_transactions;
mod chain_ids;
mod errors;
mod evm_message_refusals;
mod evm_messages;
mod evm_transaction_refusals;
mod evm_transactions;
mod policy;
mod readings;
mod signatures;
mod solana_messages;
mod solana_transactions;
mod wallet;
