//! The one place of this crate that reads the clock and draws randomness.

use portal_lifecycle::Timestamp;
use rand::{CryptoRng, Rng as _};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub(crate) fn now() -> Timestamp {
    #[cfg(feature = "simulation")]
    if let Some(now) = crate::simulated::now() {
        return now;
    }
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws randomness"
)]
pub(crate) fn rng() -> impl CryptoRng {
    let machine = rand::rng();
    #[cfg(feature = "simulation")]
    let machine = crate::simulated::or(machine);
    machine
}

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rng().fill_bytes(&mut bytes);
    bytes
}
