//! Statuses and backup methods. The names in capitals are wire values.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! wire_names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $wire:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire and at rest.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// The value of that name, if there is one.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        // By hand: a derive does not see the names on the wire, which come through a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_names! {
    /// How far a signing pair has come.
    SigningStatus {
        /// The server's share is durable; the client's is not known to be.
        StoredDatabase = "STORED_DATABASE",
        /// Both shares are durable. The newest such pair is the active one.
        StoredClient = "STORED_CLIENT",
        /// A newer pair has become active.
        Superseded = "SUPERSEDED",
        /// The peer was caught cheating; this pair never signs again (E12).
        Frozen = "FROZEN",
        /// Never confirmed, and given up (E9).
        Abandoned = "ABANDONED",
        /// Its share is erased (E10).
        Purged = "PURGED",
    }
}

wire_names! {
    /// How far a backup pair has come.
    BackupStatus {
        /// Made; the custodian has not yet acknowledged its share.
        Pending = "PENDING",
        /// The custodian holds its share: delivered and fetched back.
        StoredCustodianBackupShare = "STORED_CUSTODIAN_BACKUP_SHARE",
        /// The encryption key is in the user's own storage.
        StoredClientBackupShareKey = "STORED_CLIENT_BACKUP_SHARE_KEY",
        /// The cipher text is stored as well. The newest such pair is the active one.
        StoredClientBackupShare = "STORED_CLIENT_BACKUP_SHARE",
        /// A newer pair has become active.
        Superseded = "SUPERSEDED",
        /// Never completed, and given up.
        Abandoned = "ABANDONED",
        /// Its share is erased.
        Purged = "PURGED",
    }
}

wire_names! {
    /// How the client's backup share is encrypted, and where its key lies.
    BackupMethod {
        /// A key derived from a password that the user keeps in mind.
        Password = "PASSWORD",
        /// A key released by a passkey.
        Passkey = "PASSKEY",
        /// A random key in the user's Google Drive.
        GDrive = "GDRIVE",
        /// A random key in the user's iCloud.
        ICloud = "ICLOUD",
        /// A random key in a storage of the app's own choice.
        Custom = "CUSTOM",
        /// A method that the caller did not name.
        Unknown = "UNKNOWN",
    }
}

wire_names! {
    /// Who holds the custodian's share of a backup pair, and who sees it on its way.
    BackupMode {
        /// The customer's backend; the server makes the share and hands it over.
        Plain = "PLAIN",
        /// The customer's backend, which alone can form the share (HPKE).
        Sealed = "SEALED",
        /// The server itself.
        Managed = "MANAGED",
    }
}

wire_names! {
    /// What a status comes to, in one word.
    Completion {
        /// The shares of both sides are stored, and the pair is the one in force.
        Completed = "completed",
        /// It is not there yet, or of the past.
        Incomplete = "incomplete",
    }
}

impl SigningStatus {
    /// A frozen pair is in force until another one takes its place, though it signs no more.
    #[must_use]
    pub const fn completion(self) -> Completion {
        match self {
            Self::StoredClient | Self::Frozen => Completion::Completed,
            Self::StoredDatabase | Self::Superseded | Self::Abandoned | Self::Purged => {
                Completion::Incomplete
            }
        }
    }
}

impl BackupStatus {
    /// Whether the wallet can be recovered from the pair.
    #[must_use]
    pub const fn completion(self) -> Completion {
        match self {
            Self::StoredClientBackupShare => Completion::Completed,
            Self::Pending
            | Self::StoredCustodianBackupShare
            | Self::StoredClientBackupShareKey
            | Self::Superseded
            | Self::Abandoned
            | Self::Purged => Completion::Incomplete,
        }
    }

    /// Whether the pair's parts are on their way to completion, in that order.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::StoredCustodianBackupShare | Self::StoredClientBackupShareKey
        )
    }
}

impl BackupMethod {
    /// Whether the encryption key lies in a storage of the user's, rather than in a mind.
    #[must_use]
    pub const fn keeps_a_key(self) -> bool {
        match self {
            Self::Passkey | Self::GDrive | Self::ICloud | Self::Custom => true,
            Self::Password | Self::Unknown => false,
        }
    }
}

/// A backup method that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected PASSWORD, PASSKEY, GDRIVE, ICLOUD or CUSTOM, got {given:?}")]
pub struct UnknownBackupMethod {
    /// What was given.
    pub given: String,
}

/// A backup mode that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected PLAIN, SEALED or MANAGED, got {given:?}")]
pub struct UnknownBackupMode {
    /// What was given.
    pub given: String,
}

impl FromStr for BackupMode {
    type Err = UnknownBackupMode;

    /// Takes the name in capitals or not.
    fn from_str(name: &str) -> Result<Self, UnknownBackupMode> {
        Self::from_wire(&name.to_ascii_uppercase()).ok_or_else(|| UnknownBackupMode {
            given: name.to_owned(),
        })
    }
}

impl FromStr for BackupMethod {
    type Err = UnknownBackupMethod;

    fn from_str(name: &str) -> Result<Self, UnknownBackupMethod> {
        Self::from_wire(name).ok_or_else(|| UnknownBackupMethod {
            given: name.to_owned(),
        })
    }
}
