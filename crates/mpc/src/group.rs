//! What the protocols need of a group G of prime order q with generator G.

use core::ops::{Add, Mul, Neg, Sub};

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::ct::declassify;

/// A curve's scalars and points, with only their checked decodings.
pub trait Group: Sized + Send + Sync + 'static {
    /// The curve's byte on the wire and at rest.
    const CODE: u8;
    /// Which engine signs on this curve; engines do not understand one another.
    const ENGINE: u8;
    /// Length of an encoded point.
    const POINT_BYTES: usize;

    /// An integer modulo q.
    type Scalar: Copy
        + ConstantTimeEq
        + Send
        + Sync
        + Default
        + Zeroize
        + Add<Output = Self::Scalar>
        + Sub<Output = Self::Scalar>
        + Mul<Output = Self::Scalar>
        + Neg<Output = Self::Scalar>;

    /// An element of the group.
    type Point: Copy
        + PartialEq
        + Send
        + Sync
        + Add<Output = Self::Point>
        + Sub<Output = Self::Point>
        + Mul<Self::Scalar, Output = Self::Point>;

    /// Reduces 64 hash bytes to a scalar.
    fn reduce(wide: &[u8; 64]) -> Self::Scalar;

    /// `scalar · G`, in constant time.
    fn base_mul(scalar: &Self::Scalar) -> Self::Point;

    /// `a·G + b·P`, in time that depends on all of them: for public values only.
    fn base_mul_add_vartime(a: &Self::Scalar, b: &Self::Scalar, point: &Self::Point)
    -> Self::Point;

    /// 32 bytes, canonical.
    fn encode_scalar(scalar: &Self::Scalar) -> Zeroizing<[u8; 32]>;

    /// Refuses everything that is not below q.
    fn decode_scalar(bytes: &[u8; 32]) -> Option<Self::Scalar>;

    /// The compressed encoding of a point that is, or becomes, public.
    fn encode_point(point: &Self::Point) -> Vec<u8>;

    /// What names a secret point up to its sign, in constant time.
    fn encode_secret_point(point: &Self::Point) -> Zeroizing<[u8; 32]>;

    /// Refuses the identity, and everything off the curve, not canonical, or not of order q.
    fn decode_point(bytes: &[u8]) -> Option<Self::Point>;

    /// Whether this is the identity.
    fn is_identity(point: &Self::Point) -> bool;
}

/// A uniformly random scalar, not zero.
pub(crate) fn random_scalar<G: Group>(rng: &mut impl CryptoRng) -> Zeroizing<G::Scalar> {
    loop {
        let mut wide = Zeroizing::new([0; 64]);
        rng.fill_bytes(wide.as_mut_slice());
        let scalar = Zeroizing::new(G::reduce(&wide));
        if !is_zero::<G>(&scalar) {
            return scalar;
        }
    }
}

/// Whether `scalar` is zero, which no share, nonce or mask may be.
pub(crate) fn is_zero<G: Group>(scalar: &G::Scalar) -> bool {
    declassify(scalar.ct_eq(&G::Scalar::default()))
}
