//! The state of one wallet: its pairs, who works on it, and how far it has come.

use core::fmt;

use crate::ids::{BackupSharePairId, DeviceId, OperationId, SigningSharePairId, WalletId};
use crate::{
    BackupMethod, BackupMode, BackupStatus, Completion, Curve, OperationKind, PerCurve,
    SigningStatus, Timestamp,
};

/// Orders the pairs of one wallet; only ever grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// Orders the holders of one wallet's lease: a commit under an older fence is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// A life of the database: it ends when an older copy of the database is put in its place (E20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Grows with each of those restores.
    pub number: u64,
    /// When it began; nothing that the rules let age counts from before.
    pub began_at: Timestamp,
}

/// Generations and fences of one epoch: more than a wallet could use up.
const COUNTS_PER_EPOCH: u64 = 1_000_000;

impl Epoch {
    /// The epoch of a database that was never put back.
    pub const FIRST: Self = Self {
        number: 0,
        began_at: Timestamp::from_ms(0),
    };

    /// The number of an epoch that begins at `now`: the seconds since 1970. Two copies of one
    /// database that are put back one after the other do not begin the same epoch twice.
    #[must_use]
    pub const fn number_at(now: Timestamp) -> u64 {
        now.as_ms() / 1_000
    }

    /// Every generation and fence of this epoch is larger, and none of an earlier one is: what
    /// was handed out between the copy and the restore is never handed out again.
    pub(crate) const fn floor(self) -> u64 {
        self.number.saturating_mul(COUNTS_PER_EPOCH)
    }
}

/// A compressed point: 33 bytes (SEC 1) on secp256k1, 32 bytes (RFC 8032) on Ed25519.
///
/// Public. This crate only compares points; whoever makes one has checked it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Point(pub Vec<u8>);

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The public side of one sharing: `key = client + server`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicPoints {
    /// Q, the public key.
    pub key: Point,
    /// The client's share times the generator.
    pub client: Point,
    /// The other share (server's or custodian's) times the generator.
    pub server: Point,
}

/// SHA-256 of a cipher text as the app stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CipherTextDigest(pub [u8; 32]);

/// The right to change a wallet, held by one device for one operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The operation it was taken for.
    pub operation_id: OperationId,
    /// What that operation does.
    pub kind: OperationKind,
    /// Who holds it.
    pub device_id: DeviceId,
    /// The fence its commit must show.
    pub fence: Fence,
    /// The generation of the pair that it makes.
    pub generation: Generation,
    /// From then on anybody may take it over.
    pub expires_at: Timestamp,
}

/// A signing pair of both curves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SigningPair {
    /// Its id on each curve.
    pub ids: PerCurve<SigningSharePairId>,
    /// Its place in the order of this wallet's pairs.
    pub generation: Generation,
    /// How far it has come.
    pub status: SigningStatus,
    /// Its public points on each curve.
    pub points: PerCurve<PublicPoints>,
    /// The operation that made it.
    pub operation_id: OperationId,
    /// What that operation was: Generate, Recover or Refresh.
    pub made_by: OperationKind,
    /// Generation of the pair that it was made from; none of a Generate, or where that was not
    /// noted.
    pub source: Option<Generation>,
    /// When the server committed it.
    pub created_at: Timestamp,
    /// Since when it has its status.
    pub status_since: Timestamp,
    /// When its client last signed with it, or proved that it holds its share, since the pair
    /// became active; to the day.
    pub proved_at: Option<Timestamp>,
}

/// A backup pair of both curves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupPair {
    /// Its id on each curve.
    pub ids: PerCurve<BackupSharePairId>,
    /// Its place in the order of this wallet's pairs.
    pub generation: Generation,
    /// How far it has come.
    pub status: BackupStatus,
    /// How the client's share is encrypted.
    pub method: BackupMethod,
    /// Who holds the custodian's share; a recovery goes by the mode that the pair was made in.
    pub mode: BackupMode,
    /// Its public points on each curve; `server` is the custodian's.
    pub points: PerCurve<PublicPoints>,
    /// Digest of the cipher text that completed it.
    pub cipher_text_digest: Option<CipherTextDigest>,
    /// The operation that made it.
    pub operation_id: OperationId,
    /// Generation of the signing pair that it was made from; none where that was not noted.
    pub source: Option<Generation>,
    /// When the server committed it.
    pub created_at: Timestamp,
    /// Since when it has its status.
    pub status_since: Timestamp,
    /// When both sides last proved that it would recover the wallet.
    pub proved_at: Option<Timestamp>,
}

