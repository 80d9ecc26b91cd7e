//! What can happen to a wallet, and what follows from it.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{BackupSharePairId, DeviceId, OperationId, SigningSharePairId};
use crate::{
    BackupMethod, BackupMode, CipherTextDigest, Curve, Fence, Generation, PerCurve, PublicPoints,
    Timestamp, Wallet,
};

/// The operations that make a pair, and so take the wallet's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationKind {
    /// A new key: a first signing pair.
    Generate,
    /// The active signing pair reshared to a new backup pair.
    Backup,
    /// The active backup pair reshared to a new signing pair.
    Recover,
    /// The active signing pair reshared to a new signing pair.
    Refresh,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Generate, Self::Backup, Self::Recover, Self::Refresh];

    /// The name on the wire and at rest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Backup => "backup",
            Self::Recover => "recover",
            Self::Refresh => "refresh",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an operation makes, and from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A new key.
    Generate,
    /// A backup pair.
    Backup {
        /// The signing pair that the device holds.
        source: PerCurve<SigningSharePairId>,
        /// How the client will encrypt its share.
        method: BackupMethod,
        /// Who will hold the custodian's share.
        mode: BackupMode,
    },
    /// A signing pair.
    Recover {
        /// The backup pair whose cipher text was decrypted.
        source: PerCurve<BackupSharePairId>,
    },
    /// A signing pair.
    Refresh {
        /// The signing pair that the device holds.
        source: PerCurve<SigningSharePairId>,
    },
}

impl Plan {
    /// The kind of operation.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::Generate => OperationKind::Generate,
            Self::Backup { .. } => OperationKind::Backup,
            Self::Recover { .. } => OperationKind::Recover,
            Self::Refresh { .. } => OperationKind::Refresh,
        }
    }
}

/// Somebody asks to begin an operation (E1, E19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The caller's id for this run; the same id again finds what it made.
    pub operation_id: OperationId,
    /// The device that asks.
    pub device_id: DeviceId,
    /// What it wants to do.
    pub plan: Plan,
    /// How long it may take before others may take over; 15 minutes at most.
    pub lease_ms: u64,
}

/// The MPC session of a Generate, Recover or Refresh has ended well (E2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCommit {
    /// The fence under which the session ran.
    pub fence: Fence,
    /// The new pair's ids.
    pub ids: PerCurve<SigningSharePairId>,
    /// The new pair's public points.
    pub points: PerCurve<PublicPoints>,
    /// What it was made from.
    pub plan: Plan,
}

/// The MPC session of a Backup has ended well (E14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupCommit {
    /// The fence under which the session ran.
    pub fence: Fence,
    /// The new pair's ids.
    pub ids: PerCurve<BackupSharePairId>,
    /// The new pair's public points.
    pub points: PerCurve<PublicPoints>,
    /// The signing pair it was made from.
    pub source: PerCurve<SigningSharePairId>,
    /// How the client will encrypt its share.
    pub method: BackupMethod,
    /// Who holds the custodian's share, and who sees it on its way.
    pub mode: BackupMode,
}

