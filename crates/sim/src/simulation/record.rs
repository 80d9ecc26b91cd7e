//! What the servers had in their hands, and whether a part of a backup is in it.
//!
//! Taken down are the shares that they put into their storage, as they are before they are
//! encrypted there; what devices say to them and hear; what they say to the customer's backend and
//! hear. Whoever holds a part of a backup tells it to the record, which looks for it in the end.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aho_corasick::AhoCorasick;
use portal_api::Base64Bytes;
use portal_custodian::ShareText;
use portal_lifecycle::{BackupMode, Curve};
use portal_mpc::{Ed25519, Group, Id, KeyShare, Secp256k1};
use portal_seal::SecretBytes;

/// Where the servers had something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In what they stored.
    Storage,
    /// In what devices said or heard.
    Devices,
    /// In what they told the customer's backend.
    Calls,
    /// In what that answered.
    Answers,
}

/// The record of one run; a clone shares it.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    had: Vec<(Place, Vec<u8>)>,
    of_clients: BTreeSet<Share>,
    of_custodians: BTreeSet<Share>,
}

/// A share of a pair, by its scalar as every share encodes its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    curve: Curve,
    pair: Id,
    scalar: [u8; 32],
}

/// What is looked for.
struct Sought {
    what: &'static str,
    curve: Curve,
    scalar: [u8; 32],
    /// Whether the servers have it by design.
    is_theirs: bool,
}

impl Record {
    /// Takes down what the servers have, and what is encoded in it.
    pub(crate) fn take(&self, place: Place, bytes: &[u8]) {
        let mut had = vec![bytes.to_vec()];
        if let Ok(text) = core::str::from_utf8(bytes) {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            let words = text.split(|letter| !is_letter(letter));
            // Of 32 bytes and more.
            for word in words.filter(|word| word.len() >= 43) {
                had.extend(Base64Bytes::parse(word).map(|bytes| bytes.0));
                had.extend(hex::decode(word));
            }
        }
        let had = had.into_iter().map(|bytes| (place, bytes));
        self.lock().had.extend(had);
    }

    /// A custodian tells its share of a backup.
    pub(crate) fn is_the_custodians(&self, curve: Curve, share: &ShareText) {
        let bytes = Base64Bytes::parse(share.expose()); // to be looked for
        let share = bytes.ok().and_then(|bytes| Share::read(curve, &bytes.0));
        self.lock().of_custodians.extend(share);
    }

    /// A client tells its share of a backup.
    pub(crate) fn is_the_clients(&self, curve: Curve, share: &SecretBytes) {
        let share = Share::read(curve, share.expose()); // to be looked for
        self.lock().of_clients.extend(share);
    }

    /// What nobody but the client, and of a sealed backup nobody but the custodian, may have was not
    /// at the servers; nor were two shares that come to it.
    ///
    /// The custodian's share of a plain backup was: a record that does not have it would not have
    /// one of a sealed backup either.
    pub(crate) fn check(&self, mode: BackupMode) -> Result<(), String> {
        let taken = self.lock();
        let sought = taken.sought(mode);
        let places = taken.places(&sought)?;
        let shares = [Curve::Secp256k1, Curve::Ed25519].map(|curve| (curve, taken.shares(curve)));
        for (sought, places) in sought.iter().zip(places) {
            let Sought { what, curve, .. } = sought;
            let is_joined = shares
                .iter()
                .any(|(of, shares)| of == curve && is_of_two(*curve, &sought.scalar, shares));
            if sought.is_theirs {
                if !(places.contains(&Place::Storage) && places.contains(&Place::Calls)) {
                    return Err(format!(
                        "the record lacks {what} ({curve}) of a {mode} backup: found in {places:?}"
                    ));
                }
            } else if !places.is_empty() {
                return Err(format!(
                    "the servers had {what} ({curve}) of a {mode} backup, in {places:?}"
                ));
            } else if is_joined {
                return Err(format!(
                    "two shares that the servers had come to {what} ({curve}) of a {mode} backup"
                ));
            }
        }
        Ok(())
    }

