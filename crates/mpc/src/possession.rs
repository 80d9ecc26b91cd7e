//! Proofs of possession: Schnorr's proof of knowledge of a discrete logarithm, made
//! non-interactive (Fiat–Shamir) and bound to what it is made for.
//!
//! Hashed: tag, context, curve, prover, X, R. With `c` that hash as a scalar,
//! `z = r + c·x` and the verifier checks `z·G = R + c·X`.

use rand_core::CryptoRng;

use crate::group::{Group, random_scalar};
use crate::hash::TaggedHash;
use crate::hedged::Hedged;
use crate::wire::{Malformed, Writer, fields};
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
    let secret = G::encode_scalar(x);
    let rng = &mut Hedged::new("proof of possession", context, secret.as_slice(), rng);
    let r = random_scalar::<G>(rng);
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
    let (commitment, z) = fields(role, proof, |proof| {
        let commitment = proof.take(G::POINT_BYTES)?;
        let z = G::decode_scalar(&proof.array()?).ok_or(Malformed)?;
        Ok((commitment, z))
    })?;
    let r = G::decode_point(commitment).ok_or(Abort::blame(role, Check::Point))?;
    let c = challenge::<G>(context, role, point, commitment);
    if G::base_mul_add_vartime(&z, &-c, point) == r {
        Ok(())
    } else {
        Err(Abort::blame(role, Check::Possession))
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
