//! What one party computes in `DKLs23` Protocol 3.6; `sign` says when, and what falls without which check.

use k256::elliptic_curve::ops::{MulVartime as _, Reduce as _};
use k256::elliptic_curve::{BatchNormalize as _, Group as _};
use k256::{FieldBytes, ProjectivePoint, Scalar};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::group::encode_affine;
use super::setup::Setup;
use super::signature::x_coordinate;
use super::vole::{self, ALICE_BYTES, AliceMessage, BOB_BYTES, Bob, SCALAR_BYTES, Shares, scalar};
use super::{Secp256k1, Signature, SigningShare};
use crate::commitment;
use crate::ct::{declassify, reveal};
use crate::envelope::Channel;
use crate::group::{Group as _, random_scalar};
use crate::hash::TaggedHash;
use crate::hedged::Hedged;
use crate::key_share::KeyShare;
use crate::session::Sid;
use crate::wire::{Malformed, Reader, fields};
use crate::{Abort, Check, KeyContext, Role, Session};

pub(super) const POINT_BYTES: usize = Secp256k1::POINT_BYTES;
pub(super) const COMMITMENT_BYTES: usize = 32;
pub(super) const OPENING_BYTES: usize = commitment::SALT_BYTES + POINT_BYTES;
/// Alice's message, Γ^u, Γ^v, ψ.
pub(super) const PRODUCT_BYTES: usize = ALICE_BYTES + 2 * POINT_BYTES + SCALAR_BYTES;

/// What a party draws for one signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct Instance {
    r: Zeroizing<Scalar>,
    pub(super) point: ProjectivePoint,
    pub(super) encoded: Vec<u8>,
    phi: Zeroizing<Scalar>,
}

impl Instance {
    pub(super) fn draw(rng: &mut impl CryptoRng) -> Self {
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
pub(super) struct Fresh<'a> {
    pub(super) own: &'a [u8],
    pub(super) peer: &'a [u8],
}

/// What the peer sends as Alice; its points as bytes, then decoded.
pub(super) struct Product<'a, P> {
    pub(super) alice: AliceMessage<'a>,
    gamma_u: P,
    gamma_v: P,
    pub(super) psi: Scalar,
}

impl<'a> Product<'a, &'a [u8]> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            alice: AliceMessage::read(body)?,
            gamma_u: body.take(POINT_BYTES)?,
            gamma_v: body.take(POINT_BYTES)?,
            psi: scalar(body)?,
        })
    }
}

/// What a party knows of the signature from the beginning.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct Signer {
    pub(super) channel: Channel,
    pub(super) key: KeyShare<Secp256k1>,
    setup: Setup,
    pub(super) sid: Sid,
    pub(super) digest: [u8; 32],
}

impl Signer {
    pub(super) fn new(
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

    pub(super) fn hedged(&self, flight: &'static str, rng: &mut impl CryptoRng) -> Hedged {
        let secret = Secp256k1::encode_scalar(&self.key.secret);
        Hedged::new(flight, self.channel.transcript(), secret.as_slice(), rng)
    }

    pub(super) fn read<'a, T>(
        &self,
        body: &'a [u8],
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Abort> {
        fields(self.peer(), body, read)
    }

    pub(super) fn point(&self, bytes: &[u8]) -> Result<ProjectivePoint, Abort> {
        Secp256k1::decode_point(bytes).ok_or(Abort::blame(self.peer(), Check::Point))
    }

    pub(super) fn points<'a>(
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

    pub(super) fn start_bob(
        &self,
        fresh: &[u8],
        rng: &mut impl CryptoRng,
        message: &mut Vec<u8>,
    ) -> Bob {
        let session = self.multiplication(self.peer(), fresh);
        Bob::start(&self.setup.bob, &session, rng, message)
    }

    /// As Alice: multiplies (r, x) by the peer's b, and writes this party's product to `message`. Gives c.
    pub(super) fn multiply(
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
    ///
    /// Both relations at once, the second weighted with a random e of λ_s = 80 bits: where one is false, so is the
    /// sum, but for one e at most.
    pub(super) fn check(
        &self,
        bob: Bob,
        peer_point: &ProjectivePoint,
        fresh: Fresh<'_>,
        product: &Product<'_, ProjectivePoint>,
        rng: &mut impl CryptoRng,
    ) -> Result<Shares, Abort> {
        let b = Zeroizing::new(*bob.factor());
        let d = bob
            .finish(fresh.peer, &product.alice)
            .map_err(|check| Abort::blame(self.peer(), check))?;
        let key_point = self.key.points.of(self.peer());
        let [d_u, d_v] = &*d;
        // Drawn after the message is here, and told to nobody.
        let e = reveal(weight(rng));
        let weighted = |u: &ProjectivePoint, v: &ProjectivePoint| *u + v.mul_vartime(&e);
        let left =
            weighted(peer_point, key_point) * *b - weighted(&product.gamma_u, &product.gamma_v);
        let right = ProjectivePoint::mul_by_generator(&Zeroizing::new(*d_u + e * d_v));
        let holds = (left - right).is_identity();
        if declassify(holds) {
            Ok(d)
        } else {
            Err(Abort::blame(self.peer(), Check::Relation))
        }
    }

    /// r_x, the x of R modulo q; refuses the identity, which two honest parties never meet.
    pub(super) fn r_x(
        &self,
        instance: &Instance,
        peer_point: &ProjectivePoint,
    ) -> Result<Scalar, Abort> {
        let point = reveal(instance.point + peer_point);
        if Secp256k1::is_identity(&point) {
            return Err(Abort::blame(self.peer(), Check::Contribution));
        }
        Ok(x_coordinate(&point).0)
    }

    /// (w, u) of this party.
    pub(super) fn shares(
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
    pub(super) fn finish(
        &self,
        r_x: &Scalar,
        [(w, u), (peer_w, peer_u)]: [(Scalar, Scalar); 2],
    ) -> Result<Signature, Abort> {
        let blamed = Abort::blame(self.peer(), Check::Signature);
        // Zero has no inverse; then s is zero, which verifies nothing.
        let inverse = (u + peer_u).invert().unwrap_or(Scalar::ZERO);
        let s = reveal((w + peer_w) * inverse);
        Signature::low(r_x, &s, &self.key.points, &self.digest).ok_or(blamed)
    }
}

/// 80 random bits.
fn weight(rng: &mut impl CryptoRng) -> Scalar {
    let mut bytes = [0; 16];
    let (low, _) = bytes.split_at_mut(10);
    rng.fill_bytes(low);
    Scalar::from(u128::from_le_bytes(bytes))
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
