//! A sealing key in the user's storage.
//!
//! `portal-backup-key-v1.<64 hexadecimal digits>`: a user who finds it can tell what it is.

use portal_seal::{SealingKey, SecretBytes};
use zeroize::Zeroizing;

use super::BackupStorage;
use crate::{BackupError, KeyName};

const PREFIX: &[u8] = b"portal-backup-key-v1.";

/// Writes `key` as `name`, reads it back and compares (E16).
///
/// `name` is new for each backup ([`KeyName::of_backup`]); the same key again is no error.
///
/// # Errors
///
/// [`BackupError`] with the id `BACKUP_STORAGE_UNAVAILABLE`: the storage failed, gave back
/// something else, or holds another key as `name`, which is then left alone.
pub async fn keep_key(
    storage: &(impl BackupStorage + ?Sized),
    name: &KeyName,
    key: &SealingKey,
) -> Result<(), BackupError> {
    let written = encode(key);
    match storage.read(name).await? {
        Some(there) if there != written => {
            return Err(BackupError::KeyNameTaken { name: name.clone() });
        }
        // Written again even if it is there: whoever wrote it may not have got as far as durable.
        _ => storage.write(name, &written).await?,
    }
    if storage.read(name).await? == Some(written) {
        Ok(())
    } else {
        Err(BackupError::ReadBackDiffers { name: name.clone() })
    }
}

/// The key that [`keep_key`] wrote as `name`.
///
/// # Errors
///
/// [`BackupError::KeyNotFound`] (`BACKUP_KEY_NOT_FOUND`) if the storage certainly has none,
/// [`BackupError::StoredKeyMalformed`] (`DECRYPT_FAILED`) if it is not one, or
/// `BACKUP_STORAGE_UNAVAILABLE`.
pub async fn fetch_key(
    storage: &(impl BackupStorage + ?Sized),
    name: &KeyName,
) -> Result<SealingKey, BackupError> {
    let stored = storage
        .read(name)
        .await?
        .ok_or_else(|| BackupError::KeyNotFound { name: name.clone() })?;
    parse_key(&stored, name)
}

/// The key in what [`keep_key`] wrote as `name`, for who has it from elsewhere than a storage.
///
/// # Errors
///
/// [`BackupError::StoredKeyMalformed`] (`DECRYPT_FAILED`) if it is not one.
pub fn parse_key(stored: &SecretBytes, name: &KeyName) -> Result<SealingKey, BackupError> {
    decode(stored).ok_or_else(|| BackupError::StoredKeyMalformed { name: name.clone() })
}

fn encode(key: &SealingKey) -> SecretBytes {
    let digits = Zeroizing::new(hex::encode(key.expose())); // to be stored
    SecretBytes::new([PREFIX, digits.as_bytes()].concat())
}

fn decode(stored: &SecretBytes) -> Option<SealingKey> {
    let digits = stored.expose().strip_prefix(PREFIX)?; // to be used as a key
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, key.as_mut_slice()).ok()?;
    Some(SealingKey::from_bytes(key))
}
