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
//! check          b_i·R_j − Γ^u_j ≟ d^u_i·G             b_i·X_j − Γ^v_j ≟ d^v_i·G
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

use k256::elliptic_curve::ops::Reduce as _;
use k256::elliptic_curve::{BatchNormalize as _, Group as _};
use k256::{FieldBytes, ProjectivePoint, Scalar};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::group::encode_affine;
use super::setup::Setup;
use super::signature::x_coordinate;
use super::vole::{self, ALICE_BYTES, AliceMessage, BOB_BYTES, Bob, Shares};
use super::{Secp256k1, Signature, SigningShare};
use crate::commitment::{self, Opening};
use crate::ct::{declassify, reveal};
use crate::envelope::Channel;
use crate::exchange::fields;
use crate::group::{Group as _, random_scalar};
use crate::hash::TaggedHash;
use crate::hedged::Hedged;
use crate::key_share::KeyShare;
use crate::possession::{self, proof_bytes};
use crate::wire::{Malformed, Reader};
use crate::{Abort, Check, HeldMessage, KeyContext, Machine, Message, Points, Role, Session, Step};

const NONCE_POINT: commitment::Purpose = "nonce point";
const POINT_BYTES: usize = Secp256k1::POINT_BYTES;
const SCALAR_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;
const OPENING_BYTES: usize = commitment::SALT_BYTES + POINT_BYTES;
/// Alice's message, Γ^u, Γ^v, ψ.
const PRODUCT_BYTES: usize = ALICE_BYTES + 2 * POINT_BYTES + SCALAR_BYTES;

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
    /// Nothing secret is left.
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
                let d = signer.check(bob, &peer_point, fresh, &product)?;
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
                let d = signer.check(bob, &peer_point, fresh, &product)?;
                let r_x = signer.r_x(&instance, &peer_point)?;
                let own = signer.shares(&instance, &r_x, &product.psi, &c, &d);
                let output = signer.finish(&r_x, [own, (w, u)])?;
                let last = Some(HeldMessage::new(signer.channel.seal(&output.s)));
                Ok(Step::Finish { output, last })
            }
        }
    }
}

/// What a party draws for one signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
struct Instance {
    r: Zeroizing<Scalar>,
    point: ProjectivePoint,
    encoded: Vec<u8>,
    phi: Zeroizing<Scalar>,
}

impl Instance {
    fn draw(rng: &mut impl CryptoRng) -> Self {
        let r = random_scalar::<Secp256k1>(rng);
        let point = ProjectivePoint::mul_by_generator(&r);
        Self {
            encoded: Secp256k1::encode_point(&point),
            point,
            r,
            phi: random_scalar::<Secp256k1>(rng),
        }
    }
}

/// What each party drew for this signature, as both know it: the client's commitment, the server's R_S.
/// The multiplications hang on both, so that they do not repeat where a session does.
#[derive(Clone, Copy)]
struct Fresh<'a> {
    own: &'a [u8],
    peer: &'a [u8],
}

/// What the peer sends as Alice; its points as bytes, then decoded.
struct Product<'a, P> {
    alice: AliceMessage<'a>,
    gamma_u: P,
    gamma_v: P,
    psi: Scalar,
}

impl<'a> Product<'a, &'a [u8]> {
    fn read(body: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            alice: AliceMessage::read(body)?,
            gamma_u: body.take(POINT_BYTES)?,
            gamma_v: body.take(POINT_BYTES)?,
            psi: scalar(body)?,
        })
    }
}

fn scalar(body: &mut Reader<'_>) -> Result<Scalar, Malformed> {
    Secp256k1::decode_scalar(&body.array()?).ok_or(Malformed)
}

/// What a party knows of the signature from the beginning.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
struct Signer {
    channel: Channel,
    key: KeyShare<Secp256k1>,
    setup: Setup,
    sid: crate::session::Sid,
    digest: [u8; 32],
}

impl Signer {
    fn new(
        session: &Session,
        key: &KeyContext,
        share: SigningShare,
        role: Role,
        digest: [u8; 32],
    ) -> Result<Self, Abort> {
        share.key.fits(session, key, role)?;
        let sid = session.sid::<Secp256k1>(key, &digest);
        Ok(Self {
            channel: share.channel(role, sid),
            key: share.key,
            setup: share.setup,
            sid,
            digest,
        })
    }

    const fn peer(&self) -> Role {
        self.key.role.peer()
    }

    fn hedged(&self, flight: &'static str, rng: &mut impl CryptoRng) -> Hedged {
        let secret = Secp256k1::encode_scalar(&self.key.secret);
        Hedged::new(flight, self.channel.transcript(), secret.as_slice(), rng)
    }

    fn read<'a, T>(
        &self,
        body: &'a [u8],
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Abort> {
        fields(self.peer(), body, read)
    }

    fn point(&self, bytes: &[u8]) -> Result<ProjectivePoint, Abort> {
        Secp256k1::decode_point(bytes).ok_or(Abort::blame(self.peer(), Check::Point))
    }

