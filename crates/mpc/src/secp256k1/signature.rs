//! A finished ECDSA signature.

use k256::elliptic_curve::ops::Reduce as _;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::elliptic_curve::scalar::IsHigh as _;
use k256::{FieldBytes, ProjectivePoint, Scalar};

use super::Secp256k1;
use crate::Points;
use crate::group::Group as _;

/// An ECDSA signature with low s, and the number that recovers the key from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// r, 32 bytes big-endian.
    pub r: [u8; 32],
    /// s, 32 bytes big-endian, at most half the order (BIP-62).
    pub s: [u8; 32],
    /// Parity of R's y in bit 0; whether R's x was reduced in bit 1 (SEC 1 §4.1.6).
    pub recovery_id: u8,
}

impl Signature {
    /// Whether this is the low-s signature of `digest` under the key of `points`, with the
    /// right recovery id (SEC 1 §4.1.4).
    #[must_use]
    pub fn verifies(&self, points: &Points<Secp256k1>, digest: &[u8; 32]) -> bool {
        Secp256k1::decode_scalar(&self.r)
            .and_then(|r| Self::complete(&r, &self.s, points, digest))
            .is_some_and(|complete| complete == *self)
    }

    /// The signature (r, s) with its recovery id; none if it does not verify or s is high.
    pub(crate) fn complete(
        r: &Scalar,
        s: &[u8; 32],
        points: &Points<Secp256k1>,
        digest: &[u8; 32],
    ) -> Option<Self> {
        let s = Secp256k1::decode_scalar(s)?;
        if s.is_high().into() {
            return None;
        }
        // SEC 1 §4.1.4, steps 3 to 8; all of it is public.
        let inverse = Option::<Scalar>::from(s.invert_vartime())?;
        let m = Scalar::reduce(&FieldBytes::from(*digest));
        let point = Secp256k1::base_mul_add_vartime(&(m * inverse), &(*r * inverse), &points.key);
        let (x, recovery_id) = x_coordinate(&point);
        (x == *r && !bool::from(r.is_zero())).then(|| Self {
            r: r.to_bytes().into(),
            s: s.to_bytes().into(),
            recovery_id,
        })
    }

    /// The same of whichever of s and −s is low.
    pub(crate) fn low(
        r: &Scalar,
        s: &Scalar,
        points: &Points<Secp256k1>,
        digest: &[u8; 32],
    ) -> Option<Self> {
        let low = if s.is_high().into() { -s } else { *s };
        Self::complete(r, &low.to_bytes().into(), points, digest)
    }
}

/// A point's x modulo q, and the recovery id that goes with the point.
pub(super) fn x_coordinate(point: &ProjectivePoint) -> (Scalar, u8) {
    let point = point.to_affine();
    let x = point.x();
    let reduced = Scalar::reduce(&x);
    let is_reduced = reduced.to_bytes() != x;
    let is_odd = bool::from(point.y_is_odd());
    (reduced, u8::from(is_odd) | u8::from(is_reduced) << 1)
}
