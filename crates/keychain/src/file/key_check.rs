//! By what a keychain recognises its key, and its directory.
//!
//! Without it a mistyped passphrase would write shares that the right one cannot read, and
//! a directory that is not mounted would look like one that holds no share.

use portal_seal::{OVERHEAD_BYTES, OpenError, SealingKey, open, seal};
use rand_core::CryptoRng;

use super::directory::{Directory, Lock};
use super::{list_entries, read_entry};
use crate::KeychainError;

/// Nothing, sealed for [`TAG`].
const FILE: &str = "key-check";

const TAG: &[u8] = b"portal keychain key check v1";

/// Accepts `key` if it is the directory's, or makes it so if the directory has none.
pub(super) fn recognise(
    directory: &Directory,
    lock: &Lock,
    key: &SealingKey,
    rng: &mut impl CryptoRng,
) -> Result<(), KeychainError> {
    let unusable = |source| directory.unusable(source);
    match directory.read(FILE, OVERHEAD_BYTES).map_err(unusable)? {
        Some(sealed) => open(key, TAG, &sealed).map(|_| ()).map_err(|source| {
            if source == OpenError::WrongKey {
                wrong_key(directory)
            } else {
                KeychainError::KeyCheckDamaged {
                    path: directory.path().join(FILE),
                    source,
                }
            }
        }),
        None => {
            require_that_it_opens_an_entry(directory, key)?;
            directory
                .replace_under(lock, FILE, &seal(key, TAG, &[], rng))
                .map_err(unusable)
        }
    }
}

/// The check was removed, or restored without: entries that are there must not be orphaned.
fn require_that_it_opens_an_entry(
    directory: &Directory,
    key: &SealingKey,
) -> Result<(), KeychainError> {
    let entries = list_entries(directory)?;
    let opens = |entry| matches!(read_entry(directory, key, entry), Ok(Some(_)));
    if entries.is_empty() || entries.iter().any(opens) {
        Ok(())
    } else {
        Err(wrong_key(directory))
    }
}

/// Whether the directory was made a keychain already.
pub(super) fn is_there(directory: &Directory) -> Result<bool, KeychainError> {
    directory
        .path()
        .join(FILE)
        .try_exists()
        .map_err(|source| directory.unusable(source))
}

/// Refuses to take a directory that is not the opened keychain (any more) for an empty one.
pub(super) fn require(directory: &Directory) -> Result<(), KeychainError> {
    if is_there(directory)? {
        Ok(())
    } else {
        Err(directory.unusable(std::io::ErrorKind::NotFound.into()))
    }
}

fn wrong_key(directory: &Directory) -> KeychainError {
    KeychainError::WrongKey {
        directory: directory.path().to_owned(),
    }
}
