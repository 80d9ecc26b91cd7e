//! The one place of the program that draws randomness; the clock is `portal-server`'s.

use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

/// The operating system's randomness.
pub(crate) const fn rng() -> impl CryptoRng + Send + 'static {
    UnwrapErr(SysRng)
}