    /// The same for the same, in the same order: of all but what devices said and heard, in which
    /// the server tells how long it took by the machine's clock.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let taken = self.lock();
        let had = taken.had.iter();
        let had = had.filter(|(place, _)| *place != Place::Devices);
        had.for_each(|(_, bytes)| bytes.hash(&mut hasher));
        hasher.finish()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn sought(&self, mode: BackupMode) -> Vec<Sought> {
        let of = |what, share: &Share, is_theirs| Sought {
            what,
            curve: share.curve,
            scalar: share.scalar,
            is_theirs,
        };
        let clients = self.of_clients.iter();
        let clients = clients.map(|share| of("the client's share", share, false));
        let custodians = self.of_custodians.iter();
        let custodians =
            custodians.map(|share| of("the custodian's share", share, mode != BackupMode::Sealed));
        let keys = self.of_clients.iter().flat_map(|client| {
            let keys = self.of_custodians.iter();
            let keys = keys.filter_map(|custodian| client.joined(custodian));
            keys.map(|key| of("the key", &key, false))
        });
        clients.chain(custodians).chain(keys).collect()
    }

    /// Where each was, byte for byte.
    fn places(&self, sought: &[Sought]) -> Result<Vec<BTreeSet<Place>>, String> {
        let scalars = sought.iter().map(|sought| sought.scalar);
        let searcher = AhoCorasick::new(scalars).map_err(|error| error.to_string())?;
        let mut places = vec![BTreeSet::new(); sought.len()];
        for (place, bytes) in &self.had {
            for found in searcher.find_iter(bytes) {
                places[found.pattern()].insert(*place);
            }
        }
        Ok(places)
    }

    /// The scalars of all shares that the servers had, of whatever pair.
    fn shares(&self, curve: Curve) -> BTreeSet<[u8; 32]> {
        let had = self.had.iter();
        let shares = had.filter_map(|(_, bytes)| Share::read(curve, bytes));
        shares.map(|share| share.scalar).collect()
    }
}

/// Where the scalar stands in a share.
const SCALAR: Range<usize> = 28..60;

impl Share {
    fn read(curve: Curve, bytes: &[u8]) -> Option<Self> {
        match curve {
            Curve::Secp256k1 => Self::read_on::<Secp256k1>(curve, bytes),
            Curve::Ed25519 => Self::read_on::<Ed25519>(curve, bytes),
        }
    }

    fn read_on<G: Group>(curve: Curve, bytes: &[u8]) -> Option<Self> {
        // A signing share of secp256k1 begins with its key share.
        let bytes = bytes.get(..SCALAR.end + 3 * G::POINT_BYTES + 32)?;
        let share = KeyShare::<G>::decode(bytes).ok()?;
        Some(Self {
            curve,
            pair: share.pair(),
            scalar: bytes.get(SCALAR)?.try_into().ok()?,
        })
    }

    /// The key, if the other is the other share of this pair.
    fn joined(&self, other: &Self) -> Option<Self> {
        if (self.curve, self.pair) != (other.curve, other.pair) {
            return None;
        }
        let scalar = match self.curve {
            Curve::Secp256k1 => sum::<Secp256k1>(&self.scalar, &other.scalar),
            Curve::Ed25519 => sum::<Ed25519>(&self.scalar, &other.scalar),
        };
        Some(Self {
            scalar: scalar?,
            ..*self
        })
    }
}

fn sum<G: Group>(one: &[u8; 32], other: &[u8; 32]) -> Option<[u8; 32]> {
    let sum = G::decode_scalar(one)? + G::decode_scalar(other)?;
    Some(*G::encode_scalar(&sum))
}

fn is_of_two(curve: Curve, sought: &[u8; 32], shares: &BTreeSet<[u8; 32]>) -> bool {
    match curve {
        Curve::Secp256k1 => is_of_two_on::<Secp256k1>(sought, shares),
        Curve::Ed25519 => is_of_two_on::<Ed25519>(sought, shares),
    }
}

/// Whether a scalar is the sum of two shares, their difference, or halfway between them, as a share
/// is between two that hide it by one and the same blind.
fn is_of_two_on<G: Group>(sought: &[u8; 32], shares: &BTreeSet<[u8; 32]>) -> bool {
    let Some(sought) = G::decode_scalar(sought) else {
        return false;
    };
    let is_share = |scalar: &G::Scalar| shares.contains(&*G::encode_scalar(scalar));
    shares.iter().filter_map(G::decode_scalar).any(|share| {
        let others = [sought - share, sought + share, sought + sought - share];
        others.iter().any(is_share)
    })
}

#[cfg(test)]
mod tests {
    use portal_mpc::Blind;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const GOLDEN: &str = include_str!("../../../../vectors/key-share-v1.txt");

