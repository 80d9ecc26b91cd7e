//! Signing: `DKLs23` Protocol 3.6 for two parties, in two round trips.
//!
//! | flight | | carries |
//! |---|---|---|
//! | 1 | C → S | proof of possession, φ1 |
//! | 2 | S → C | φ1, φ2 |
//! | 3 | C → S | φ2, φ3 |
//! | 4 | S → C | φ3 |
//!
//! φ1 commits to the nonce and begins the multiplications, φ2 ends them, φ3 is a share of the
//! signature. Each party puts the signature together itself and verifies it.

use std::collections::BTreeMap;

use dkls23_core::protocols::derivation::DerivData;
use dkls23_core::protocols::signing::{
    Broadcast3to4, KeepPhase1to2, KeepPhase2to3, SignData, TransmitPhase1to2, TransmitPhase2to3,
    UniqueKeep1to2, UniqueKeep2to3,
};
use dkls23_core::protocols::{
    Abort as EngineAbort, AbortKind, AbortReason, Parameters, Party, PartyIndex,
};
use dkls23_core::utilities::zero_shares::{SeedPair, ZeroShare};
use rand_core::CryptoRng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::setup::{Setup, party_index};
use super::{Secp256k1, Signature, SigningShare};
use crate::envelope::Channel;
use crate::group::Group as _;
use crate::key_share::KeyShare;
use crate::possession::{self, proof_bytes};
use crate::wire::{Malformed, Reader, Writer};
use crate::{
    Abort, Check, HeldMessage, KeyContext, Machine, Message, Operation, Role, Session, Step,
};

type Curve = k256::Secp256k1;
type Kept12 = (
    UniqueKeep1to2<Curve>,
    BTreeMap<PartyIndex, KeepPhase1to2<Curve>>,
);
type Kept23 = (
    UniqueKeep2to3<Curve>,
    BTreeMap<PartyIndex, KeepPhase2to3<Curve>>,
);

/// The client's side of a signature.
pub struct ClientSign(Client);

enum Client {
    AwaitsFlight2 {
        signer: Signer,
        kept: Kept12,
    },
    AwaitsFlight4 {
        signer: Signer,
        x_coord: String,
        own: Broadcast3to4<Curve>,
    },
}

/// The server's side of a signature.
pub struct ServerSign(Server);

#[expect(clippy::large_enum_variant, reason = "one per session, moved twice")]
enum Server {
    AwaitsFlight1 { signer: Signer },
    AwaitsFlight3 { signer: Signer, kept: Kept23 },
}

impl ClientSign {
    /// Begins a signature of a 32-byte digest.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the share is not the client's or is damaged.
    pub fn start(
        session: &Session,
        key: &KeyContext,
        share: SigningShare,
        digest: [u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let mut signer = Signer::new(session, key, share, Role::Client, digest)?;
        let proof = signer.key.prove_possession(&signer.data.sign_id, rng);
        let (unique, kept, phi1) = signer.party.sign_phase1(&signer.data).map_err(engine)?;
        let body = Writer::new()
            .fixed(&proof)
            .sized(&encode(&sole(phi1)?)?)
            .finish();
        let message = signer.channel.seal(&body);
        Ok((
            Self(Client::AwaitsFlight2 {
                signer,
                kept: (unique, kept),
            }),
            message,
        ))
    }
}

impl Machine for ClientSign {
    type Output = Signature;

    fn step(self, message: &[u8], _: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        match self.0 {
            Client::AwaitsFlight2 {
                mut signer,
                kept: (unique, kept),
            } => {
                let body = signer.channel.open(message)?;
                let [phi1, phi2] = signer.fields(body)?;
                let phi1: TransmitPhase1to2 = signer.decode(phi1)?;
                let phi2: TransmitPhase2to3<Curve> = signer.decode(phi2)?;
                let (unique, kept, answer) = signer
                    .party
                    .sign_phase2(&signer.data, unique, kept, &[phi1])
                    .map_err(|abort| signer.blame(&abort))?;
                let (x_coord, own) = signer
                    .party
                    .sign_phase3(&signer.data, unique, kept, &[phi2])
                    .map_err(|abort| signer.blame(&abort))?;
                let body = Writer::new()
                    .sized(&encode(&sole(answer)?)?)
                    .sized(&encode(&own)?)
                    .finish();
                let message = signer.channel.seal(&body);
                Ok(Step::Continue {
                    next: Self(Client::AwaitsFlight4 {
                        signer,
                        x_coord,
                        own,
                    }),
                    message,
                })
            }
            Client::AwaitsFlight4 {
                mut signer,
                x_coord,
                own,
            } => {
                let body = signer.channel.open(message)?;
                let [phi3] = signer.fields(body)?;
                let phi3 = signer.decode(phi3)?;
                let output = signer.finish(&x_coord, own, phi3)?;
                Ok(Step::Finish { output, last: None })
            }
        }
    }
}

impl ServerSign {
    /// Awaits a signature of a 32-byte digest.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the share is not the server's or is damaged.
    pub fn new(
        session: &Session,
        key: &KeyContext,
        share: SigningShare,
        digest: [u8; 32],
    ) -> Result<Self, Abort> {
        let signer = Signer::new(session, key, share, Role::Server, digest)?;
        Ok(Self(Server::AwaitsFlight1 { signer }))
    }
}

impl Machine for ServerSign {
    type Output = Signature;