    fn points<'a>(
        &self,
        product: Product<'a, &[u8]>,
    ) -> Result<Product<'a, ProjectivePoint>, Abort> {
        Ok(Product {
            alice: product.alice,
            gamma_u: self.point(product.gamma_u)?,
            gamma_v: self.point(product.gamma_v)?,
            psi: product.psi,
        })
    }

    /// Names the multiplication in which `alice` is Alice, and Bob has drawn `bob_fresh`.
    fn multiplication(&self, alice: Role, bob_fresh: &[u8]) -> [u8; 32] {
        TaggedHash::new("multiplication")
            .field(&self.sid.0)
            .field(&[alice.index()])
            .field(bob_fresh)
            .short()
    }

    fn start_bob(&self, fresh: &[u8], rng: &mut impl CryptoRng, message: &mut Vec<u8>) -> Bob {
        let session = self.multiplication(self.peer(), fresh);
        Bob::start(&self.setup.bob, &session, rng, message)
    }

    /// As Alice: multiplies (r, x) by the peer's b, and writes this party's product to `message`. Gives c.
    fn multiply(
        &self,
        instance: &Instance,
        own_b: &Scalar,
        peer_bob: &[u8; BOB_BYTES],
        fresh: Fresh<'_>,
        rng: &mut impl CryptoRng,
        message: &mut Vec<u8>,
    ) -> Result<Shares, Abort> {
        let session = self.multiplication(self.key.role, fresh.peer);
        let a = Zeroizing::new([*instance.r, *self.key.secret]);
        let seeds = &self.setup.alice;
        let c = vole::alice(seeds, &session, fresh.own, peer_bob, &a, rng, message)
            .map_err(|check| Abort::blame(self.peer(), check))?;
        let [u, v] = &*c;
        let gammas = [u, v].map(ProjectivePoint::mul_by_generator);
        for gamma in ProjectivePoint::batch_normalize(&gammas) {
            message.extend_from_slice(&encode_affine(&gamma));
        }
        message.extend_from_slice(&(*instance.phi - own_b).to_bytes());
        Ok(c)
    }

    /// As Bob: takes the peer's product, and ties it to R_j and X_j. Gives d.
    fn check(
        &self,
        bob: Bob,
        peer_point: &ProjectivePoint,
        fresh: Fresh<'_>,
        product: &Product<'_, ProjectivePoint>,
    ) -> Result<Shares, Abort> {
        let b = Zeroizing::new(*bob.factor());
        let d = bob
            .finish(fresh.peer, &product.alice)
            .map_err(|check| Abort::blame(self.peer(), check))?;
        let key_point = self.key.points.of(self.peer());
        let [d_u, d_v] = &*d;
        let relation = |point: &ProjectivePoint, gamma: &ProjectivePoint, d: &Scalar| {
            (*point * *b - gamma - ProjectivePoint::mul_by_generator(d)).is_identity()
        };
        let holds = relation(peer_point, &product.gamma_u, d_u)
            & relation(key_point, &product.gamma_v, d_v);
        if declassify(holds) {
            Ok(d)
        } else {
            Err(Abort::blame(self.peer(), Check::Relation))
        }
    }

    /// r_x, the x of R modulo q; refuses the identity, which two honest parties never meet.
    fn r_x(&self, instance: &Instance, peer_point: &ProjectivePoint) -> Result<Scalar, Abort> {
        let point = reveal(instance.point + peer_point);
        if Secp256k1::is_identity(&point) {
            return Err(Abort::blame(self.peer(), Check::Contribution));
        }
        Ok(x_coordinate(&point).0)
    }

    /// (w, u) of this party.
    fn shares(
        &self,
        instance: &Instance,
        r_x: &Scalar,
        peer_psi: &Scalar,
        c: &Shares,
        d: &Shares,
    ) -> (Scalar, Scalar) {
        let ([c_u, c_v], [d_u, d_v]) = (&**c, &**d);
        let mask = Zeroizing::new(*instance.phi + peer_psi);
        let u = *instance.r * *mask + c_u + d_u;
        let v = Zeroizing::new(*self.key.secret * *mask + c_v + d_v);
        let w = self.m() * *instance.phi + *r_x * *v;
        (w, u)
    }

    fn m(&self) -> Scalar {
        Scalar::reduce(&FieldBytes::from(self.digest))
    }

    /// Puts the signature together, and verifies it before it leaves.
    fn finish(
        &self,
        r_x: &Scalar,
        [(w, u), (peer_w, peer_u)]: [(Scalar, Scalar); 2],
    ) -> Result<Signature, Abort> {
        let blamed = Abort::blame(self.peer(), Check::Signature);
        let inverse = (u + peer_u).invert();
        if !declassify(inverse.is_some()) {
            return Err(blamed);
        }
        let s = reveal((w + peer_w) * inverse.unwrap_or(Scalar::ZERO));
        Signature::low(r_x, &s, &self.key.points, &self.digest).ok_or(blamed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Instance, Signer};
    use crate::attack::scenes::{DIGEST, SIGNING, context, seeded, session, signing_pair};
    use crate::{Abort, Check, Operation, Role};

    /// R = O. Neither party can bring this about, but by chance; and then it shows.
    #[test]
    fn nonces_that_cancel_out_are_refused() {
        let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
        let (client, _) = signing_pair().unwrap();
        let share = client.secp256k1;
        let signer = Signer::new(&session, &key, share, Role::Client, DIGEST).unwrap();
        let instance = Instance::draw(&mut seeded("nonce"));
        assert_eq!(
            signer.r_x(&instance, &-instance.point).err(),
            Some(Abort::blame(Role::Server, Check::Contribution))
        );
        assert!(signer.r_x(&instance, &instance.point).is_ok());
    }
}
