//! The proof that a storage works, before anything depends on it.

use core::fmt;

use portal_seal::SecretBytes;

use super::BackupStorage;
use crate::{BackupError, KeyName};

/// How the keys of self-tests begin.
///
/// A crash during one may leave such a key in a storage; it is random bytes.
pub const PROBE_PREFIX: &str = "self-test.";

/// A step of [`self_test`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTestStep {
    /// Writing a key.
    Write,
    /// Reading it back, equal to what was written.
    ReadBack,
    /// Deleting it.
    Delete,
    /// Reading it again, and finding it absent.
    ReadAbsent,
}

impl fmt::Display for SelfTestStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "write",
            Self::ReadBack => "read back what was written",
            Self::Delete => "delete",
            Self::ReadAbsent => "find the deleted key absent",
        })
    }
}

/// Proves that `storage` writes, reads and deletes, with a key of its own.
///
/// `probe` is 32 fresh random bytes: the first eight name the key, so that self-tests at
/// the same time do not meet, and all of them are the key.
///
/// # Errors
///
/// [`BackupError::SelfTest`] with the step that failed (`BACKUP_STORAGE_UNAVAILABLE`).
pub async fn self_test(
    storage: &(impl BackupStorage + ?Sized),
    probe: &[u8; 32],
) -> Result<(), BackupError> {
    let (drawn, _) = probe.split_at(8);
    let name = KeyName::of_probe(PROBE_PREFIX, drawn);
    let key = SecretBytes::new(probe.to_vec());

    storage
        .write(&name, &key)
        .await
        .map_err(failed_at(SelfTestStep::Write))?;
    let read_back = storage.read(&name).await;
    // Before the answer is judged, so that a failed self-test leaves as little as it can.
    let deleted = storage.delete(&name).await;
    require(
        read_back.map_err(failed_at(SelfTestStep::ReadBack))? == Some(key),
        SelfTestStep::ReadBack,
    )?;
    deleted.map_err(failed_at(SelfTestStep::Delete))?;
    let absent = storage
        .read(&name)
        .await
        .map_err(failed_at(SelfTestStep::ReadAbsent))?;
    require(absent.is_none(), SelfTestStep::ReadAbsent)
}

fn failed_at(step: SelfTestStep) -> impl FnOnce(BackupError) -> BackupError {
    move |source| BackupError::SelfTest {
        step,
        source: Some(Box::new(source)),
    }
}

fn require(holds: bool, step: SelfTestStep) -> Result<(), BackupError> {
    if holds {
        Ok(())
    } else {
        Err(BackupError::SelfTest { step, source: None })
    }
}
