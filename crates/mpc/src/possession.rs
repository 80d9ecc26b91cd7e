//! Proofs of possession: Schnorr's proof of knowledge of a discrete logarithm, made
//! non-interactive (Fiat–Shamir) and bound to what it is made for.
//!
//! Hashed: tag, context, curve, prover, X, R. With `c` that hash as a scalar,
//! `z = r + c·x` and the verifier checks `z·G = R + c·X`.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::group::{Group, is_zero};
use crate::hash::TaggedHash;
use crate::wire::{Malformed, Reader, Writer};
use crate::{Abort, Check, Role};

/// Length of an encoded proof: R, then z.
pub(crate) const fn proof_bytes<G: Group>() -> usize {
    G::POINT_BYTES + 32
}

/// Proves that `role` knows `x` with `x·G = point`.
pub(crate) fn prove<G: Group>(
    context: &[u8],
    role: Role,
    x: &G::Scalar,
    point: &G::Point,
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let r = nonce::<G>(context, x, rng);
    let commitment = G::encode_point(&G::base_mul(&r));
    let c = challenge::<G>(context, role, point, &commitment);
    let z = *r + c * *x;
    Writer::new()
        .fixed(&commitment)
        .fixed(G::encode_scalar(&z).as_slice())
        .finish()
        .to_vec()
}

/// Checks a proof by `role` for `point`.
pub(crate) fn verify<G: Group>(
    context: &[u8],
    role: Role,
    point: &G::Point,
    proof: &[u8],
) -> Result<(), Abort> {
    let mut reader = Reader::new(proof);
    let mut parse = || -> Result<_, Malformed> {
        let commitment = reader.take(G::POINT_BYTES)?;
        let z = reader.array()?;
        Ok((commitment, z))
    };
    let malformed = Abort::blame(role, Check::Encoding);
    let (commitment, z) = parse().map_err(|Malformed| malformed)?;
    reader.finish().map_err(|Malformed| malformed)?;
    let r = G::decode_point(commitment).ok_or(Abort::blame(role, Check::Point))?;
    let z = G::decode_scalar(&z).ok_or(malformed)?;
    let c = challenge::<G>(context, role, point, commitment);
    if G::base_mul(&z) == r + *point * c {
        Ok(())
    } else {
        Err(Abort::blame(role, Check::Possession))
    }
}

/// Hedged: two copies of a device that wake up with the same randomness still draw different
/// nonces for different contexts, and so give away nothing of x (RFC 9591 §4.1 does the same).
fn nonce<G: Group>(
    context: &[u8],
    x: &G::Scalar,
    rng: &mut impl CryptoRng,
) -> Zeroizing<G::Scalar> {
    loop {
        let mut random = Zeroizing::new([0; 64]);
        rng.fill_bytes(random.as_mut_slice());
        let wide = TaggedHash::new("nonce")
            .field(context)
            .field(&[G::CODE])
            .field(G::encode_scalar(x).as_slice())
            .field(random.as_slice())
            .wide();
        let r = Zeroizing::new(G::reduce(&Zeroizing::new(wide)));
        if !is_zero::<G>(&r) {
            return r;
        }
    }
}

fn challenge<G: Group>(
    context: &[u8],
    role: Role,
    point: &G::Point,
    commitment: &[u8],
) -> G::Scalar {
    let wide = TaggedHash::new("proof of possession")
        .field(context)
        .field(&[G::CODE])
        .field(&[role.index()])
        .field(&G::encode_point(point))
        .field(commitment)
        .wide();
    G::reduce(&wide)
}
