//! What Portal is held against.
//!
//! [`model`] explores every interleaving of a small system around the rules, the real
//! `portal_lifecycle::Wallet::apply`: two devices, Portal, the customer's backend, the user's own
//! storage, and a network that loses, repeats and reorders.
//!
//! [`simulation`] runs the whole of Portal on one thread, on a simulated network and clock, with
//! faults from a seed.

pub mod model;
pub mod simulation;
