//! The model: every interleaving of a small system around the real rules.
//!
//! The server's transition function is `portal_lifecycle::Wallet::apply`, unchanged. Around it
//! stand, as small machines, what is not pure in the product:
//!
//! - **Portal**: its database (the wallet, its signing shares, the outbox) is durable; its sessions
//!   are not;
//! - **two devices** of one user, each with a keychain that is durable and a process that is not,
//!   doing what the SDK does in the order in which it does it;
//! - **the user's own storage**, which holds encryption keys;
//! - **the customer's backend**: the custodian's shares and the app's cipher texts, one of each for
//!   each pair, insert-only; a custodian's share is erased only when an E18 message says that its
//!   pair is purged;
//! - **the network**: what was once sent may arrive at any later time, any number of times, in any
//!   order, or never. An answer is heard or lost;
//! - **the clock**, which moves by a lease, by more than 7 days, or by more than 30;
//! - **one fault more** at most, beside crashes of every side at every step: a lost device, a lost
//!   user storage, a lost backend, or a copy of the database that is put back later.
//!
//! [`search`] looks at every state that can be reached within a scenario's bounds, breadth first,
//! and holds every property against each. Invariants are properties of a state. What must not
//! *happen* is noted in the state by a watcher that asks what the checker itself remembers, not the
//! guards of the rules. L1 and L2 run, from every state, a schedule of the sides' own steps without
//! a fault, to a signature and to an acknowledgement. Each [`Mutation`] is a mistake in a rule or in
//! a side that some property must see.
//!
//! # What is abstract
//!
//! - The protocols: a session ends well or not at all. When it does, both sides have their share;
//!   the server commits first, and the last message may be lost.
//! - One curve stands for both; a point is a byte; a proof of possession is that the device has
//!   stored the share, a digest is the pair's number.
//! - Every backup keeps its key in a storage of the user's, the longest way to completion.
//! - The SDK reads the server's state and acts on it in one step. What it *sends* may arrive late.
//! - Nobody cheats, but the device that is struck: attacks are the business of `portal-mpc`.
//!
//! # What is bounded
//!
//! At most three signing and two backup pairs, and as many operations, clock steps and strikes as
//! the scenario says. Within that nothing is left out where a report says "all of them".
//!
//! # What a database that was put back can keep
//!
//! - A pair that was in force in the copy: some device holds its share, since devices delete
//!   nothing, and proves it.
//! - A pair that waited in the copy, as long as no other wallet is made: then its late confirmation
//!   would replace a key, and is refused. Its complete backup can be ejected.
//! - A wallet that the copy does not know: to be ejected from its complete backup, as before.
//! - That a backup told as active is complete, only if the copy is younger than the 30 days after
//!   which an overtaken pair is purged at the custodian.
//! - Not a strike: a freeze that is younger than the copy is forgotten, so I8 counts by epoch.

mod action;
mod backup;
mod device;
mod fate;
mod heal;
mod milestone;
mod mutation;
mod pairs;
mod property;
mod record;
mod rules;
mod scenario;
mod search;
mod server;
mod showing;
mod state;
mod time;
mod watch;
mod world;

pub use mutation::Mutation;
pub use scenario::Scenario;
pub use search::{Bounds, Report, Violation, milestones, properties, search};