    /// Three shares of one pair; the second lies halfway between the others.
    fn shares<G: Group>(curve: Curve) -> [Vec<u8>; 3] {
        let lines = GOLDEN.lines().filter_map(|line| line.split_once(' '));
        let mut of_curve = lines.filter(|(name, _)| *name == curve.to_string());
        let (_, golden) = of_curve.next().unwrap();
        let first = KeyShare::<G>::decode(&hex::decode(golden).unwrap()).unwrap();
        let blind = Blind::draw(&first, b"", &mut StdRng::seed_from_u64(7));
        let first_bytes = first.encode().to_vec();
        let second = first.blinded(&blind).unwrap();
        let second_bytes = second.encode().to_vec();
        let third = second.blinded(&blind).unwrap();
        [first_bytes, second_bytes, third.encode().to_vec()]
    }

    fn text(share: &[u8]) -> ShareText {
        ShareText::new(Base64Bytes(share.to_vec()).to_string()).unwrap()
    }

    #[test]
    fn what_the_servers_had_is_found() {
        found_on::<Secp256k1>(Curve::Secp256k1);
        found_on::<Ed25519>(Curve::Ed25519);
    }

    fn found_on<G: Group>(curve: Curve) {
        let [first, second, third] = shares::<G>(curve);
        let told = |record: &Record, mode| record.check(mode).unwrap_err();
        let (sealed, plain) = (BackupMode::Sealed, BackupMode::Plain);

        let record = Record::default();
        record.is_the_custodians(curve, &text(&second));
        record.take(Place::Devices, &first);
        assert_eq!(record.check(sealed), Ok(()), "{curve}");
        record.take(Place::Storage, &second);
        let had = told(&record, sealed);
        assert!(had.contains("had the custodian's share"), "{had}");
        let lacks = told(&record, plain);
        assert!(lacks.contains("lacks the custodian's share"), "{lacks}");
        let body = format!(r#"{{"share":"{}"}}"#, text(&second).expose());
        record.take(Place::Calls, body.as_bytes());
        assert_eq!(record.check(plain), Ok(()), "{curve}");

        let record = Record::default();
        record.is_the_clients(curve, &SecretBytes::new(second.clone()));
        record.take(Place::Storage, &first);
        assert_eq!(record.check(plain), Ok(()), "{curve}");
        record.take(Place::Answers, text(&third).expose().as_bytes());
        for mode in [sealed, plain] {
            let come_to = told(&record, mode);
            assert!(
                come_to.contains("come to the client's share"),
                "{curve}: {come_to}"
            );
        }

        let record = Record::default();
        record.is_the_clients(curve, &SecretBytes::new(first.clone()));
        record.is_the_custodians(curve, &text(&third));
        let [first, third] = [first, third].map(|share| share[SCALAR].try_into().unwrap());
        let key = sum::<G>(&first, &third).unwrap();
        record.take(Place::Devices, &[&[1; 5], &key[..], &[2; 5]].concat());
        let had = told(&record, sealed);
        assert!(had.contains("had the key"), "{curve}: {had}");
    }

    #[test]
    fn a_secret_of_two_shares_is_told() {
        told_on::<Secp256k1>(Curve::Secp256k1);
        told_on::<Ed25519>(Curve::Ed25519);
    }

    fn told_on<G: Group>(curve: Curve) {
        let scalar = |n: u64| {
            let mut wide = [0; 64];
            wide[..8].copy_from_slice(&n.to_le_bytes());
            *G::encode_scalar(&G::reduce(&wide))
        };
        let scalars = [3, 20, 1_000].map(scalar);
        let [three, twenty, thousand] = scalars;
        let shares = BTreeSet::from(scalars);
        let add = |one, other| sum::<G>(one, other).unwrap();
        let difference = |one: &[u8; 32], other: &[u8; 32]| {
            let [one, other] = [one, other].map(|of| G::decode_scalar(of).unwrap());
            *G::encode_scalar(&(one - other))
        };
        let blind = scalar(7);
        let hidden = add(&three, &blind);
        let hiding = BTreeSet::from([three, add(&hidden, &blind)]);
        for (sought, shares, is_told) in [
            (add(&three, &twenty), &shares, true),
            (difference(&thousand, &twenty), &shares, true),
            (hidden, &hiding, true),
            (add(&add(&three, &twenty), &thousand), &shares, false),
            (blind, &shares, false),
        ] {
            assert_eq!(is_of_two(curve, &sought, shares), is_told, "{curve}");
        }
    }
}
