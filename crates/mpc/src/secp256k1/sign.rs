//! Signing: `DKLs23` (ePrint 2023/765) Protocol 3.6 for two parties, in two round trips.
//!
//! | flight | | carries |
//! |---|---|---|
//! | 1 | C → S | proof of possession; commitment to R_C; C as Bob |
//! | 2 | S → C | S as Bob; R_S; S as Alice, Γ_S, ψ_S |
//! | 3 | C → S | R_C's opening; C as Alice, Γ_C, ψ_C; w_C, u_C |
//! | 4 | S → C | s |
//!
//! Party i has x_i, and draws r_i (its part of the nonce) and φ_i (its part of the inverse's mask).
//! As Alice it multiplies (r_i, x_i) by the b_j that the peer drew as Bob: `c^u_i + d^u_j = r_i·b_j` and
//! `c^v_i + d^v_j = x_i·b_j` (the paper's χ is b here; see `vole`). Then
//!
//! ```text
//! R_i = r_i·G    Γ^u_i = c^u_i·G    Γ^v_i = c^v_i·G    ψ_i = φ_i − b_i
//! check          b_i·R_j − Γ^u_j ≟ d^u_i·G             b_i·X_j − Γ^v_j ≟ d^v_i·G    (both at once, under a random weight)
//! R = R_C + R_S  u_i = r_i·(φ_i + ψ_j) + c^u_i + d^u_i  v_i = x_i·(φ_i + ψ_j) + c^v_i + d^v_i
//! w_i = m·φ_i + r_x·v_i                                 s = (w_C + w_S) / (u_C + u_S)
//! ```
//!
//! With φ = φ_C + φ_S, `Σu = r·φ` and `Σw = φ·(m + r_x·x)`.
//!
//! # Where this is less than the paper's, and why that is enough
//!
//! - **Only C commits to R.** S speaks second: a commitment that it would open in the same message binds
//!   it to nothing more. What matters is that neither can choose its R_i by the other's: S has
//!   sent R_S before it sees R_C, and C is bound to R_C before it sees R_S.
//! - **No zero-sharing ζ, no pk_i.** The paper re-randomises t-of-n shares, so it must send pk_i and check
//!   `Σ pk_i = pk`. Two additive shares need none: X_C and X_S are public since the pair was made, and each
//!   party checks against the X_j that it *stored*, with `X_C + X_S = Q` checked when the share is read.
//! - **S sends s alone.** C knows R, and verifies.
//!
//! # What falls without which part
//!
//! - **The checks of Γ.** They are what ties the multiplications to R_j and X_j. Without the first, a
//!   peer multiplies by another r than that of R_j, without the second by another x, and the
//!   difference times b_i comes back to it in (w_i, u_i) or in whether the signature verifies.
//! - **Parsing before checking.** A message is read to its end, and refused as malformed, before
//!   anything secret is looked at: how a malformed message fails tells nothing, so it is no strike.
//! - **No answer between checks.** (w_C, u_C) leave after all of S's flight 2 has passed, s after all
//!   of C's flight 3.
//! - **Verification at the end.** u_j and w_j are not checked by themselves; a false one gives a signature that does not
//!   verify, and nothing leaves. That is blamed but no strike: the sender knew beforehand.

use k256::Scalar;
use rand_core::CryptoRng;

use super::signer::{
    COMMITMENT_BYTES, Fresh, Instance, OPENING_BYTES, POINT_BYTES, PRODUCT_BYTES, Product, Signer,
};
use super::vole::{BOB_BYTES, Bob, SCALAR_BYTES, Shares, scalar};
use super::{Secp256k1, Signature, SigningShare};
use crate::commitment::{self, Opening};
use crate::envelope::Channel;
use crate::possession::{self, proof_bytes};
use crate::wire::{Reader, fields};
use crate::{Abort, Check, HeldMessage, KeyContext, Machine, Message, Points, Role, Session, Step};

const NONCE_POINT: commitment::Purpose = "nonce point";

const FLIGHT_1_BYTES: usize = proof_bytes::<Secp256k1>() + COMMITMENT_BYTES + BOB_BYTES;
const FLIGHT_2_BYTES: usize = BOB_BYTES + POINT_BYTES + PRODUCT_BYTES;
const FLIGHT_3_BYTES: usize = OPENING_BYTES + PRODUCT_BYTES + 2 * SCALAR_BYTES;

/// The client's side of a signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct ClientSign(Client);

#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
#[expect(clippy::large_enum_variant, reason = "one per session, moved twice")]
enum Client {
    AwaitsFlight2 {
        signer: Signer,
        instance: Instance,
        commitment: [u8; COMMITMENT_BYTES],
        opening: Opening,
        bob: Bob,
    },
    /// Of the share, nothing is left but the transcripts' key.
    AwaitsFlight4 {
        channel: Channel,
        points: Points<Secp256k1>,
        digest: [u8; 32],
        r_x: Scalar,
    },
}

/// The server's side of a signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct ServerSign(Server);

#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
#[expect(clippy::large_enum_variant, reason = "one per session, moved twice")]
enum Server {
    AwaitsFlight1 {
        signer: Signer,
    },
    AwaitsFlight3 {
        signer: Signer,
        instance: Instance,
        commitment: [u8; COMMITMENT_BYTES],
        bob: Bob,
        c: Shares,
    },
}

