//! The randomness of the program.

use rand::{CryptoRng, Rng as _};

/// The thread's generator, seeded and reseeded by the operating system.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws randomness"
)]
pub fn rng() -> impl CryptoRng {
    let machine = rand::rng();
    #[cfg(feature = "simulation")]
    let machine = crate::simulated::or(machine);
    machine
}

/// Fresh random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rng().fill_bytes(&mut bytes);
    bytes
}
