//! The proof that a keychain works, before anything depends on it.

use core::fmt;

use portal_seal::SecretBytes;

use crate::{EntryName, Keychain, KeychainError};

/// How the entries of self-tests begin.
///
/// A crash during one may leave such an entry in a keychain; it holds random bytes.
pub const PROBE_PREFIX: &str = "self-test.";

/// A step of [`self_test`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTestStep {
    /// Writing an entry.
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
            Self::ReadAbsent => "find the deleted entry absent",
        })
    }
}

/// Proves that `keychain` writes, reads and deletes, with an entry of its own.
///
/// `probe` is 32 fresh random bytes: the first eight name the entry, so that self-tests at
/// the same time do not meet, and all of them are its content.
///
/// # Errors
///
/// [`KeychainError::SelfTest`] with the step that failed (`KEYCHAIN_UNAVAILABLE`).
pub async fn self_test(
    keychain: &(impl Keychain + ?Sized),
    probe: &[u8; 32],
) -> Result<(), KeychainError> {
    let (drawn, _) = probe.split_at(8);
    let entry = EntryName::of_probe(PROBE_PREFIX, drawn);
    let secret = SecretBytes::new(probe.to_vec());

    keychain
        .write(&entry, &secret)
        .await
        .map_err(failed_at(SelfTestStep::Write))?;
    let read_back = keychain.read(&entry).await;
    // Before the answer is judged, so that a failed self-test leaves as little as it can.
    let deleted = keychain.delete(&entry).await;
    require(
        read_back.map_err(failed_at(SelfTestStep::ReadBack))? == Some(secret),
        SelfTestStep::ReadBack,
    )?;
    deleted.map_err(failed_at(SelfTestStep::Delete))?;
    let absent = keychain
        .read(&entry)
        .await
        .map_err(failed_at(SelfTestStep::ReadAbsent))?;
    require(absent.is_none(), SelfTestStep::ReadAbsent)
}

fn failed_at(step: SelfTestStep) -> impl FnOnce(KeychainError) -> KeychainError {
    move |source| KeychainError::SelfTest {
        step,
        source: Some(Box::new(source)),
    }
}

fn require(holds: bool, step: SelfTestStep) -> Result<(), KeychainError> {
    if holds {
        Ok(())
    } else {
        Err(KeychainError::SelfTest { step, source: None })
    }
}
