//! Oblivious-transfer set-up of a signing pair: the initialisations of `DKLs23`'s
//! functionalities 3.4 (zero shares) and 3.5 (two-party multiplication).
//!
//! It depends on the session alone, not on the key's shares, so it runs beside generate and
//! reshare in their flights: each party sends [`offer`]'s message with its commitments and
//! [`Offered::answer`]'s with its openings. The set-up of an aborted session is dropped with
//! its state.

use core::fmt;

use dkls23_core::protocols::dkg::TransmitInitMulPhase3to4;
use dkls23_core::protocols::{PartiesMessage, PartyIndex};
use dkls23_core::utilities::multiplication::{MulReceiver, MulSender};
use dkls23_core::utilities::ot::base::{OTReceiver, OTSender};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::commitment::{self, Opening};
use crate::hash::TaggedHash;
use crate::key_share::ShareError;
use crate::session::Sid;
use crate::wire::{Malformed, Reader, Writer};
use crate::{Abort, Check, Role};

type Curve = k256::Secp256k1;
type Scalar = k256::Scalar;

const ZERO_SEED: commitment::Purpose = "zero-share seed";
const SEED_BYTES: usize = 32;

/// The set-up of one signing pair, as one party keeps it. Secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(super) sid: [u8; 32],
    pub(super) zero_seed: [u8; SEED_BYTES],
    pub(super) sender: MulSender<Curve>,
    pub(super) receiver: MulReceiver<Curve>,
}

impl Drop for Setup {
    fn drop(&mut self) {
        // Sender and receiver erase themselves.
        self.zero_seed.zeroize();
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup(…)")
    }
}

