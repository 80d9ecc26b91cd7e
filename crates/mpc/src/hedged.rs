//! Randomness that does not repeat where the operating system's does.
//!
//! A server restored from a snapshot, or two copies of a device, may wake up with the same
//! state of their random generator. Drawn straight from it, a nonce would then serve two
//! signatures, and two signatures with one nonce are worth the key. So each step of each protocol draws
//! from a stream that is hashed from 32 random bytes, the secret share if there is one, and the transcript so far,
//! the peer's last message included: another message, another stream (the idea of RFC 6979 §3.6 and
//! RFC 9591 §4.1).
//!
//! What this cannot save is who speaks first: a client that is rolled back to any moment before its third flight
//! has committed itself to a nonce, and answers whatever it hears next with that nonce. A state that was copied must never
//! take a second answer.

use core::convert::Infallible;

use blake3::OutputReader;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use zeroize::{Zeroize as _, Zeroizing};

use crate::ct::mark_secret;
use crate::hash::TaggedHash;

/// A generator for one step of one session. Erased when dropped.
pub(crate) struct Hedged(OutputReader);

impl Hedged {
    /// `purpose` tells draws in one place apart; `context` is the transcript so far; `secret` is what the
    /// holder alone knows.
    pub(crate) fn new(
        purpose: &'static str,
        context: &[u8],
        secret: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(fresh.as_mut_slice());
        mark_secret(&mut *fresh);
        Self(
            TaggedHash::new("hedged randomness")
                .field(purpose.as_bytes())
                .field(context)
                .secret_field(secret)
                .secret_field(fresh.as_slice())
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
