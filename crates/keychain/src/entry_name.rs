//! The name of a keychain entry.

use core::fmt;
use core::str::FromStr;

/// Longest entry name, in bytes.
pub const NAME_BYTES: usize = 100;

/// The name of an entry: 1 to [`NAME_BYTES`] bytes of `a-z`, `0-9`, `.` and `-`, not beginning with a dot.
///
/// So narrow that it is a file name, a keychain account and a browser storage key alike,
/// on file systems that fold case as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(String);

/// A text that is not an entry name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an entry name of 1 to {NAME_BYTES} bytes of a-z, 0-9, '.' and '-' that does not begin with a dot, got {given:?}"
)]
pub struct InvalidEntryName {
    /// What was given, cut to [`NAME_BYTES`] characters.
    pub given: String,
}

impl EntryName {
    /// Takes `name` if it is one.
    ///
    /// # Errors
    ///
    /// [`InvalidEntryName`] says what a name is.
    pub fn parse(name: &str) -> Result<Self, InvalidEntryName> {
        let fits = (1..=NAME_BYTES).contains(&name.len())
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidEntryName {
                given: name.chars().take(NAME_BYTES).collect(),
            })
        }
    }

    /// The entry of a self-test that drew these eight bytes.
    pub(crate) fn of_probe(prefix: &str, drawn: &[u8]) -> Self {
        Self(format!("{prefix}{}", hex::encode(drawn)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryName {
    type Err = InvalidEntryName;

    fn from_str(name: &str) -> Result<Self, InvalidEntryName> {
        Self::parse(name)
    }
}