    fn step(self, message: &[u8], _: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        match self.0 {
            Server::AwaitsFlight1 { mut signer } => {
                let body = signer.channel.open(message)?;
                let mut reader = Reader::new(body);
                let malformed = Abort::blame(Role::Client, Check::Encoding);
                let proof = reader
                    .take(proof_bytes::<Secp256k1>())
                    .map_err(|Malformed| malformed)?;
                possession::verify::<Secp256k1>(
                    &signer.data.sign_id,
                    Role::Client,
                    &signer.key.points.client,
                    proof,
                )?;
                let [phi1] = signer.fields(reader.rest())?;
                let phi1: TransmitPhase1to2 = signer.decode(phi1)?;
                let (unique, kept, own1) =
                    signer.party.sign_phase1(&signer.data).map_err(engine)?;
                let (unique, kept, own2) = signer
                    .party
                    .sign_phase2(&signer.data, unique, kept, &[phi1])
                    .map_err(|abort| signer.blame(&abort))?;
                let body = Writer::new()
                    .sized(&encode(&sole(own1)?)?)
                    .sized(&encode(&sole(own2)?)?)
                    .finish();
                let message = signer.channel.seal(&body);
                Ok(Step::Continue {
                    next: Self(Server::AwaitsFlight3 {
                        signer,
                        kept: (unique, kept),
                    }),
                    message,
                })
            }
            Server::AwaitsFlight3 {
                mut signer,
                kept: (unique, kept),
            } => {
                let body = signer.channel.open(message)?;
                let [phi2, phi3] = signer.fields(body)?;
                let phi2: TransmitPhase2to3<Curve> = signer.decode(phi2)?;
                let phi3: Broadcast3to4<Curve> = signer.decode(phi3)?;
                let (x_coord, own) = signer
                    .party
                    .sign_phase3(&signer.data, unique, kept, &[phi2])
                    .map_err(|abort| signer.blame(&abort))?;
                let body = Writer::new().sized(&encode(&own)?).finish();
                let output = signer.finish(&x_coord, own, phi3)?;
                let last = Some(HeldMessage::new(signer.channel.seal(&body)));
                Ok(Step::Finish { output, last })
            }
        }
    }
}

/// What both sides' states have in common.
struct Signer {
    channel: Channel,
    peer: Role,
    party: Party<Curve>,
    data: SignData,
    key: KeyShare<Secp256k1>,
}

impl Signer {
    fn new(
        session: &Session,
        key: &KeyContext,
        share: SigningShare,
        role: Role,
        digest: [u8; 32],
    ) -> Result<Self, Abort> {
        let SigningShare { key: share, setup } = share;
        share.fits(session, key, role)?;
        let sid = session.sid::<Secp256k1>(key, &digest);
        let data = SignData {
            sign_id: sid.0.to_vec(),
            counterparties: vec![party_index(role.peer())?],
            message_hash: digest,
        };
        Ok(Self {
            channel: Channel::new(role, Operation::Sign, &[sid], share.common_secret()),
            peer: role.peer(),
            party: party(&share, &setup)?,
            data,
            key: share,
        })
    }