impl ClientSign {
    /// Begins a signature of a 32-byte digest.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the share is not the client's, or not of this pair and session.
    pub fn start(
        session: &Session,
        key: &KeyContext,
        share: SigningShare,
        digest: [u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let mut signer = Signer::new(session, key, share, Role::Client, digest)?;
        let rng = &mut signer.hedged("flight 1", rng);
        let mut body = Vec::with_capacity(FLIGHT_1_BYTES);
        body.extend_from_slice(&signer.key.prove_possession(&signer.sid.0, rng));
        let instance = Instance::draw(rng);
        let (opening, commitment) = commitment::commit(
            NONCE_POINT,
            signer.sid,
            Role::Client,
            &instance.encoded,
            rng,
        );
        body.extend_from_slice(&commitment);
        let bob = signer.start_bob(&commitment, rng, &mut body);
        let message = signer.channel.seal(&body);
        Ok((
            Self(Client::AwaitsFlight2 {
                signer,
                instance,
                commitment,
                opening,
                bob,
            }),
            message,
        ))
    }
}

impl Machine for ClientSign {
    type Output = Signature;

    fn step(self, message: &[u8], rng: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        match self.0 {
            Client::AwaitsFlight2 {
                mut signer,
                instance,
                commitment,
                opening,
                bob,
            } => {
                let body = signer.channel.open(message)?;
                let rng = &mut signer.hedged("flight 3", rng);
                let (peer_bob, peer_point, product) = signer.read(body, |body| {
                    Ok((
                        body.exact::<BOB_BYTES>()?,
                        body.take(POINT_BYTES)?,
                        Product::read(body)?,
                    ))
                })?;
                let fresh = Fresh {
                    own: &commitment,
                    peer: peer_point,
                };
                let peer_point = signer.point(peer_point)?;
                let product = signer.points(product)?;

                let mut body = Vec::with_capacity(FLIGHT_3_BYTES);
                body.extend_from_slice(opening.reveal());
                let own_b = bob.factor();
                let c = signer.multiply(&instance, own_b, peer_bob, fresh, rng, &mut body)?;
                let d = signer.check(bob, &peer_point, fresh, &product, rng)?;
                let r_x = signer.r_x(&instance, &peer_point)?;
                let (w, u) = signer.shares(&instance, &r_x, &product.psi, &c, &d);
                body.extend_from_slice(&w.to_bytes());
                body.extend_from_slice(&u.to_bytes());
                let message = signer.channel.seal(&body);
                Ok(Step::Continue {
                    next: Self(Client::AwaitsFlight4 {
                        channel: signer.channel,
                        points: signer.key.points,
                        digest: signer.digest,
                        r_x,
                    }),
                    message,
                })
            }
            Client::AwaitsFlight4 {
                mut channel,
                points,
                digest,
                r_x,
            } => {
                let body = channel.open(message)?;
                let s = fields(Role::Server, body, Reader::array)?;
                let output = Signature::complete(&r_x, &s, &points, &digest)
                    .ok_or(Abort::blame(Role::Server, Check::Signature))?;
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
    /// [`Abort::Engine`] if the share is not the server's, or not of this pair and session.
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

    fn step(self, message: &[u8], rng: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        match self.0 {
            Server::AwaitsFlight1 { mut signer } => {
                let body = signer.channel.open(message)?;
                let rng = &mut signer.hedged("flight 2", rng);
                let (proof, commitment, peer_bob) = signer.read(body, |body| {
                    Ok((
                        body.take(proof_bytes::<Secp256k1>())?,
                        body.array()?,
                        body.exact::<BOB_BYTES>()?,
                    ))
                })?;
                let point = &signer.key.points.client;
                possession::verify::<Secp256k1>(&signer.sid.0, Role::Client, point, proof)?;

                let instance = Instance::draw(rng);
                let mut body = Vec::with_capacity(FLIGHT_2_BYTES);
                let bob = signer.start_bob(&instance.encoded, rng, &mut body);
                body.extend_from_slice(&instance.encoded);
                let fresh = Fresh {
                    own: &instance.encoded,
                    peer: &commitment,
                };
                let own_b = bob.factor();
                let c = signer.multiply(&instance, own_b, peer_bob, fresh, rng, &mut body)?;
                let message = signer.channel.seal(&body);
                Ok(Step::Continue {
                    next: Self(Server::AwaitsFlight3 {
                        signer,
                        instance,
                        commitment,
                        bob,
                        c,
                    }),
                    message,
                })
            }
            Server::AwaitsFlight3 {
                mut signer,
                instance,
                commitment,
                bob,
                c,
            } => {
                let body = signer.channel.open(message)?;
                let (opening, product, w, u) = signer.read(body, |body| {
                    Ok((
                        body.take(OPENING_BYTES)?,
                        Product::read(body)?,
                        scalar(body)?,
                        scalar(body)?,
                    ))
                })?;
                let peer_point =
                    commitment::open(NONCE_POINT, signer.sid, Role::Client, &commitment, opening)?;
                let peer_point = signer.point(peer_point)?;
                let product = signer.points(product)?;

                let fresh = Fresh {
                    own: &instance.encoded,
                    peer: &commitment,
                };
                let rng = &mut signer.hedged("flight 4", rng);
                let d = signer.check(bob, &peer_point, fresh, &product, rng)?;
                let r_x = signer.r_x(&instance, &peer_point)?;
                let own = signer.shares(&instance, &r_x, &product.psi, &c, &d);
                let output = signer.finish(&r_x, [own, (w, u)])?;
                let last = Some(HeldMessage::new(signer.channel.seal(&output.s)));
                Ok(Step::Finish { output, last })
            }
        }
    }
}
