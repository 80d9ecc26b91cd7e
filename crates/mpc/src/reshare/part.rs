//! Reshare on one curve.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::commitment::{self, Opening};
use crate::exchange::fields;
use crate::group::{Group, is_zero, random_scalar};
use crate::possession::{self, proof_bytes};
use crate::session::{Id, Sid};
use crate::wire::{Malformed, Reader, Writer};
use crate::{Abort, Check, KeyContext, KeyShare, Points, Role, Session};

const MASK: commitment::Purpose = "reshare mask";

/// The old share, and what the new one will be called.
pub(super) struct Part<G: Group> {
    pub(super) sid: Sid,
    pub(super) source: KeyShare<G>,
    pair: Id,
    generation: u64,
}

/// This party's part δ_i of the mask.
pub struct Mask<G: Group> {
    delta: Zeroizing<G::Scalar>,
    opening: Opening,
}

/// Both parties have committed themselves to their parts.
pub struct Masked<G: Group> {
    own: Mask<G>,
    peer: [u8; 32],
}

impl<G: Group> Part<G> {
    pub(super) fn new(
        role: Role,
        session: &Session,
        key: &KeyContext,
        source: KeyShare<G>,
    ) -> Result<Self, Abort> {
        let pair = key.new_pair.ok_or(Abort::Engine {
            stage: "naming the new pair",
        })?;
        if source.role != role || key.source_pair != Some(source.pair) {
            return Err(Abort::Engine {
                stage: "taking the source share",
            });
        }
        Ok(Self {
            sid: session.sid::<G>(key, &[]),
            source,
            pair,
            generation: session.generation,
        })
    }

    const fn peer(&self) -> Role {
        self.source.role.peer()
    }

    /// Fields of flights 1 and 2: proof of possession, commitment.
    pub(super) fn commit(&self, rng: &mut impl CryptoRng) -> (Mask<G>, Vec<u8>) {
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
    pub(super) fn reveal(masked: &Masked<G>) -> &[u8] {
        masked.own.opening.reveal()
    }

    /// Takes the peer's opening; makes the new share.
    pub(super) fn combine(&self, masked: Masked<G>, opening: &[u8]) -> Result<KeyShare<G>, Abort> {
        let peer = self.peer();
        let value = commitment::open(MASK, self.sid, peer, &masked.peer, opening)?;
        let encoded = Zeroizing::new(fields(peer, value, |value| value.array())?);
        let theirs = G::decode_scalar(&encoded)
            .map(Zeroizing::new)
            .ok_or(Abort::blame(peer, Check::Encoding))?;
        let delta = Zeroizing::new(*masked.own.delta + *theirs);
        // A zero mask would leave the shares as they were; two honest parties never draw one.
        if is_zero::<G>(&theirs) || *theirs == *masked.own.delta || is_zero::<G>(&delta) {
            return Err(Abort::blame(peer, Check::Contribution));
        }
        let secret = Zeroizing::new(match self.source.role {
            Role::Client => *self.source.secret + *delta,
            Role::Server => *self.source.secret - *delta,
        });
        let shift = G::base_mul(&delta);
        let old = &self.source.points;
        let points = Points::join(old.client + shift, old.server - shift)
            .filter(|points| points.key == old.key)
            .ok_or(Abort::blame(peer, Check::Key))?;
        Ok(KeyShare {
            role: self.source.role,
            pair: self.pair,
            generation: self.generation,
            secret,
            points,
            chain_code: self.source.chain_code,
        })
    }
}