    /// Puts the signature together, and verifies it before it leaves.
    fn finish(
        &self,
        x_coord: &str,
        own: Broadcast3to4<Curve>,
        peers: Broadcast3to4<Curve>,
    ) -> Result<Signature, Abort> {
        let (s, recovery_id) = self
            .party
            .sign_phase4(&self.data, x_coord, &[own, peers], true)
            .map_err(|abort| self.blame(&abort))?;
        let bytes = |hex: &str| {
            from_hex(hex).ok_or(Abort::Engine {
                stage: "reading the signature",
            })
        };
        let signature = Signature {
            r: bytes(x_coord)?,
            s: bytes(&s)?,
            recovery_id,
        };
        if signature.verifies(&self.key.points, &self.data.message_hash) {
            Ok(signature)
        } else {
            Err(Abort::blame(self.peer, Check::Signature))
        }
    }

    fn fields<'a, const N: usize>(&self, body: &'a [u8]) -> Result<[&'a [u8]; N], Abort> {
        let mut reader = Reader::new(body);
        let mut fields = [&[] as &[u8]; N];
        let mut parse = || -> Result<(), Malformed> {
            for field in &mut fields {
                *field = reader.sized()?;
            }
            reader.finish()
        };
        parse().map_err(|Malformed| Abort::blame(self.peer, Check::Encoding))?;
        Ok(fields)
    }

    fn decode<T: DeserializeOwned>(&self, field: &[u8]) -> Result<T, Abort> {
        match postcard::take_from_bytes(field) {
            Ok((value, [])) => Ok(value),
            _ => Err(Abort::blame(self.peer, Check::Encoding)),
        }
    }

    /// Whom the engine's abort blames. Its bans are our strikes: a failed consistency check
    /// may leak a bit of the long-lived set-up, so one more try is one too many.
    fn blame(&self, abort: &EngineAbort) -> Abort {
        let check = match &abort.reason {
            AbortReason::SessionBindingMismatch { .. } => {
                return Abort::SessionMismatch {
                    difference: "the signature's binding",
                };
            }
            AbortReason::InvalidLocalState { .. } | AbortReason::PhaseCalledOutOfOrder { .. } => {
                return engine(abort.clone());
            }
            AbortReason::CommitmentMismatch { .. } => Check::Commitment,
            AbortReason::SignatureVerificationFailed | AbortReason::ZeroDenominator => {
                Check::SignatureShare
            }
            AbortReason::TrivialInstancePoint { .. } => Check::Point,
            AbortReason::OtConsistencyCheckFailed { .. }
            | AbortReason::MultiplicationVerificationFailed { .. }
            | AbortReason::GammaUInconsistency { .. }
            | AbortReason::PolynomialInconsistency => Check::Consistency,
            _ => Check::Encoding,
        };
        let strike = matches!(abort.kind, AbortKind::BanCounterparty(_));
        Abort::Blamed {
            party: self.peer,
            check,
            strike,
        }
    }
}

/// The engine's view of a share: a Shamir share `f(i) = x_i / λ_i`, with the set-up.
fn party(share: &KeyShare<Secp256k1>, setup: &Setup) -> Result<Party<Curve>, Abort> {
    let (own, peer) = (share.role, share.role.peer());
    let poly_point = *share.secret * Secp256k1::inverse_lagrange(own.index());
    let pk = share.points.key.to_affine();
    Ok(Party {
        parameters: Parameters::new(2, 2).map_err(|_| Abort::Engine {
            stage: "naming the parties",
        })?,
        party_index: party_index(own)?,
        session_id: setup.sid.to_vec(),
        poly_point,
        pk,
        zero_share: ZeroShare::initialize(vec![SeedPair {
            lowest_index: own.index() < peer.index(),
            index_counterparty: party_index(peer)?,
            seed: setup.zero_seed,
        }]),
        mul_senders: BTreeMap::from([(party_index(peer)?, setup.sender.clone())]),
        mul_receivers: BTreeMap::from([(party_index(peer)?, setup.receiver.clone())]),
        derivation_data: DerivData {
            depth: 0,
            child_number: 0,
            parent_fingerprint: [0; 4],
            poly_point,
            pk,
            chain_code: share.chain_code,
        },
        address: String::new(),
    })
}

fn engine(_: EngineAbort) -> Abort {
    Abort::Engine { stage: "signing" }
}

fn sole<T>(messages: Vec<T>) -> Result<T, Abort> {
    let [message] = <[T; 1]>::try_from(messages).map_err(|_| Abort::Engine {
        stage: "addressing the peer",
    })?;
    Ok(message)
}

fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Abort> {
    postcard::to_allocvec(message).map_err(|_| Abort::Engine {
        stage: "encoding a message",
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
