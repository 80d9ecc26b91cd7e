//! A key from a password: Argon2id (RFC 9106 §3.1), version 0x13.

use core::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use portal_seal::SealingKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{BackupError, Password};

const MEMORY_KIB: RangeInclusive<u32> = 64 * 1024..=256 * 1024;
const ITERATIONS: RangeInclusive<u32> = 3..=10;
const PARALLELISM: RangeInclusive<u32> = 1..=4;
const SALT_BYTES: usize = 16;

/// Parameters of Argon2id within bounds: strong enough for a password, and no more work than
/// a text from elsewhere may put a device to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2idParameters {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: [u8; SALT_BYTES],
}

impl Argon2idParameters {
    /// What new texts take, with a salt drawn from `rng`: the second recommended option of
    /// RFC 9106 §4 (64 MiB, 3 passes) with one lane, since browsers have no threads to share.
    pub(crate) fn draw(rng: &mut impl CryptoRng) -> Self {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        Self {
            memory_kib: *MEMORY_KIB.start(),
            iterations: *ITERATIONS.start(),
            parallelism: *PARALLELISM.start(),
            salt,
        }
    }

    /// Takes parameters that a header names, if they are within bounds.
    pub(crate) fn check(
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
        salt: &[u8],
    ) -> Result<Self, BackupError> {
        within("memoryKib", memory_kib, &MEMORY_KIB)?;
        within("iterations", iterations, &ITERATIONS)?;
        within("parallelism", parallelism, &PARALLELISM)?;
        Ok(Self {
            memory_kib,
            iterations,
            parallelism,
            salt: salt.try_into().map_err(|_| BackupError::SaltLength {
                given_bytes: salt.len(),
            })?,
        })
    }

    /// Memory, in KiB: 65,536 to 262,144.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory: 3 to 10.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Lanes: 1 to 4.
    #[must_use]
    pub const fn parallelism(&self) -> u32 {
        self.parallelism
    }

    /// The salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.salt
    }

    /// The 32-byte key. Takes 100 ms and more.
    pub(crate) fn derive(&self, password: &Password) -> Result<SealingKey, BackupError> {
        let no_memory = || BackupError::KeyDerivation {
            memory_kib: self.memory_kib,
        };
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(
            self.memory_kib,
            self.iterations,
            self.parallelism,
            Some(key.len()),
        )
        .map_err(|_| no_memory())?;
        // Taken here rather than by the library, to be wiped: the key can be had from its end.
        let mut memory = Zeroizing::new(Vec::new());
        memory
            .try_reserve_exact(params.block_count())
            .map_err(|_| no_memory())?;
        memory.resize(params.block_count(), Block::new());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                password.expose(), // the key is made from it
                &self.salt,
                key.as_mut_slice(),
                memory.as_mut_slice(),
            )
            .map_err(|_| no_memory())?;
        Ok(SealingKey::from_bytes(key))
    }
}

fn within(
    parameter: &'static str,
    given: u32,
    bounds: &RangeInclusive<u32>,
) -> Result<(), BackupError> {
    if bounds.contains(&given) {
        Ok(())
    } else {
        Err(BackupError::KdfOutOfBounds {
            parameter,
            given,
            lowest: *bounds.start(),
            highest: *bounds.end(),
        })
    }
}
