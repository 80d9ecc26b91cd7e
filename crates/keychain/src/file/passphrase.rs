//! A keychain's key from a passphrase.

use std::path::PathBuf;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use portal_api::Base64Bytes;
use portal_seal::SealingKey;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::directory::Directory;
use super::key_check;
use crate::KeychainError;

const FILE: &str = "passphrase.json";
const FILE_VERSION: u16 = 1;
const FILE_LIMIT_BYTES: usize = 1024;
const SALT_BYTES: usize = 16;

/// What a new keychain takes: "second recommended" of RFC 9106 §4, with one lane.
const NEW: (u32, u32, u32) = (64 * 1024, 3, 1);

/// How a keychain's passphrase becomes its key (RFC 9106 §3.1).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SaltFile {
    version: u16,
    name: KdfName,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: Base64Bytes,
}

#[derive(Serialize, Deserialize)]
enum KdfName {
    #[serde(rename = "argon2id")]
    Argon2id,
}

/// A salt file within bounds: it neither weakens the key nor asks for more than a device has.
struct Parameters {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: [u8; SALT_BYTES],
}

pub(super) fn derive_key(
    passphrase: &str,
    directory: &Directory,
    rng: &mut impl CryptoRng,
) -> Result<SealingKey, KeychainError> {
    if passphrase.is_empty() {
        return Err(KeychainError::PassphraseEmpty);
    }
    let parameters = read_or_make(directory, rng)?;
    parameters
        .derive(&normalise(passphrase))
        .ok_or(KeychainError::KeyDerivation {
            memory_kib: parameters.memory_kib,
        })
}

/// The salt of the directory. Under the exclusive lock, so that two processes that begin
/// at once agree on one.
fn read_or_make(
    directory: &Directory,
    rng: &mut impl CryptoRng,
) -> Result<Parameters, KeychainError> {
    let unusable = |source| directory.unusable(source);
    let lock = directory.lock_exclusively().map_err(unusable)?;
    if let Some(json) = directory.read(FILE, FILE_LIMIT_BYTES).map_err(unusable)? {
        return Parameters::parse(&json).map_err(|problem| KeychainError::SaltFileUnsupported {
            path: path(directory),
            problem,
        });
    }
    if key_check::is_there(directory)? {
        return Err(KeychainError::SaltFileMissing {
            path: path(directory),
        });
    }
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    let (memory_kib, iterations, parallelism) = NEW;
    let parameters = Parameters {
        memory_kib,
        iterations,
        parallelism,
        salt,
    };
    let json = parameters
        .to_json()
        .map_err(|source| unusable(source.into()))?;
    directory
        .replace_under(&lock, FILE, &json)
        .map_err(unusable)?;
    Ok(parameters)
}

fn path(directory: &Directory) -> PathBuf {
    directory.path().join(FILE)
}

impl Parameters {
    fn parse(json: &[u8]) -> Result<Self, &'static str> {
        if json.len() > FILE_LIMIT_BYTES {
            return Err("expected at most 1024 bytes");
        }
        let file: SaltFile = serde_json::from_slice(json)
            .map_err(|_| "expected JSON with version, name argon2id, memoryKib, iterations, parallelism and salt")?;
        if file.version != FILE_VERSION {
            return Err("expected version 1");
        }
        if !(64 * 1024..=256 * 1024).contains(&file.memory_kib) {
            return Err("expected memoryKib of 65536 to 262144");
        }
        if !(3..=10).contains(&file.iterations) {
            return Err("expected 3 to 10 iterations");
        }
        if !(1..=4).contains(&file.parallelism) {
            return Err("expected a parallelism of 1 to 4");
        }
        Ok(Self {
            memory_kib: file.memory_kib,
            iterations: file.iterations,
            parallelism: file.parallelism,
            salt: file.salt.to_array().ok_or("expected a salt of 16 bytes")?,
        })
    }

    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&SaltFile {
            version: FILE_VERSION,
            name: KdfName::Argon2id,
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
            salt: self.salt.to_vec().into(),
        })
    }

    /// `None` for want of memory: the parameters are within Argon2's own bounds.
    fn derive(&self, passphrase: &str) -> Option<SealingKey> {
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(
            self.memory_kib,
            self.iterations,
            self.parallelism,
            Some(key.len()),
        )
        .ok()?;
        // Taken here rather than by the library, to be wiped: the key can be had from its end.
        let mut memory = Zeroizing::new(Vec::new());
        memory.try_reserve_exact(params.block_count()).ok()?;
        memory.resize(params.block_count(), Block::new());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.as_bytes(),
                &self.salt,
                key.as_mut_slice(),
                memory.as_mut_slice(),
            )
            .ok()?;
        Some(SealingKey::from_bytes(key))
    }
}

/// Unicode normalisation form C (UAX #15), so that a passphrase does not depend on how a
/// keyboard or terminal composes its letters.
fn normalise(passphrase: &str) -> Zeroizing<String> {
    // Form C is at most three times as long in UTF-8 (UAX #15 §9): the text never moves in
    // memory, leaving a copy behind.
    let mut normalised = Zeroizing::new(String::with_capacity(passphrase.len().saturating_mul(3)));
    if passphrase.is_ascii() {
        normalised.push_str(passphrase);
    } else {
        normalised.extend(passphrase.nfc());
    }
    normalised
}
