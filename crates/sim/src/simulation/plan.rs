//! What one seed means.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::faults::Rates;

/// The one misfortune of a run that is more than a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catastrophe {
    /// None.
    None,
    /// The phone is lost, and its keychain with it.
    Phone,
    /// The tablet is lost, and its keychain with it.
    Tablet,
    /// The user's own storage is lost.
    Cloud,
    /// The customer's backend loses its shares and cipher texts.
    Backend,
    /// Portal's database is put back to an earlier state.
    Database,
}

/// One run, drawn from its seed.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rates: Rates,
    /// Chance, each tick of the driver, that a process ends.
    pub(crate) crash: f64,
    /// Chance, each tick of the driver, that a link is cut off for a while.
    pub(crate) cut: f64,
    /// How long faults are at work.
    pub(crate) turbulent: Duration,
    pub(crate) catastrophe: Catastrophe,
    /// When the database is copied, and when the catastrophe happens.
    pub(crate) copy_at: Duration,
    pub(crate) catastrophe_at: Duration,
    /// Days that pass after half of the turbulence.
    pub(crate) days: u64,
    /// Longest way of a message.
    pub(crate) latency_ms: u64,
    /// Whether backups are sealed; plain otherwise.
    pub(crate) is_sealed: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut one_of = |rates: &[f64]| rates[rng.random_range(0..rates.len())];
        let rates = Rates {
            refused: one_of(&[0.0, 0.003, 0.01, 0.04]),
            unheard: one_of(&[0.0, 0.003, 0.01, 0.04]),
            slow: one_of(&[0.0, 0.01, 0.05]),
            fatal: one_of(&[0.0, 0.001, 0.004, 0.01]),
        };
        let crash = one_of(&[0.0, 0.000_3, 0.001, 0.004]);
        let cut = one_of(&[0.0, 0.000_3, 0.001]);
        let catastrophes = [
            Catastrophe::None,
            Catastrophe::None,
            Catastrophe::Phone,
            Catastrophe::Tablet,
            Catastrophe::Cloud,
            Catastrophe::Backend,
            Catastrophe::Database,
            Catastrophe::Database,
        ];
        let catastrophe = catastrophes[rng.random_range(0..catastrophes.len())];
        let turbulent_ms = rng.random_range(2_000..12_000_u64);
        let copy_ms = rng.random_range(500..turbulent_ms);
        let days = [0, 0, 0, 1, 8, 31];
        Self {
            rates,
            crash,
            cut,
            turbulent: Duration::from_millis(turbulent_ms),
            catastrophe,
            copy_at: Duration::from_millis(copy_ms),
            catastrophe_at: Duration::from_millis(rng.random_range(copy_ms..=turbulent_ms)),
            days: days[rng.random_range(0..days.len())],
            latency_ms: [2, 20, 150][rng.random_range(0..3)],
            is_sealed: rng.random_bool(0.5),
        }
    }
}
