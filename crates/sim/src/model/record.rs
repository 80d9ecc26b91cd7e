//! A wallet in few bytes: the checker keeps millions of them.
//!
//! [`Record::wallet`] gives the [`Wallet`] that the rules work on, and [`Record::of`] takes back
//! what they made of it. Whether anything was lost on the way is looked at in every state
//! ([`Record::holds`]), so that a new field of a wallet does not go unnoticed.

use portal_lifecycle::ids::{DeviceId, OperationId, WalletId};
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupPair, BackupStatus, CipherTextDigest, Epoch, Fence, Generation,
    Lease, OperationKind, PerCurve, SigningPair, SigningStatus, Timestamp, Wallet,
};

use super::pairs::{
    BACKUP, Key, SIGNING, backup_ids, backup_points, key_of, number, signing_ids, signing_points,
};
use super::time::{LEASE_MS, Time};

/// Every backup of the model keeps its key in a storage of the user's: the longest way.
pub(crate) const METHOD: BackupMethod = BackupMethod::GDrive;

/// A generation or a fence: the epoch's number above five bits of its own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Count(u8);

const COUNTS_PER_EPOCH: u64 = 1_000_000;

impl Count {
    pub(crate) fn of(count: u64) -> Self {
        let part = |part: u64, most: u8| u8::try_from(part).unwrap_or(most).min(most);
        let epoch = part(count / COUNTS_PER_EPOCH, 7);
        Self(epoch << 5 | part(count % COUNTS_PER_EPOCH, 31))
    }

    /// Everything that an epoch hands out is larger.
    pub(crate) const fn floor(epoch: u8) -> Self {
        Self(epoch << 5)
    }

    pub(crate) const fn get(self) -> u64 {
        (self.0 >> 5) as u64 * COUNTS_PER_EPOCH + (self.0 & 31) as u64
    }
}

/// [`Lease`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LeaseRecord {
    pub(crate) operation: u8,
    pub(crate) kind: OperationKind,
    pub(crate) device: u8,
    pub(crate) fence: Count,
    generation: Count,
    taken_at: Time,
}

/// [`SigningPair`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SigningRecord {
    pub(crate) pair: u8,
    pub(crate) generation: Count,
    pub(crate) status: SigningStatus,
    pub(crate) key: Key,
    operation: u8,
    pub(crate) made_by: OperationKind,
    source: Option<Count>,
    created_at: Time,
    status_since: Time,
    proved_at: Option<Time>,
}

/// [`BackupPair`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BackupRecord {
    pub(crate) pair: u8,
    pub(crate) generation: Count,
    pub(crate) status: BackupStatus,
    pub(crate) key: Key,
    has_digest: bool,
    operation: u8,
    source: Option<Count>,
    created_at: Time,
    status_since: Time,
    proved_at: Option<Time>,
}

/// [`Wallet`]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) epoch: u8,
    pub(crate) began_at: Time,
    pub(crate) proved_in: u8,
    pub(crate) generation: Count,
    pub(crate) fence: Count,
    pub(crate) lease: Option<LeaseRecord>,
    signing: [Option<SigningRecord>; SIGNING],
    backup: [Option<BackupRecord>; BACKUP],
}

fn wallet_ids() -> PerCurve<WalletId> {
    PerCurve::new(1, 2).map(|curve| WalletId(uuid::Uuid::from_bytes([curve; 16])))
}

pub(crate) const fn operation_id(operation: u8) -> OperationId {
    OperationId(uuid::Uuid::from_bytes([operation; 16]))
}

pub(crate) const fn device_id(device: u8) -> DeviceId {
    DeviceId(uuid::Uuid::from_bytes([device; 16]))
}

/// The app stores one cipher text for a pair, so the pair's number is digest enough.
pub(crate) const fn digest(pair: u8) -> CipherTextDigest {
    CipherTextDigest([pair; 32])
}

fn small(count: u64) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

impl Record {
    /// A wallet for which nothing has been generated yet.
    pub(crate) const fn new() -> Self {
        Self {
            epoch: 0,
            began_at: Time::START,
            proved_in: 0,
            generation: Count(0),
            fence: Count(0),
            lease: None,
            signing: [None; SIGNING],
            backup: [None; BACKUP],
        }
    }

    /// A wallet in few bytes; pairs beyond what fits are lost, which [`holds`](Self::holds) shows.
    pub(crate) fn of(wallet: &Wallet) -> Self {
        let mut signing = [None; SIGNING];
        for (record, pair) in signing.iter_mut().zip(&wallet.signing_pairs) {
            *record = Some(SigningRecord::of(pair));
        }
        let mut backup = [None; BACKUP];
        for (record, pair) in backup.iter_mut().zip(&wallet.backup_pairs) {
            *record = Some(BackupRecord::of(pair));
        }
        Self {
            epoch: small(wallet.epoch.number),
            began_at: Time::of(wallet.epoch.began_at),
            proved_in: small(wallet.proved_in),
            generation: Count::of(wallet.generation.0),
            fence: Count::of(wallet.fence.0),
            lease: wallet.lease.as_ref().map(LeaseRecord::of),
            signing,
            backup,
        }
    }

