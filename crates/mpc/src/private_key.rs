//! A whole private key x: made only where its owner takes it out, and nowhere else.
//!
//! The two shares of a backup pair are the key, `x = x_C + x_S`. [`PrivateKey::join`] is the one
//! place where they are added up. Whoever calls it ends what this crate is for: from then on the
//! key exists, and who learns it needs nobody any more.

mod sign;

use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::group::Group;
use crate::{KeyShare, PairKind, Role, possession};

/// Why two shares, or 32 bytes, are not the private key that they are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTheKey {
    /// A share of a signing pair: whole keys are made of backups only.
    #[error("expected two shares of a backup pair, got one of a signing pair")]
    NotABackup,
    /// Two shares of one party, or each in the other's place.
    #[error("expected the client's share and the custodian's, in this order, got another party's")]
    Role,
    /// Shares of different pairs.
    #[error(
        "the shares are of different pairs (generations {client} and {custodian}); take both from \
         the same backup"
    )]
    AnotherPair {
        /// Generation of the client's share.
        client: u64,
        /// Generation of the custodian's share.
        custodian: u64,
    },
    /// Shares that name one pair and different points: one of them was made up.
    #[error("the shares name the same pair and different keys; one of them is not of this wallet")]
    AnotherKey,
    /// The scalar does not belong to the public key.
    #[error("the scalar is not the private key of this public key; one of them was changed")]
    Inconsistent,
}

/// The private key x of `Q = x·G`. Erased when dropped.
pub struct PrivateKey<G: Group> {
    secret: Zeroizing<G::Scalar>,
    key: G::Point,
}

impl<G: Group> PrivateKey<G> {
    /// Adds up the two shares of one backup pair: the client's, and the custodian's.
    ///
    /// # Errors
    ///
    /// [`NotTheKey`]: the shares are not the two of one backup pair, or do not add up to its key.
    ///
    /// # Security
    ///
    /// The key exists from here on. Call it on the owner's own machine only.
    pub fn join(client: &KeyShare<G>, custodian: &KeyShare<G>) -> Result<Self, NotTheKey> {
        if client.kind != PairKind::Backup || custodian.kind != PairKind::Backup {
            return Err(NotTheKey::NotABackup);
        }
        if client.role != Role::Client || custodian.role != Role::Server {
            return Err(NotTheKey::Role);
        }
        if client.pair != custodian.pair || client.generation != custodian.generation {
            return Err(NotTheKey::AnotherPair {
                client: client.generation,
                custodian: custodian.generation,
            });
        }
        if client.public() != custodian.public() {
            return Err(NotTheKey::AnotherKey);
        }
        let secret = Zeroizing::new(*client.secret + *custodian.secret);
        Self::of(secret, client.points.key)
    }

    /// Reads a key back that was written with [`expose`](Self::expose); `public_key` is its
    /// compressed point.
    ///
    /// # Errors
    ///
    /// [`NotTheKey::Inconsistent`].
    pub fn from_bytes(secret: &[u8; 32], public_key: &[u8]) -> Result<Self, NotTheKey> {
        let scalar = G::decode_scalar(secret).map(Zeroizing::new);
        let scalar = scalar.ok_or(NotTheKey::Inconsistent)?;
        let key = G::decode_point(public_key).ok_or(NotTheKey::Inconsistent)?;
        Self::of(scalar, key)
    }

    fn of(secret: Zeroizing<G::Scalar>, key: G::Point) -> Result<Self, NotTheKey> {
        if G::base_mul(&secret) == key {
            Ok(Self { secret, key })
        } else {
            Err(NotTheKey::Inconsistent)
        }
    }

    /// The 32 bytes of x: big-endian on secp256k1, little-endian on Ed25519. Secret.
    ///
    /// On Ed25519 it is the scalar, not the seed of RFC 8032: there is no seed of this key.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        G::encode_scalar(&self.secret)
    }

    /// Proves possession of the whole key, for one purpose: [`verify_possession`] of Q, by the
    /// client.
    ///
    /// [`verify_possession`]: crate::verify_possession
    #[must_use]
    pub fn prove_possession(&self, context: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        possession::prove::<G>(context, Role::Client, &self.secret, &self.key, rng)
    }

    /// Q, the compressed public key.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        G::encode_point(&self.key)
    }
}

impl<G: Group> fmt::Debug for PrivateKey<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests draw their own randomness")]
mod tests {
    use super::*;
    use crate::group::random_scalar;
    use crate::{Ed25519, Points, Secp256k1, verify_possession};

