//! Why a wallet does not change.

use crate::ids::{DeviceId, OperationId, SigningSharePairId};
use crate::{BackupStatus, ErrorId, Generation, OperationKind, PerCurve, SigningStatus, Timestamp};

/// An event that the rules refuse. The wallet is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// E1: another device works on the wallet.
    #[error(
        "device {device_id} holds this wallet for {kind} {operation_id} until {expires_at}; \
         wait for it to finish, or try again after that"
    )]
    LeaseHeld {
        /// Who holds the lease.
        device_id: DeviceId,
        /// For which operation.
        operation_id: OperationId,
        /// What it does.
        kind: OperationKind,
        /// Until when.
        expires_at: Timestamp,
    },
    /// E1: the operation id already made something else.
    #[error("operation id {operation_id} already ran a {ran}; use a new id for another operation")]
    OperationIdReused {
        /// The id.
        operation_id: OperationId,
        /// What it ran.
        ran: OperationKind,
    },
    /// E2, E14: another operation took over since.
    #[error("this {what} was taken over by a newer operation; start it again")]
    Fenced {
        /// What was to be committed.
        what: &'static str,
    },
    /// Generate on a client that has a wallet.
    #[error("this client already has a wallet; use it, recover it, or refresh it")]
    WalletAlreadyExists,
    /// An operation that needs a wallet, on a client that has none.
    #[error("this client has no wallet that both sides hold; create one first")]
    WalletNotFound,
    /// E19: nothing to recover from.
    #[error(
        "no backup of this wallet was ever completed; only the device that holds the signing share can make one"
    )]
    BackupNotComplete,
    /// E2, E19: the backup that was named is not the one in force.
    #[error("this is not the backup in force; fetch the cipher text of the newest completed one")]
    BackupNotActive,
    /// E2, E14: a pair of this id exists.
    #[error("a pair of this id exists already; nothing was stored")]
    PairIdTaken,
    /// The pair is not one of this wallet's.
    #[error("this wallet has no such pair; read its pairs and use one of those")]
    PairNotFound,
    /// E6: the pair was overtaken; `active` names the one in force.
    #[error(
        "this share belongs to generation {} and the wallet is at generation {}, with the signing pairs \
         {} and {}; recover the wallet on this device",
        .given.0, .active_generation.0, .active.secp256k1, .active.ed25519
    )]
    SigningSuperseded {
        /// Generation of the pair that was named.
        given: Generation,
        /// The pair in force.
        active: PerCurve<SigningSharePairId>,
        /// Its generation.
        active_generation: Generation,
    },
    /// E11: the pair is not confirmed yet.
    #[error("this pair is {status}, not STORED_CLIENT; confirm it, then sign")]
    SigningNotActive {
        /// What it is.
        status: SigningStatus,
    },
    /// E12, E13: the pair never signs again.
    #[error(
        "this pair was frozen after its client cheated in a signing session; recover or refresh the wallet"
    )]
    SigningFrozen,
    /// E20: an older copy of the database was put in its place since this pair proved itself.
    #[error(
        "the server was restored from an older copy; prove that this device holds its share by \
         confirming the pair again, then go on"
    )]
    PossessionUnproved,
    /// E20: the proof was made for another epoch.
    #[error(
        "this proof is for epoch {given} of the server, and it is at epoch {current}; read the \
         state and prove possession again"
    )]
    EpochPassed {
        /// The epoch of the proof.
        given: u64,
        /// The epoch of the database.
        current: u64,
    },
    /// E2: the new pair shares another key than the wallet's.
    #[error("the new pair shares another public key than the wallet's; nothing was stored")]
    KeyChanged,
    /// E17: the custodian has not acknowledged its share.
    #[error("the custodian has not acknowledged its share of this backup yet; try again shortly")]
    BackupAwaitsCustodian,
    /// E17: the method keeps a key in the user's storage, and that is not known to be there.
    #[error(
        "this backup's encryption key is not known to be in the user's storage; store it and say \
         STORED_CLIENT_BACKUP_SHARE_KEY first"
    )]
    BackupKeyNotStored,
    /// E17: no digest was given.
    #[error("expected cipherTextDigest, the SHA-256 of the cipher text that was stored; got none")]
    CipherTextDigestMissing,
    /// E17: the pair was completed with another cipher text.
    #[error("this backup was completed with a cipher text of another digest; make a new backup")]
    CipherTextDigestDiffers,
    /// The user has taken the key out.
    #[error("the private key of this wallet was taken out; use the ejected key")]
    Ejected,
    /// The custodian allows nobody to take the key out now.
    #[error(
        "the custodian has not enabled eject for this wallet, or that window is over; ask the app \
         to enable it"
    )]
    EjectNotEnabled,
    /// A window that is too short or too long.
    #[error("expected an ejectableUntil from {min_ms} ms to {max_ms} ms ahead")]
    EjectWindow {
        /// The least.
        min_ms: u64,
        /// The most.
        max_ms: u64,
    },
    /// E17: the pair was overtaken or given up.
    #[error("this backup is {status} and can no longer be completed; make a new backup")]
    BackupSuperseded {
        /// What it is.
        status: BackupStatus,
    },
}

impl Refusal {
    /// The error that a caller sees.
    #[must_use]
    pub const fn id(&self) -> ErrorId {
        match self {
            Self::LeaseHeld { .. } | Self::BackupAwaitsCustodian | Self::Fenced { .. } => {
                ErrorId::OperationInProgress
            }
            Self::OperationIdReused { .. } => ErrorId::IdempotentRequestMismatch,
            Self::WalletAlreadyExists => ErrorId::WalletAlreadyExists,
            Self::WalletNotFound => ErrorId::WalletNotFound,
            Self::BackupNotComplete => ErrorId::BackupNotComplete,
            Self::PairNotFound => ErrorId::NotFound,
            Self::SigningSuperseded { .. } => ErrorId::SigningShareSuperseded,
            Self::SigningNotActive { .. } | Self::PossessionUnproved | Self::EpochPassed { .. } => {
                ErrorId::StateInvalid
            }
            Self::SigningFrozen => ErrorId::SigningShareFrozen,
            Self::KeyChanged => ErrorId::ReshareFailed,
            Self::CipherTextDigestMissing | Self::EjectWindow { .. } => ErrorId::BadRequest,
            Self::Ejected => ErrorId::WalletEjected,
            Self::EjectNotEnabled => ErrorId::EjectNotEnabled,
            Self::PairIdTaken => ErrorId::InternalError,
            Self::BackupNotActive
            | Self::CipherTextDigestDiffers
            | Self::BackupSuperseded { .. } => ErrorId::BackupShareMismatch,
            Self::BackupKeyNotStored => ErrorId::StateInvalid,
        }
    }

    /// The HTTP status, where it is not the one of [`id`](Self::id).
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            // 425 Too Early (RFC 8470 §5.2): the same request will do, later.
            Self::BackupAwaitsCustodian => 425,
            Self::OperationIdReused { .. } => 409,
            other => other.id().http_status(),
        }
    }
}
