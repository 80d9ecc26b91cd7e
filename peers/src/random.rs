//! The one place that draws randomness.
//!
//! All that take a generator as an argument get the same one, so that none is faster for its
//! generator alone. `dkls23-core` draws from the same one itself; `cait-sith` asks the operating
//! system each time, which is measured with it.

use frost_ed25519::rand_core;
use rand::Rng as _;
use rand::rngs::ThreadRng;

/// Random numbers of the thread's generator.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws randomness"
)]
pub(crate) fn rng() -> ThreadRng {
    rand::rng()
}

/// 32 random bytes.
pub(crate) fn bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    rng().fill_bytes(&mut bytes);
    bytes
}

/// The same generator as the `rand_core` version that `frost-ed25519` and `givre` ask for.
pub(crate) struct RngOf06(pub(crate) ThreadRng);

impl rand_core::RngCore for RngOf06 {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for RngOf06 {}
