//! The name of a stored key.

use core::fmt;
use core::str::FromStr;

use portal_lifecycle::PerCurve;
use portal_lifecycle::ids::BackupSharePairId;

/// Longest key name, in bytes.
pub const NAME_BYTES: usize = 100;

/// The name of a key in a user's storage: 1 to [`NAME_BYTES`] bytes of `a-z`, `0-9`, `.` and `-`, not beginning with a dot.
///
/// So narrow that it is a file name on every drive and an object name in every bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A text that is not a key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a key name of 1 to {NAME_BYTES} bytes of a-z, 0-9, '.' and '-' that does not begin with a dot, got {given:?}"
)]
pub struct InvalidKeyName {
    /// What was given, cut to [`NAME_BYTES`] characters.
    pub given: String,
}

impl KeyName {
    /// Takes `name` if it is one.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyName`] says what a name is.
    pub fn parse(name: &str) -> Result<Self, InvalidKeyName> {
        let fits = (1..=NAME_BYTES).contains(&name.len())
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidKeyName {
                given: name.chars().take(NAME_BYTES).collect(),
            })
        }
    }

    /// The name of the key of one backup, new for each.
    ///
    /// The key of the backup in force is never in the way of the next one's, so an
    /// interrupted backup leaves the former one whole (P2).
    #[must_use]
    pub fn of_backup(pair_ids: &PerCurve<BackupSharePairId>) -> Self {
        Self(format!("portal-backup.{}", pair_ids.secp256k1))
    }

    /// The name of a self-test's key that drew these eight bytes.
    pub(crate) fn of_probe(prefix: &str, drawn: &[u8]) -> Self {
        Self(format!("{prefix}{}", hex::encode(drawn)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = InvalidKeyName;

    fn from_str(name: &str) -> Result<Self, InvalidKeyName> {
        Self::parse(name)
    }
}
