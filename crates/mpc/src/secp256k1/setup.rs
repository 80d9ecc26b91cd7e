//! Set-up of a signing pair: the base OTs of both directions.
//!
//! Each party multiplies as Alice and as Bob in every signature, so the two directions of
//! [`base_ot`] run beside generate and reshare, in their flights: each party sends
//! [`Offered::message`] with its commitments and [`Offered::answer`]'s with its openings; then a challenge, and a
//! reply to the peer's. Nothing here depends on the key's shares. The set-up of an aborted session is dropped with its state, and every signing pair has one of
//! its own: a pair that was struck cannot take its Δ along.
//!
//! Seeds are kept, not what they expand to: 6,160 bytes a party.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::base_ot::{self, BothSeeds, ChosenSeeds, NotAPoint, OFFER_BYTES, OTS, Seed, Unequal};
pub(crate) use super::base_ot::{ANSWER_BYTES, CHALLENGE_BYTES, REPLY_BYTES};
use crate::ct::{declassify, mark_secret};
use crate::hash::TaggedHash;
use crate::session::Sid;
use crate::wire::{Malformed, Reader, Writer};
use crate::{Abort, Check, Role};

/// What the holder of Δ keeps for being Alice.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct AliceSeeds {
    pub(super) delta: Zeroizing<u128>,
    pub(super) seeds: ChosenSeeds,
}

/// The set-up of one signing pair, as one party keeps it. Secret; erased when dropped.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Setup {
    /// For the multiplications in which this party is Alice.
    pub(super) alice: AliceSeeds,
    /// For those in which it is Bob.
    pub(super) bob: BothSeeds,
}

/// Length of an encoded set-up: Δ, the seeds that it chose, and both seeds of the other direction.
pub(super) const SETUP_BYTES: usize = (1 + OTS + 2 * OTS) * size_of::<Seed>();

/// After the first message was made.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Offered {
    sid: Sid,
    role: Role,
    sender: base_ot::Sender,
}

/// After the second message was made.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Answered {
    sid: Sid,
    role: Role,
    sender: base_ot::Sender,
    alice: AliceSeeds,
}

impl Offered {
    /// Begins a set-up.
    pub(crate) fn new(sid: Sid, role: Role, rng: &mut impl CryptoRng) -> Self {
        let sender = base_ot::Sender::new(label(sid, role), rng);
        Self { sid, role, sender }
    }

    /// The first message.
    pub(crate) const fn message(&self) -> &[u8; OFFER_BYTES] {
        self.sender.offer()
    }

    /// Takes the peer's first message; gives the second.
    pub(crate) fn answer(
        self,
        peer_offer: &[u8; OFFER_BYTES],
        rng: &mut impl CryptoRng,
    ) -> Result<(Answered, Vec<u8>), Abort> {
        let Self { sid, role, sender } = self;
        let mut delta = Zeroizing::new(Seed::default());
        rng.fill_bytes(delta.as_mut_slice());
        let delta = Zeroizing::new(u128::from_le_bytes(*delta));
        let (message, seeds) = base_ot::receive(label(sid, role.peer()), peer_offer, *delta, rng)
            .map_err(|NotAPoint| Abort::blame(role.peer(), Check::Point))?;
        let answered = Answered {
            sid,
            role,
            sender,
            alice: AliceSeeds { delta, seeds },
        };
        Ok((answered, message))
    }
}

impl Answered {
    /// Takes the peer's second message; gives this party's challenge.
    ///
    /// A failure, here and in what follows, blames the peer but is no strike: this set-up is
    /// dropped, and no other depends on it.
    pub(crate) fn finish(
        self,
        message: &[u8; ANSWER_BYTES],
    ) -> Result<(Challenged, [u8; CHALLENGE_BYTES]), Abort> {
        let Self {
            sid,
            role,
            sender,
            alice,
        } = self;
        let bob = sender
            .finish(message)
            .map_err(|NotAPoint| Abort::blame(role.peer(), Check::Point))?;
        let (challenge, expected) = base_ot::challenge(&label(sid, role), &bob);
        let challenged = Challenged {
            sid,
            role,
            expected,
            setup: Setup { alice, bob },
        };
        Ok((challenged, challenge))
    }
}

/// After this party's challenge was made.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Challenged {
    sid: Sid,
    role: Role,
    expected: [u8; REPLY_BYTES],
    setup: Setup,
}

impl Challenged {
    /// Takes the peer's challenge; gives the reply to it.
    pub(crate) fn reply(
        &self,
        challenge: &[u8; CHALLENGE_BYTES],
    ) -> Result<[u8; REPLY_BYTES], Abort> {
        let peer = self.role.peer();
        let AliceSeeds { delta, seeds } = &self.setup.alice;
        base_ot::reply(&label(self.sid, peer), **delta, seeds, challenge)
            .map_err(|Unequal| Abort::blame(peer, Check::Setup))
    }

    /// Takes the peer's reply to this party's challenge.
    pub(crate) fn settle(self, reply: &[u8; REPLY_BYTES]) -> Result<Setup, Abort> {
        if declassify(self.expected.ct_eq(reply)) {
            Ok(self.setup)
        } else {
            Err(Abort::blame(self.role.peer(), Check::Setup))
        }
    }
}

impl Setup {
    /// Δ ‖ k_Δ ‖ (k_0, k_1): 16 bytes each.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::with_capacity(SETUP_BYTES)
            .fixed(Zeroizing::new(self.alice.delta.to_le_bytes()).as_slice())
            .fixed(self.alice.seeds.as_flattened())
            .fixed(self.bob.as_flattened().as_flattened())
            .finish()
    }

    pub(super) fn decode(bytes: &[u8; SETUP_BYTES]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut delta = Zeroizing::new(u128::from_le_bytes(reader.array()?));
        let mut seeds = Box::new(Zeroizing::new([Seed::default(); OTS]));
        for seed in seeds.iter_mut() {
            *seed = reader.array()?;
        }
        let mut bob = Box::new(Zeroizing::new([[Seed::default(); 2]; OTS]));
        for seed in bob.as_flattened_mut() {
            *seed = reader.array()?;
        }
        reader.finish()?;
        mark_secret(&mut *delta);
        mark_secret(&mut **seeds);
        mark_secret(&mut **bob);
        Ok(Self {
            alice: AliceSeeds { delta, seeds },
            bob,
        })
    }
}

/// Names the session, and the direction by the base OTs' sender.
fn label(sid: Sid, sender: Role) -> [u8; 32] {
    TaggedHash::new("base OT session")
        .field(&sid.0)
        .field(&[sender.index()])
        .short()
}
