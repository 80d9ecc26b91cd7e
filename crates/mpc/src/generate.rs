//! Generate: a new key on both curves, shared additively as a signing pair.
//!
//! Each party draws `x_i`, commits to `X_i = x_i·G`, a proof that it knows `x_i`, and its part
//! of the chain code; then both open. `Q = X_C + X_S`; `x` exists nowhere. The commitment
//! keeps either from choosing its `X_i` by the other's. The proof keeps either from
//! making a pair whose share it does not know, which it could never use.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::commitment::{self, Opening};
use crate::ct::reveal;
use crate::ed25519::Ed25519;
use crate::envelope::Channel;
use crate::exchange::{Exchange, Rounds};
use crate::group::{Group, random_scalar};
use crate::hash::TaggedHash;
use crate::possession::{self, proof_bytes};
use crate::secp256k1::Secp256k1;
use crate::secp256k1::setup::{self, ANSWER_BYTES, Answered, Offered};
use crate::session::{Id, Sid};
use crate::shares::Unconfirmed;
use crate::wire::{Writer, fields};
use crate::{
    Abort, BothCurves, Check, KeyContext, KeyShare, KeyShares, Message, Operation, PairKind,
    Points, Role, Session, SigningShares,
};

/// One party's side of a Generate; gives [`SigningShares`].
pub type Generate = Exchange<GenerateRounds>;

/// What Generate does between the flights.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct GenerateRounds {
    secp256k1: Part<Secp256k1>,
    ed25519: Part<Ed25519>,
}

impl Generate {
    /// Begins as the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Generate's.
    pub fn client(
        session: &Session,
        keys: &BothCurves<KeyContext>,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let (rounds, channel) = GenerateRounds::new(Role::Client, session, keys)?;
        Ok(Self::start_client(rounds, channel, rng))
    }

    /// Awaits the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Generate's.
    pub fn server(session: &Session, keys: &BothCurves<KeyContext>) -> Result<Self, Abort> {
        let (rounds, channel) = GenerateRounds::new(Role::Server, session, keys)?;
        Ok(Self::start_server(rounds, channel))
    }
}

impl GenerateRounds {
    fn new(
        role: Role,
        session: &Session,
        keys: &BothCurves<KeyContext>,
    ) -> Result<(Self, Channel), Abort> {
        if session.operation != Operation::Generate {
            return Err(Abort::Engine {
                stage: "taking the session",
            });
        }
        let secp256k1 = Part::new(role, session, &keys.secp256k1)?;
        let ed25519 = Part::new(role, session, &keys.ed25519)?;
        let channel = Channel::new(
            role,
            session.operation,
            &[secp256k1.sid, ed25519.sid],
            // The two share nothing yet; a strike is not possible either.
            Zeroizing::default(),
        );
        Ok((Self { secp256k1, ed25519 }, channel))
    }

    const fn peer(&self) -> Role {
        self.secp256k1.role.peer()
    }
}

impl Rounds for GenerateRounds {
    type Committed = (Contribution<Secp256k1>, Contribution<Ed25519>, Offered);
    type Opened = (Committed<Secp256k1>, Committed<Ed25519>, Answered);
    type Combined = Unconfirmed;
    type Output = SigningShares;

    const CHALLENGE_BYTES: usize = setup::CHALLENGE_BYTES;
    const REPLY_BYTES: usize = setup::REPLY_BYTES;

    fn secret(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::default()
    }

    fn commit(&self, rng: &mut impl CryptoRng) -> (Self::Committed, Vec<u8>) {
        let (secp256k1, commitment_secp256k1) = self.secp256k1.commit(rng);
        let (ed25519, commitment_ed25519) = self.ed25519.commit(rng);
        let offered = Offered::new(self.secp256k1.sid, self.secp256k1.role, rng);
        let body = [commitment_secp256k1, commitment_ed25519, *offered.message()].concat();
        ((secp256k1, ed25519, offered), body)
    }

    fn open(
        &self,
        (secp256k1, ed25519, offered): Self::Committed,
        peer: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self::Opened, Vec<u8>), Abort> {
        let [peer_secp256k1, peer_ed25519, peer_offer] = fields(self.peer(), peer, |body| {
            Ok([body.array()?, body.array()?, body.array()?])
        })?;
        let (answered, answer) = offered.answer(&peer_offer, rng)?;
        let body = Writer::with_capacity(ANSWER_BYTES + 1024)
            .sized(secp256k1.opening.reveal())
            .sized(ed25519.opening.reveal())
            .fixed(&answer)
            .finish()
            .to_vec();
        let opened = (
            Committed {
                own: secp256k1,
                peer: peer_secp256k1,
            },
            Committed {
                own: ed25519,
                peer: peer_ed25519,
            },
            answered,
        );
        Ok((opened, body))
    }

