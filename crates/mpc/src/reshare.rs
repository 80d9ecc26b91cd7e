//! Reshare: another sharing of the same key. Backup, Recover and Refresh are this one
//! protocol with another source and target.
//!
//! Both parties prove that they know their old share `a_i`, commit to a random mask `δ_i`, and
//! open. With `δ = δ_C + δ_S` the new shares are `b_C = a_C + δ` and `b_S = a_S − δ`, so
//! `b_C + b_S = x` and Q stays. δ is erased; without it an old share of one party says nothing
//! about a new share of the other. A signing pair as target gets a fresh set-up besides.

mod both;
mod part;
mod to_backup;
mod to_signing;

#[cfg(test)]
pub(crate) use part::{Masked, Part};
pub use to_backup::ReshareToBackup;
pub use to_signing::ReshareToSigning;