impl SigningPair {
    /// Takes on a status; the same one again changes nothing.
    pub(crate) fn become_at(&mut self, status: SigningStatus, now: Timestamp) {
        if self.status != status {
            (self.status, self.status_since) = (status, now);
        }
    }
}

impl BackupPair {
    /// Takes on a status; the same one again changes nothing.
    pub(crate) fn become_at(&mut self, status: BackupStatus, now: Timestamp) {
        if self.status != status {
            (self.status, self.status_since) = (status, now);
        }
    }
}

/// One client's wallet: one key on each curve, and every pair that was ever made for them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wallet {
    /// The id of each curve's key.
    pub ids: PerCurve<WalletId>,
    /// The database's epoch; the same for every wallet.
    pub epoch: Epoch,
    /// Number of the epoch in which the pair in force last proved itself (E20).
    pub proved_in: u64,
    /// The highest generation handed out.
    pub generation: Generation,
    /// The highest fence handed out.
    pub fence: Fence,
    /// Who works on the wallet now.
    pub lease: Option<Lease>,
    /// Signing pairs, oldest first.
    pub signing_pairs: Vec<SigningPair>,
    /// Backup pairs, oldest first.
    pub backup_pairs: Vec<BackupPair>,
    /// Until when the user may take the key out, if the custodian ever allowed it.
    pub ejectable_until: Option<Timestamp>,
    /// When the user took the key out; nothing happens to the wallet after that.
    pub ejected_at: Option<Timestamp>,
}

impl Wallet {
    /// A wallet for which nothing has been generated yet.
    #[must_use]
    pub const fn new(ids: PerCurve<WalletId>, epoch: Epoch) -> Self {
        Self {
            ids,
            epoch,
            proved_in: epoch.number,
            generation: Generation(0),
            fence: Fence(0),
            lease: None,
            signing_pairs: Vec::new(),
            backup_pairs: Vec::new(),
            ejectable_until: None,
            ejected_at: None,
        }
    }

    /// The pair in force: the newest that both sides hold, even if frozen since.
    #[must_use]
    pub fn current_signing(&self) -> Option<&SigningPair> {
        self.signing_pairs
            .iter()
            .filter(|pair| pair.status.completion() == Completion::Completed)
            .max_by_key(|pair| pair.generation)
    }

    /// E20: whether the pair in force proved itself since the database was last put back.
    #[must_use]
    pub const fn is_proved(&self) -> bool {
        self.proved_in == self.epoch.number
    }

    /// The completed backup in force, from which the wallet can be recovered.
    #[must_use]
    pub fn active_backup(&self) -> Option<&BackupPair> {
        self.backup_pairs
            .iter()
            .filter(|pair| pair.status.completion() == Completion::Completed)
            .max_by_key(|pair| pair.generation)
    }

    /// The public keys, once a pair that both sides hold exists (promise P1). An ejected wallet
    /// has none any more, and its keys are those of its backup.
    #[must_use]
    pub fn keys(&self) -> Option<PerCurve<&Point>> {
        let signing = self.current_signing().map(|pair| &pair.points);
        let backup = || self.active_backup().map(|pair| &pair.points);
        let ejected = self.ejected_at.and_then(|_| backup());
        let points = signing.or(ejected)?;
        Some(points.as_ref().map(|points| &points.key))
    }

    /// The signing pair that has `id` on `curve`.
    #[must_use]
    pub fn signing_pair(&self, curve: Curve, id: SigningSharePairId) -> Option<&SigningPair> {
        self.signing_pairs
            .iter()
            .find(|pair| *pair.ids.of(curve) == id)
    }

    /// The signing pair that has these ids.
    #[must_use]
    pub fn signing_pair_of(&self, ids: PerCurve<SigningSharePairId>) -> Option<&SigningPair> {
        self.signing_pairs.iter().find(|pair| pair.ids == ids)
    }

    /// The backup pair that has these ids.
    #[must_use]
    pub fn backup_pair_of(&self, ids: PerCurve<BackupSharePairId>) -> Option<&BackupPair> {
        self.backup_pairs.iter().find(|pair| pair.ids == ids)
    }
}
