//! Why two shares are not joined.

use portal_backup::KeyName;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Curve, ErrorId};
use portal_mpc::{NotTheKey, ShareError};

/// Why there is no key, and what to do. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The password is another.
    #[error(
        "the cipher text does not open: this is not the password that it was encrypted under (or \
         its salt was changed); capitals and spaces count"
    )]
    WrongPassword,
    /// The key is another.
    #[error(
        "the cipher text does not open: this is not the key that it was encrypted under; it names \
         the key {name}"
    )]
    WrongKey {
        /// The key that it names.
        name: KeyName,
    },
    /// The right password or key, and other bytes.
    #[error(
        "the password or key is right, but the cipher text was cut or changed since it was made, \
         its header included; take another copy of it"
    )]
    Changed,
    /// No share of that client.
    #[error(
        "the cipher text is of client {client_id}, and the file with the custodian's shares has \
         none of that client; export the shares of this client"
    )]
    AnotherClient {
        /// Whose cipher text it is.
        client_id: ClientId,
    },
    /// Shares of the client, but of other backups.
    #[error(
        "the cipher text is of backup pair {pair_id} ({curve}, generation {generation}), and the \
         file has the custodian's shares of generations {there:?} only; export them anew, or take \
         the cipher text of one of these"
    )]
    AnotherBackup {
        /// The curve.
        curve: Curve,
        /// The pair that the cipher text names.
        pair_id: BackupSharePairId,
        /// Its generation.
        generation: u64,
        /// Generations of the shares on that curve that are there.
        there: Vec<u64>,
    },
    /// The bytes of a share are none.
    #[error("the {whose}'s {curve} share cannot be read: {source}")]
    Unreadable {
        /// Whose share it is.
        whose: &'static str,
        /// The curve.
        curve: Curve,
        /// Why.
        source: ShareError,
    },
    /// The share is of another pair than the one it stands for.
    #[error(
        "the {whose}'s {curve} share is of another backup pair than {pair_id}, under which it is \
         kept; it was put in another's place"
    )]
    Misplaced {
        /// Whose share it is.
        whose: &'static str,
        /// The curve.
        curve: Curve,
        /// The pair it stands for.
        pair_id: BackupSharePairId,
    },
    /// The shares do not fit.
    #[error("the {curve} shares are not the two of one key: {source}")]
    DoNotFit {
        /// The curve.
        curve: Curve,
        /// Why.
        source: NotTheKey,
    },
}

impl Fault {
    pub(crate) const fn id(&self) -> ErrorId {
        match self {
            Self::WrongPassword | Self::WrongKey { .. } | Self::Changed => ErrorId::DecryptFailed,
            Self::AnotherClient { .. } | Self::AnotherBackup { .. } => {
                ErrorId::CustodianShareNotFound
            }
            Self::Unreadable { .. } | Self::Misplaced { .. } | Self::DoNotFit { .. } => {
                ErrorId::BackupShareMismatch
            }
        }
    }
}

impl From<Fault> for portal_sdk::Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.id(), fault.to_string())
    }
}
