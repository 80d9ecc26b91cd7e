//! Randomness for one seal that does not repeat where the operating system's does.
//!
//! Two seals with one ephemeral key share their AEAD key and nonce, and who knows the ephemeral key
//! opens both. A device whose generator is broken, or was copied with its state, must give neither
//! away. So the ephemeral key is derived from 32 random bytes *and* from all that is sealed: who
//! does not know the secret cannot guess the key, whatever the generator does, and another message,
//! recipient or context has another key (the idea of RFC 6979 §3.6).

use core::convert::Infallible;

use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const TAG: &[u8] = b"portal hedged encapsulation v1";

/// A generator for one seal; its state is erased when dropped.
pub(super) struct Hedged {
    seed: Zeroizing<[u8; 32]>,
    blocks: u64,
}

impl Hedged {
    /// `about` is public: the recipient and what the seal is for. `secret` is what is sealed.
    pub(super) fn new(about: [&[u8]; 3], secret: &[u8], rng: &mut impl CryptoRng) -> Self {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(fresh.as_mut_slice());
        let [recipient, info, data] = about;
        let mut hash = Sha256::new();
        for part in [TAG, fresh.as_slice(), secret, recipient, info, data] {
            // Each after its length, so that no two lists are hashed alike.
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        Self {
            seed: Zeroizing::new(hash.finalize().into()),
            blocks: 0,
        }
    }

    fn block(&mut self) -> Zeroizing<[u8; 32]> {
        let hash = Sha256::new()
            .chain_update(self.seed.as_slice())
            .chain_update(self.blocks.to_be_bytes());
        self.blocks = self.blocks.wrapping_add(1);
        Zeroizing::new(hash.finalize().into())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.block();
            chunk
                .iter_mut()
                .zip(block.iter())
                .for_each(|(to, from)| *to = *from);
        }
    }
}

impl TryRng for Hedged {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Hedged {}
