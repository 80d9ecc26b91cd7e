//! Reshare on one curve.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::commitment::{self, Opening};
use crate::ct::{declassify, reveal};
use crate::group::{Group, is_zero, random_scalar};
use crate::hash::TaggedHash;
use crate::possession::{self, proof_bytes};
use crate::session::{Id, Sid};
use crate::wire::{Malformed, Reader, Writer, fields};
use crate::{Abort, Check, KeyContext, KeyShare, Operation, PairKind, Points, Role, Session};

const MASK: commitment::Purpose = "reshare mask";

/// Salt and δ_i; as long as the pad.
const OPENING_BYTES: usize = 64;

/// The old share, and what the new one will be called.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Part<G: Group> {
    pub(crate) sid: Sid,
    pub(super) source: KeyShare<G>,
    /// What the two holders of the source alone can compute.
    pub(super) common: Zeroizing<Vec<u8>>,
    target: PairKind,
    pair: Id,
    generation: u64,
}

/// This party's part δ_i of the mask.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Mask<G: Group> {
    pub(crate) delta: Zeroizing<G::Scalar>,
    opening: Opening,
}

/// Both parties have committed themselves to their parts.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Masked<G: Group> {
    pub(crate) own: Mask<G>,
    pub(crate) peer: [u8; 32],
}

impl<G: Group> Part<G> {
    pub(crate) fn new(
        role: Role,
        session: &Session,
        key: &KeyContext,
        source: KeyShare<G>,
    ) -> Result<Self, Abort> {
        let pair = key.new_pair.ok_or(Abort::Engine {
            stage: "naming the new pair",
        })?;
        let (from, target) = match session.operation {
            Operation::Backup => (PairKind::Signing, PairKind::Backup),
            Operation::Refresh => (PairKind::Signing, PairKind::Signing),
            Operation::Recover => (PairKind::Backup, PairKind::Signing),
            Operation::Generate | Operation::Sign => {
                return Err(Abort::Engine {
                    stage: "taking the session",
                });
            }
        };
        let fits = source.role == role
            && source.kind == from
            && key.source_pair == Some(source.pair)
            && session.generation > source.generation;
        if !fits {
            return Err(Abort::Engine {
                stage: "taking the source share",
            });
        }
        Ok(Self {
            target,
            sid: session.sid::<G>(key, &[]),
            common: source.common_secret(),
            source,
            pair,
            generation: session.generation,
        })
    }

    const fn peer(&self) -> Role {
        self.source.role.peer()
    }

    /// Fields of flights 1 and 2: proof of possession, commitment.
    pub(crate) fn commit(&self, rng: &mut impl CryptoRng) -> (Mask<G>, Vec<u8>) {
        let proof = self.source.prove_possession(&self.sid.0, rng);
        let delta = random_scalar::<G>(rng);
        let encoded = G::encode_scalar(&delta);
        let (opening, commitment) =
            commitment::commit(MASK, self.sid, self.source.role, encoded.as_slice(), rng);
        let body = Writer::new()
            .fixed(&proof)
            .fixed(&commitment)
            .finish()
            .to_vec();
        (Mask { delta, opening }, body)
    }

    /// Reads those fields of the peer, and checks the proof.
    pub(super) fn committed(
        &self,
        own: Mask<G>,
        body: &mut Reader<'_>,
    ) -> Result<Masked<G>, Abort> {
        let mut parse =
            || -> Result<_, Malformed> { Ok((body.take(proof_bytes::<G>())?, body.array()?)) };
        let (proof, commitment) =
            parse().map_err(|Malformed| Abort::blame(self.peer(), Check::Encoding))?;
        let point = self.source.points.of(self.peer());
        possession::verify::<G>(&self.sid.0, self.peer(), point, proof)?;
        Ok(Masked {
            own,
            peer: commitment,
        })
    }

    /// The field of flights 3 and 4.
    pub(super) fn reveal(&self, masked: &Masked<G>) -> Vec<u8> {
        self.padded(self.source.role, masked.own.opening.reveal())
            .to_vec()
    }

    /// An opening under a pad that only the two parties know, or the opening again.
    ///
    /// Whoever reads along must not learn δ: with it and an old share of one party, a new
    /// share of the other would be worth a key. The pad is used once: it is of this session.
    pub(crate) fn padded(&self, sender: Role, opening: &[u8]) -> Zeroizing<Vec<u8>> {
        let pad = TaggedHash::new("opening pad")
            .secret_field(&self.common)
            .field(&self.sid.0)
            .field(&[sender.index()])
            .wide();
        let pad = Zeroizing::new(pad);
        Zeroizing::new(
            opening
                .iter()
                .zip(pad.iter())
                .map(|(byte, pad)| byte ^ pad)
                .collect(),
        )
    }

    /// Takes the peer's opening; makes the new share.
    pub(crate) fn combine(&self, masked: Masked<G>, opening: &[u8]) -> Result<KeyShare<G>, Abort> {
        let peer = self.peer();
        if opening.len() != OPENING_BYTES {
            return Err(Abort::blame(peer, Check::Encoding));
        }
        let opening = self.padded(peer, opening);
        let value = commitment::open(MASK, self.sid, peer, &masked.peer, &opening)?;
        let encoded = Zeroizing::new(fields(peer, value, |value| value.array())?);
        let theirs = G::decode_scalar(&encoded)
            .map(Zeroizing::new)
            .ok_or(Abort::blame(peer, Check::Encoding))?;
        let delta = Zeroizing::new(*masked.own.delta + *theirs);
        // A zero mask would leave the shares as they were; two honest parties never draw one.
        if is_zero::<G>(&theirs)
            || declassify(theirs.ct_eq(&masked.own.delta))
            || is_zero::<G>(&delta)
        {
            return Err(Abort::blame(peer, Check::Contribution));
        }
        let secret = Zeroizing::new(match self.source.role {
            Role::Client => *self.source.secret + *delta,
            Role::Server => *self.source.secret - *delta,
        });
        // Both parties know both points of the new sharing.
        let shift = reveal(G::base_mul(&delta));
        let old = &self.source.points;
        let points = Points::join(old.client + shift, old.server - shift)
            // Old Q is the old points' sum, so this holds; the design asks for it, and it costs nothing.
            .filter(|points| points.key == old.key)
            .ok_or(Abort::blame(peer, Check::Key))?;
        Ok(KeyShare {
            role: self.source.role,
            kind: self.target,
            pair: self.pair,
            generation: self.generation,
            secret,
            points,
            chain_code: self.source.chain_code,
        })
    }
}
