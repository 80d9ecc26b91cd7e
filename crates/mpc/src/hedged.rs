//! Randomness that does not repeat even where the operating system's does.
//!
//! A server restored from a snapshot, or two copies of a device, may wake up with the same
//! state of their random generator. Drawn straight from it, a nonce would then serve two
//! signatures, and two signatures with one nonce are worth the key. So each step draws
//! from a stream that is hashed from 32 random bytes, the secret share and the session: other
//! session, other stream (the idea of RFC 6979 §3.6 and RFC 9591 §4.1).

use core::convert::Infallible;

use blake3::OutputReader;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use zeroize::{Zeroize as _, Zeroizing};

use crate::hash::TaggedHash;

/// A generator for one step of one session. Erased when dropped.
pub(crate) struct Hedged(OutputReader);

impl Hedged {
    /// `step` tells the draws of one session apart; `secret` is what the holder alone knows.
    pub(crate) fn new(
        step: &'static str,
        context: &[u8],
        secret: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(fresh.as_mut_slice());
        Self(
            TaggedHash::new("hedged randomness")
                .field(step.as_bytes())
                .field(context)
                .field(secret)
                .field(fresh.as_slice())
                .stream(),
        )
    }

    /// Randomness that is always the same.
    #[cfg(any(test, feature = "attack"))]
    pub(crate) fn seeded(seed: &[u8]) -> Self {
        Self(TaggedHash::new("seeded").field(seed).stream())
    }
}

impl Drop for Hedged {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl TryRng for Hedged {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Hedged {}