impl Setup {
    /// A hash of what must be the same on both sides.
    pub(super) fn digest(&self, role: Role) -> [u8; 32] {
        let (client_receives, server_receives) = match role {
            Role::Client => (&self.receiver.public_gadget, &self.sender.public_gadget),
            Role::Server => (&self.sender.public_gadget, &self.receiver.public_gadget),
        };
        let gadgets = [client_receives, server_receives].into_iter().flatten();
        gadgets
            .fold(
                TaggedHash::new("set-up").field(&self.zero_seed),
                |hash, scalar| hash.field(&scalar.to_bytes()),
            )
            .short()
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Plain fields into memory: postcard has nothing to refuse here, and what is empty
        // does not decode.
        Zeroizing::new(postcard::to_allocvec(self).unwrap_or_default())
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ShareError> {
        let (setup, rest): (Self, _) =
            postcard::take_from_bytes(bytes).map_err(|_| ShareError::Malformed)?;
        let whole = rest.is_empty()
            && setup.sender.check_state().is_ok()
            && setup.receiver.check_state(None).is_ok();
        if whole {
            Ok(setup)
        } else {
            Err(ShareError::Inconsistent)
        }
    }
}

/// After the first message was sent.
pub struct Offered {
    sid: Sid,
    role: Role,
    seed: Zeroizing<[u8; SEED_BYTES]>,
    opening: Opening,
}

/// After the second message was sent.
pub struct Answered {
    sid: Sid,
    role: Role,
    seed: Zeroizing<[u8; SEED_BYTES]>,
    peer_commitment: [u8; 32],
    ot_sender: OTSender<Curve>,
    receiver_nonce: Scalar,
    ot_receiver: OTReceiver,
    correlation: Zeroizing<Vec<bool>>,
    vec_r: Zeroizing<Vec<Scalar>>,
}

impl Drop for Answered {
    fn drop(&mut self) {
        // With the transcript, it gives away both seeds of every base OT.
        self.ot_sender.s.zeroize();
    }
}

/// Begins a set-up.
pub(crate) fn offer(sid: Sid, role: Role, rng: &mut impl CryptoRng) -> (Offered, [u8; 32]) {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    rng.fill_bytes(seed.as_mut_slice());
    let (opening, commitment) = commitment::commit(ZERO_SEED, sid, role, seed.as_slice(), rng);
    (
        Offered {
            sid,
            role,
            seed,
            opening,
        },
        commitment,
    )
}

impl Offered {
    /// Takes the peer's first message; gives the second.
    pub(crate) fn answer(self, peer_commitment: [u8; 32]) -> Result<(Answered, Vec<u8>), Abort> {
        let Self {
            sid,
            role,
            seed,
            opening,
        } = self;
        let (ot_sender, dlog_proof, nonce) =
            MulReceiver::<Curve>::init_phase1(&multiplication_id(sid, role));
        let (ot_receiver, correlation, vec_r, enc_proofs) =
            MulSender::<Curve>::init_phase1(&multiplication_id(sid, role.peer()));
        let transmit = TransmitInitMulPhase3to4::<Curve> {
            parties: parties(role)?,
            dlog_proof,
            nonce,
            enc_proofs,
            seed: ot_receiver.seed,
        };
        let encoded = postcard::to_allocvec(&transmit).map_err(|_| Abort::Engine {
            stage: "encoding the set-up",
        })?;
        let message = Writer::new()
            .sized(opening.reveal())
            .sized(&encoded)
            .finish()
            .to_vec();
        let answered = Answered {
            sid,
            role,
            seed,
            peer_commitment,
            ot_sender,
            receiver_nonce: nonce,
            ot_receiver,
            correlation: Zeroizing::new(correlation),
            vec_r: Zeroizing::new(vec_r),
        };
        Ok((answered, message))
    }
}

impl Answered {
    /// Takes the peer's second message.
    ///
    /// A failure here blames the peer but is no strike: this set-up is dropped, and no
    /// other depends on it.
    pub(crate) fn finish(self, message: &[u8]) -> Result<Setup, Abort> {
        let peer = self.role.peer();
        let malformed = Abort::blame(peer, Check::Encoding);
        let (opening, transmit) = parse(message).map_err(|Malformed| malformed)?;
        let peer_seed =
            commitment::open(ZERO_SEED, self.sid, peer, &self.peer_commitment, opening)?;
        let peer_seed: Zeroizing<[u8; SEED_BYTES]> =
            Zeroizing::new(peer_seed.try_into().map_err(|_| malformed)?);
        let (transmit, rest): (TransmitInitMulPhase3to4<Curve>, _) =
            postcard::take_from_bytes(transmit).map_err(|_| malformed)?;
        if !rest.is_empty() {
            return Err(malformed);
        }
        let expected = parties(peer)?;
        if transmit.parties.sender != expected.sender
            || transmit.parties.receiver != expected.receiver
        {
            return Err(Abort::SessionMismatch {
                difference: "the set-up's parties",
            });
        }
        let unproven = Abort::blame(peer, Check::Setup);
        let receiver = MulReceiver::init_phase2(
            &self.ot_sender,
            &multiplication_id(self.sid, self.role),
            &transmit.seed,
            &transmit.enc_proofs,
            &self.receiver_nonce,
        )
        .map_err(|_| unproven)?;
        let sender = MulSender::init_phase2(
            &self.ot_receiver,
            &multiplication_id(self.sid, peer),
            self.correlation.to_vec(),
            &self.vec_r,
            &transmit.dlog_proof,
            &transmit.nonce,
        )
        .map_err(|_| unproven)?;
        let mut zero_seed = [0; SEED_BYTES];
        for (joint, (ours, theirs)) in zero_seed
            .iter_mut()
            .zip(self.seed.iter().zip(peer_seed.iter()))
        {
            *joint = ours ^ theirs;
        }
        Ok(Setup {
            sid: self.sid.0,
            zero_seed,
            sender,
            receiver,
        })
    }
}

fn parse(message: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut reader = Reader::new(message);
    let fields = (reader.sized()?, reader.sized()?);
    reader.finish()?;
    Ok(fields)
}

/// The id of the multiplication in which `receiver` holds the choice bits.
fn multiplication_id(sid: Sid, receiver: Role) -> [u8; 32] {
    TaggedHash::new("multiplication")
        .field(&sid.0)
        .field(&[receiver.index()])
        .short()
}

pub(super) fn party_index(role: Role) -> Result<PartyIndex, Abort> {
    PartyIndex::new(role.index()).map_err(|_| Abort::Engine {
        stage: "naming the parties",
    })
}

fn parties(sender: Role) -> Result<PartiesMessage, Abort> {
    Ok(PartiesMessage {
        sender: party_index(sender)?,
        receiver: party_index(sender.peer())?,
    })
}
