//! Pairs as small numbers, and sets of them.

use portal_lifecycle::ids::{BackupSharePairId, SigningSharePairId};
use portal_lifecycle::{PerCurve, Point, PublicPoints};

/// Signing pairs that there can be: the healing schedule may make one more than the model.
pub(crate) const SIGNING: usize = 4;
/// Backup pairs that there can be.
pub(crate) const BACKUP: usize = 2;

/// A set of pairs, by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Set(u8);

impl Set {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) const fn has(self, pair: u8) -> bool {
        self.0 & (1 << pair) != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn add(&mut self, pair: u8) {
        self.0 |= 1 << pair;
    }

    pub(crate) const fn remove(&mut self, pair: u8) {
        self.0 &= !(1 << pair);
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In rising order.
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = u8> {
        (0..8).filter(move |pair| self.has(*pair))
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const SECP256K1: u8 = 0x51;
const ED25519: u8 = 0xe5;

fn id_of(curve: u8, kind: u8, pair: u8) -> uuid::Uuid {
    let mut bytes = [0; 16];
    (bytes[0], bytes[1], bytes[15]) = (curve, kind, pair);
    uuid::Uuid::from_bytes(bytes)
}

pub(crate) fn signing_ids(pair: u8) -> PerCurve<SigningSharePairId> {
    PerCurve::new(SECP256K1, ED25519).map(|curve| SigningSharePairId(id_of(curve, 1, pair)))
}

pub(crate) fn backup_ids(pair: u8) -> PerCurve<BackupSharePairId> {
    PerCurve::new(SECP256K1, ED25519).map(|curve| BackupSharePairId(id_of(curve, 2, pair)))
}

pub(crate) const fn number(id: &uuid::Uuid) -> u8 {
    id.as_bytes()[15]
}

/// A key, named after the pair that first shared it; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Key(pub(crate) u8);

impl Key {
    pub(crate) const NONE: Self = Self(0);

    /// The key that comes into being with a pair.
    pub(crate) const fn made_with(pair: u8) -> Self {
        Self(pair + 1)
    }
}

/// The points of a sharing of `key`. The rules only compare points, so a byte will do for one.
fn points(key: Key, client: u8, server: u8) -> PerCurve<PublicPoints> {
    PerCurve::new(SECP256K1, ED25519).map(|_| PublicPoints {
        key: Point(vec![key.0]),
        client: Point(vec![client]),
        server: Point(vec![server]),
    })
}

pub(crate) fn signing_points(key: Key, pair: u8) -> PerCurve<PublicPoints> {
    points(key, 0x10 | pair, 0x20 | pair)
}

pub(crate) fn backup_points(key: Key, pair: u8) -> PerCurve<PublicPoints> {
    points(key, 0x30 | pair, 0x40 | pair)
}

pub(crate) fn key_of(points: &PerCurve<PublicPoints>) -> Key {
    Key(points.secp256k1.key.0.first().copied().unwrap_or(0))
}
