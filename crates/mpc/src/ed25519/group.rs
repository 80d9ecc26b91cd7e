//! The prime-order subgroup of edwards25519 (RFC 8032 §5.1) as a [`Group`].

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use zeroize::Zeroizing;

use crate::ct::{declassify, reveal};
use crate::group::Group;

/// The group of Ed25519; points are 32 bytes (RFC 8032 §5.1.2), scalars little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ed25519;

impl Group for Ed25519 {
    const CODE: u8 = 2;
    const ENGINE: u8 = 1;
    const POINT_BYTES: usize = 32;

    type Scalar = Scalar;
    type Point = EdwardsPoint;

    fn reduce(wide: &[u8; 64]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(wide)
    }

    fn base_mul(scalar: &Scalar) -> EdwardsPoint {
        EdwardsPoint::mul_base(scalar)
    }

    fn base_mul_add_vartime(a: &Scalar, b: &Scalar, point: &EdwardsPoint) -> EdwardsPoint {
        EdwardsPoint::vartime_double_scalar_mul_basepoint(b, point, a)
    }

    fn encode_scalar(scalar: &Scalar) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(scalar.to_bytes())
    }

    fn decode_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
        let scalar = Scalar::from_canonical_bytes(*bytes);
        declassify(scalar.is_some()).then(|| scalar.unwrap_or(Scalar::ZERO))
    }

    fn encode_point(point: &EdwardsPoint) -> Vec<u8> {
        reveal(*point).compress().to_bytes().to_vec()
    }

    fn encode_secret_point(point: &EdwardsPoint) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(point.compress().to_bytes())
    }

    fn decode_point(bytes: &[u8]) -> Option<EdwardsPoint> {
        let compressed = CompressedEdwardsY::from_slice(bytes).ok()?;
        let point = compressed.decompress()?;
        // `decompress` takes y ≥ p and the sign of zero as it finds them, and knows no order.
        let canonical = point.compress() == compressed;
        (canonical && point.is_torsion_free() && !point.is_identity()).then_some(point)
    }

    fn is_identity(point: &EdwardsPoint) -> bool {
        point.is_identity()
    }
}
