//! Which keys a database is under.
//!
//! A check is a secret without content, sealed when a KMS was first used. Where it does not open, the
//! key is another one: what it sealed would be of no use to the servers that have the first.

use core::fmt;

/// One of the two KMS of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KmsRole {
    /// Wraps all but the custodian's shares of managed backups.
    Main,
    /// Wraps the custodian's shares of managed backups.
    ManagedBackups,
}

impl KmsRole {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::ManagedBackups];

    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "MAIN",
            Self::ManagedBackups => "MANAGED_BACKUPS",
        }
    }
}

/// What it wraps.
impl fmt::Display for KmsRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "secrets",
            Self::ManagedBackups => "managed backups",
        })
    }
}