    fn pair<G: Group + Copy>() -> [KeyShare<G>; 2] {
        let rng = &mut rand::rng();
        let secrets = [random_scalar::<G>(rng), random_scalar::<G>(rng)];
        let [client, server] = secrets.each_ref().map(|secret| G::base_mul(secret));
        let points = Points::join(client, server).unwrap();
        let [client, server] = secrets;
        [(Role::Client, client), (Role::Server, server)].map(|(role, secret)| KeyShare {
            role,
            kind: PairKind::Backup,
            pair: [7; 16],
            generation: 3,
            secret,
            points,
            chain_code: [9; 32],
        })
    }

    /// What `change` makes of one share at a time.
    fn refusals<G: Group + Copy>(change: impl Fn(&mut KeyShare<G>)) -> [NotTheKey; 2] {
        [0, 1].map(|changed| {
            let mut shares = pair::<G>();
            change(&mut shares[changed]);
            PrivateKey::join(&shares[0], &shares[1]).unwrap_err()
        })
    }

    fn joins_to_the_key_and_nothing_else<G: Group + Copy>() {
        let [client, custodian] = pair::<G>();
        let key = PrivateKey::join(&client, &custodian).unwrap();
        assert_eq!(key.public_key(), client.points.key());
        let read = PrivateKey::<G>::from_bytes(&key.expose(), &key.public_key()).unwrap();
        assert_eq!(read.expose(), key.expose());
        assert_eq!(format!("{key:?}"), "PrivateKey(…)");

        let swapped = PrivateKey::join(&custodian, &client).unwrap_err();
        assert_eq!(swapped, NotTheKey::Role);
        let twice = PrivateKey::join(&client, &client).unwrap_err();
        assert_eq!(twice, NotTheKey::Role);
        let signing = refusals::<G>(|share| share.kind = PairKind::Signing);
        assert_eq!(signing, [NotTheKey::NotABackup; 2]);
        let another = refusals::<G>(|share| share.pair = [8; 16]);
        let of = |client, custodian| NotTheKey::AnotherPair { client, custodian };
        assert_eq!(another, [of(3, 3); 2]);
        let older = refusals::<G>(|share| share.generation = 2);
        assert_eq!(older, [of(2, 3), of(3, 2)]);
        let [other, _] = pair::<G>();
        let forged = refusals::<G>(|share| share.points = other.points);
        assert_eq!(forged, [NotTheKey::AnotherKey; 2]);
        let chain = refusals::<G>(|share| share.chain_code = [1; 32]);
        assert_eq!(chain, [NotTheKey::AnotherKey; 2]);
        let changed = refusals::<G>(|share| share.secret = random_scalar::<G>(&mut rand::rng()));
        assert_eq!(changed, [NotTheKey::Inconsistent; 2]);
        // Shares that cancel out, each of them negated, have the key's x and not its sign.
        let mut negated = pair::<G>();
        for share in &mut negated {
            share.secret = Zeroizing::new(-*share.secret);
        }
        let [client, custodian] = negated;
        let negated = PrivateKey::join(&client, &custodian).unwrap_err();
        assert_eq!(negated, NotTheKey::Inconsistent);
    }

    #[test]
    fn two_shares_of_one_backup_are_the_key() {
        joins_to_the_key_and_nothing_else::<Secp256k1>();
        joins_to_the_key_and_nothing_else::<Ed25519>();
    }

    #[test]
    fn possession_of_the_whole_key_is_proved_by_nothing_less() {
        fn check<G: Group + Copy>() {
            let rng = &mut rand::rng();
            let [client, custodian] = pair::<G>();
            let key = PrivateKey::join(&client, &custodian).unwrap();
            let holds = |proof: &[u8], context: &[u8]| {
                verify_possession::<G>(context, Role::Client, &key.public_key(), proof).is_ok()
            };
            let proof = key.prove_possession(b"purpose", rng);
            assert!(holds(&proof, b"purpose"));
            assert!(!holds(&proof, b"another"));
            for share in [client, custodian] {
                assert!(!holds(&share.prove_possession(b"purpose", rng), b"purpose"));
            }
        }
        check::<Secp256k1>();
        check::<Ed25519>();
    }

    #[test]
    fn bytes_are_a_key_only_with_their_public_key() {
        fn check<G: Group + Copy>() {
            let [client, custodian] = pair::<G>();
            let key = PrivateKey::join(&client, &custodian).unwrap();
            let other = client.points.share(Role::Client);
            for (secret, public_key) in [
                (*key.expose(), other),
                ([0; 32], key.public_key()),
                ([0xff; 32], key.public_key()),
                (*key.expose(), Vec::new()),
            ] {
                let read = PrivateKey::<G>::from_bytes(&secret, &public_key);
                assert_eq!(read.unwrap_err(), NotTheKey::Inconsistent);
            }
        }
        check::<Secp256k1>();
        check::<Ed25519>();
    }
}