/// What can happen to a wallet.
///
/// An event states facts that its maker has checked: that a transcript agreed,
/// that a proof of possession verified, that a receipt was right. Whether the
/// wallet may change is decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// E1, E19: an operation wants the lease.
    Start(Start),
    /// An operation ended without a commit.
    End {
        /// The fence it held.
        fence: Fence,
    },
    /// E2: the server has a new signing share to store.
    CommitSigning(SigningCommit),
    /// E4–E6, E20: the client has stored its share and proved that it holds it.
    ConfirmSigning {
        /// The pair.
        ids: PerCurve<SigningSharePairId>,
        /// Number of the epoch that the proof was made for.
        epoch: u64,
    },
    /// E11: the client asks for a signature.
    Sign {
        /// The curve to sign on.
        curve: Curve,
        /// The pair the client holds on that curve.
        pair: SigningSharePairId,
    },
    /// E12: the client provably cheated while signing with this pair.
    Strike {
        /// The curve it signed on.
        curve: Curve,
        /// The pair.
        pair: SigningSharePairId,
    },
    /// E14: the server has a custodian share to deliver.
    CommitBackup(BackupCommit),
    /// E15: the custodian holds its share of both curves; receipt and fetch-back agreed.
    CustodianAcknowledged {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
    },
    /// E16: the encryption key is in the user's storage.
    ClientKeyStored {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
    },
    /// E17: the cipher text is stored.
    ConfirmBackup {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
        /// Digest of what was stored; required.
        cipher_text_digest: Option<CipherTextDigest>,
    },
    /// Client and custodian proved that this backup would recover the wallet.
    ProveBackup {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
        /// Digest of the cipher text that the client opened.
        cipher_text_digest: CipherTextDigest,
    },
    /// E9, E10, E18: what has been of no use for long enough is given up.
    Collect,
    /// The custodian lets the user take the key out, for a while.
    EnableEject {
        /// Until then; from one minute to seven days ahead.
        until: Timestamp,
    },
    /// The custodian closes that window before its end.
    DisableEject,
    /// Somebody asks for the custodian's share of the backup in force, to take the key out.
    ReleaseBackupShare,
    /// The user holds the whole key of both curves, durably, and has proved it.
    Eject {
        /// End of the window that the proofs were made for.
        until: Timestamp,
    },
}

/// What became of a pair that is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// E9: a signing pair that was never confirmed.
    AbandonedSigning(PerCurve<SigningSharePairId>),
    /// E10: a signing pair whose share is erased.
    PurgedSigning(PerCurve<SigningSharePairId>),
    /// E18: a backup pair that can no longer be completed.
    AbandonedBackup(PerCurve<BackupSharePairId>),
    /// E18: a backup pair that was overtaken long ago.
    PurgedBackup(PerCurve<BackupSharePairId>),
}

impl Garbage {
    /// The backup pair that the outbox forgets, and whether the custodian is told. It is told of a
    /// purged pair only: one that was abandoned may still be waiting in an older copy of the
    /// database, and be completed if that is put back.
    #[must_use]
    pub const fn backup(&self) -> Option<(PerCurve<BackupSharePairId>, bool)> {
        match self {
            Self::AbandonedBackup(ids) => Some((*ids, false)),
            Self::PurgedBackup(ids) => Some((*ids, true)),
            Self::AbandonedSigning(_) | Self::PurgedSigning(_) => None,
        }
    }
}

/// What the holder of a fresh lease works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTaken {
    /// Shown again at the commit.
    pub fence: Fence,
    /// Generation of the pair to be made.
    pub generation: Generation,
}

/// A pair that the same operation id made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlreadyMade {
    /// A signing pair.
    Signing(PerCurve<SigningSharePairId>),
    /// A backup pair.
    Backup(PerCurve<BackupSharePairId>),
}

/// What the shell has to do besides storing the new state, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing; the state may be unchanged.
    None,
    /// Run the operation's MPC session under this fence.
    LeaseTaken(LeaseTaken),
    /// Answer with what the operation made before; run nothing.
    AlreadyMade(AlreadyMade),
    /// Store the server's sealed signing share; only then let the last message go.
    StoreSigningShare(PerCurve<SigningSharePairId>),
    /// Put the sealed custodian share into the outbox; only then let the last message go.
    EnqueueCustodianShare(PerCurve<BackupSharePairId>),
    /// Erase the custodian share from the outbox.
    EraseOutbox(PerCurve<BackupSharePairId>),
    /// Write the audit record; only then let the signature share go.
    AuditSignature,
    /// Make the freeze durable; only then answer anybody.
    Freeze,
    /// E14, managed mode: store the sealed custodian share until its pair is purged; only then let
    /// the last message go.
    StoreCustodianShare(PerCurve<BackupSharePairId>),
    /// Write the audit record; only then give the custodian's share out.
    ReleaseBackupShare,
    /// Erase the shares of purged signing pairs, take the backup pairs out of the outbox, and tell
    /// the custodian of each purged one, by its id and no other; of a managed one, erase both halves
    /// instead. Empty where nothing changed.
    Collect(Vec<Garbage>),
}

/// A wallet's next state, and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The state to store.
    pub wallet: Wallet,
    /// What must happen in the same transaction.
    pub effect: Effect,
}