    /// The wallet that this is a record of.
    pub(crate) fn wallet(&self) -> Wallet {
        Wallet {
            ids: wallet_ids(),
            epoch: Epoch {
                number: self.epoch.into(),
                began_at: self.began_at.timestamp(),
            },
            proved_in: self.proved_in.into(),
            generation: Generation(self.generation.get()),
            fence: Fence(self.fence.get()),
            lease: self.lease.map(LeaseRecord::lease),
            signing_pairs: self.signing().map(SigningRecord::pair).collect(),
            backup_pairs: self.backup().map(BackupRecord::pair).collect(),
            // Nobody ejects in the model.
            ejectable_until: None,
            ejected_at: None,
        }
    }

    /// Whether nothing of the wallet is lost in this record of it.
    pub(crate) fn holds(&self, wallet: &Wallet) -> bool {
        self.wallet() == *wallet
    }

    /// Signing pairs, oldest first.
    pub(crate) fn signing(&self) -> impl Iterator<Item = &SigningRecord> {
        self.signing.iter().flatten()
    }

    /// Backup pairs, oldest first.
    pub(crate) fn backup(&self) -> impl Iterator<Item = &BackupRecord> {
        self.backup.iter().flatten()
    }

    pub(crate) fn signing_pair(&self, pair: u8) -> Option<&SigningRecord> {
        self.signing().find(|record| record.pair == pair)
    }

    pub(crate) fn backup_pair(&self, pair: u8) -> Option<&BackupRecord> {
        self.backup().find(|record| record.pair == pair)
    }

    /// [`Wallet::current_signing`]
    pub(crate) fn current(&self) -> Option<&SigningRecord> {
        self.in_force().max_by_key(|pair| pair.generation)
    }

    /// Every pair that could be taken for the one in force.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &SigningRecord> {
        self.signing().filter(|pair| {
            matches!(
                pair.status,
                SigningStatus::StoredClient | SigningStatus::Frozen
            )
        })
    }

    /// [`Wallet::active_backup`]
    pub(crate) fn active_backup(&self) -> Option<&BackupRecord> {
        self.backup()
            .filter(|pair| pair.status == BackupStatus::StoredClientBackupShare)
            .max_by_key(|pair| pair.generation)
    }

    /// [`Wallet::is_proved`]
    pub(crate) const fn is_proved(&self) -> bool {
        self.proved_in == self.epoch
    }
}

impl LeaseRecord {
    fn of(lease: &Lease) -> Self {
        let taken_at = lease.expires_at.as_ms().saturating_sub(LEASE_MS);
        Self {
            operation: number(&lease.operation_id.0),
            kind: lease.kind,
            device: number(&lease.device_id.0),
            fence: Count::of(lease.fence.0),
            generation: Count::of(lease.generation.0),
            taken_at: Time::of(Timestamp::from_ms(taken_at)),
        }
    }

    fn lease(self) -> Lease {
        Lease {
            operation_id: operation_id(self.operation),
            kind: self.kind,
            device_id: device_id(self.device),
            fence: Fence(self.fence.get()),
            generation: Generation(self.generation.get()),
            expires_at: self.taken_at.timestamp().plus_ms(LEASE_MS),
        }
    }

    /// Whether it still stands in another device's way.
    pub(crate) fn is_running(&self, now: Time) -> bool {
        self.taken_at == now
    }
}

impl SigningRecord {
    fn of(pair: &SigningPair) -> Self {
        Self {
            pair: number(&pair.ids.secp256k1.0),
            generation: Count::of(pair.generation.0),
            status: pair.status,
            key: key_of(&pair.points),
            operation: number(&pair.operation_id.0),
            made_by: pair.made_by,
            source: pair.source.map(|source| Count::of(source.0)),
            created_at: Time::of(pair.created_at),
            status_since: Time::of(pair.status_since),
            proved_at: pair.proved_at.map(Time::of),
        }
    }

    fn pair(&self) -> SigningPair {
        SigningPair {
            ids: signing_ids(self.pair),
            generation: Generation(self.generation.get()),
            status: self.status,
            points: signing_points(self.key, self.pair),
            operation_id: operation_id(self.operation),
            made_by: self.made_by,
            source: self.source.map(|source| Generation(source.get())),
            created_at: self.created_at.timestamp(),
            status_since: self.status_since.timestamp(),
            proved_at: self.proved_at.map(Time::timestamp),
        }
    }
}

impl BackupRecord {
    fn of(pair: &BackupPair) -> Self {
        Self {
            pair: number(&pair.ids.secp256k1.0),
            generation: Count::of(pair.generation.0),
            status: pair.status,
            key: key_of(&pair.points),
            has_digest: pair.cipher_text_digest.is_some(),
            operation: number(&pair.operation_id.0),
            source: pair.source.map(|source| Count::of(source.0)),
            created_at: Time::of(pair.created_at),
            status_since: Time::of(pair.status_since),
            proved_at: pair.proved_at.map(Time::of),
        }
    }

    fn pair(&self) -> BackupPair {
        BackupPair {
            ids: backup_ids(self.pair),
            generation: Generation(self.generation.get()),
            status: self.status,
            method: METHOD,
            mode: BackupMode::Plain,
            points: backup_points(self.key, self.pair),
            cipher_text_digest: self.has_digest.then_some(digest(self.pair)),
            operation_id: operation_id(self.operation),
            source: self.source.map(|source| Generation(source.get())),
            created_at: self.created_at.timestamp(),
            status_since: self.status_since.timestamp(),
            proved_at: self.proved_at.map(Time::timestamp),
        }
    }
}