    fn combine(
        &self,
        (secp256k1, ed25519, answered): Self::Opened,
        peer: &[u8],
    ) -> Result<(Unconfirmed, Vec<u8>), Abort> {
        let (opening_secp256k1, opening_ed25519, answer) = fields(self.peer(), peer, |body| {
            Ok((body.sized()?, body.sized()?, body.exact::<ANSWER_BYTES>()?))
        })?;
        let secp256k1 = self.secp256k1.combine(secp256k1, opening_secp256k1)?;
        let ed25519 = self.ed25519.combine(ed25519, opening_ed25519)?;
        let keys = KeyShares { secp256k1, ed25519 };
        Unconfirmed::new(keys, answered, answer)
    }

    fn public(combined: &Unconfirmed) -> Vec<Vec<u8>> {
        combined.public()
    }

    fn reply(&self, combined: &Unconfirmed, challenge: &[u8]) -> Result<Vec<u8>, Abort> {
        combined.reply(challenge)
    }

    fn settle(&self, combined: Unconfirmed, reply: &[u8]) -> Result<SigningShares, Abort> {
        combined.settle(reply)
    }
}

/// Generate on one curve.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Part<G: Group> {
    role: Role,
    pub(crate) sid: Sid,
    pair: Id,
    generation: u64,
    curve: core::marker::PhantomData<G>,
}

const CONTRIBUTION: commitment::Purpose = "key contribution";
const CHAIN_CODE_BYTES: usize = 32;

/// What this party contributes to the key.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Contribution<G: Group> {
    pub(crate) x: Zeroizing<G::Scalar>,
    point: G::Point,
    pub(crate) chain_code: [u8; CHAIN_CODE_BYTES],
    opening: Opening,
}

/// Both parties have committed themselves.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Committed<G: Group> {
    pub(crate) own: Contribution<G>,
    pub(crate) peer: [u8; 32],
}

impl<G: Group> Part<G> {
    pub(crate) fn new(role: Role, session: &Session, key: &KeyContext) -> Result<Self, Abort> {
        let pair = key.new_pair.ok_or(Abort::Engine {
            stage: "naming the new pair",
        })?;
        Ok(Self {
            role,
            sid: session.sid::<G>(key, &[]),
            pair,
            generation: session.generation,
            curve: core::marker::PhantomData,
        })
    }

    pub(crate) fn commit(&self, rng: &mut impl CryptoRng) -> (Contribution<G>, [u8; 32]) {
        let x = random_scalar::<G>(rng);
        // Both parties will know it.
        let point = reveal(G::base_mul(&x));
        let proof = possession::prove::<G>(&self.sid.0, self.role, &x, &point, rng);
        let mut chain_code = [0; CHAIN_CODE_BYTES];
        rng.fill_bytes(&mut chain_code);
        let chain_code = reveal(chain_code);
        let value = [G::encode_point(&point).as_slice(), &proof, &chain_code].concat();
        let (opening, commitment) =
            commitment::commit(CONTRIBUTION, self.sid, self.role, &value, rng);
        (
            Contribution {
                x,
                point,
                chain_code,
                opening,
            },
            commitment,
        )
    }

    pub(crate) fn combine(
        &self,
        committed: Committed<G>,
        opening: &[u8],
    ) -> Result<KeyShare<G>, Abort> {
        let Committed {
            own,
            peer: peer_commitment,
        } = committed;
        let peer = self.role.peer();
        let value = commitment::open(CONTRIBUTION, self.sid, peer, &peer_commitment, opening)?;
        let (point, proof, peer_chain_code) = fields(peer, value, |value| {
            Ok((
                value.take(G::POINT_BYTES)?,
                value.take(proof_bytes::<G>())?,
                value.array::<CHAIN_CODE_BYTES>()?,
            ))
        })?;
        let point = G::decode_point(point).ok_or(Abort::blame(peer, Check::Point))?;
        // Two honest parties never draw the same; a copied contribution would make Q = 2·X.
        if point == own.point || peer_chain_code == own.chain_code {
            return Err(Abort::blame(peer, Check::Contribution));
        }
        possession::verify::<G>(&self.sid.0, peer, &point, proof)?;
        let (client, server, first, second) = match self.role {
            Role::Client => (own.point, point, own.chain_code, peer_chain_code),
            Role::Server => (point, own.point, peer_chain_code, own.chain_code),
        };
        let points = Points::join(client, server).ok_or(Abort::blame(peer, Check::Key))?;
        let chain_code = TaggedHash::new("chain code")
            .field(&self.sid.0)
            .field(&first)
            .field(&second)
            .short();
        Ok(KeyShare {
            role: self.role,
            kind: PairKind::Signing,
            pair: self.pair,
            generation: self.generation,
            secret: own.x,
            points,
            chain_code,
        })
    }
}
