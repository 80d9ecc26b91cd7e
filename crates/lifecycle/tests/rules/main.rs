//! The rules of a wallet's life, one example for each guard, and what holds after any
//! sequence of events; the words that callers depend on.

#![expect(
    clippy::panic,
    reason = "a history that the rules refuse is a mistake in the test"
)]

mod backup;
mod backup_commit;
mod eject;
mod epoch;
mod errors;
mod example;
mod garbage;
mod invariants;
mod lease;
mod names;
mod refusals;
mod sequences;
mod signing;
mod signing_commit;
mod strike;
mod unfinished;
mod world;
