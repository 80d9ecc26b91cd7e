//! secp256k1 (SEC 2 §2.4.1) as a [`Group`].

use k256::elliptic_curve::ff::{FromUniformBytes, PrimeField};
use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::MulByGeneratorVartime as _;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::elliptic_curve::sec1::{FromSec1Point as _, ToSec1Point as _};
use k256::{AffinePoint, ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use crate::ct::{declassify, reveal};
use crate::group::Group;

/// The group of secp256k1; points are 33 bytes (SEC 1 §2.3.3, compressed), scalars big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secp256k1;

impl Group for Secp256k1 {
    const CODE: u8 = 1;
    const ENGINE: u8 = super::share::ENGINE;
    const POINT_BYTES: usize = 33;

    type Scalar = Scalar;
    type Point = ProjectivePoint;

    fn reduce(wide: &[u8; 64]) -> Scalar {
        Scalar::from_uniform_bytes(wide)
    }

    fn base_mul(scalar: &Scalar) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator(scalar)
    }

    fn base_mul_add_vartime(a: &Scalar, b: &Scalar, point: &ProjectivePoint) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator_and_mul_add_vartime(a, b, point)
    }

    fn encode_scalar(scalar: &Scalar) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(scalar.to_bytes().into())
    }

    fn decode_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
        let scalar = Scalar::from_repr((*bytes).into());
        declassify(scalar.is_some()).then(|| scalar.unwrap_or(Scalar::ZERO))
    }

    fn encode_point(point: &ProjectivePoint) -> Vec<u8> {
        encode_affine(&point.to_affine())
    }

    fn encode_secret_point(point: &ProjectivePoint) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(point.to_affine().x().into())
    }

    fn decode_point(bytes: &[u8]) -> Option<ProjectivePoint> {
        // SEC 1 has other encodings of the same point, one of them (the compact one, 5) of this very
        // length; and the identity, one byte of zero.
        if bytes.len() != Self::POINT_BYTES || !matches!(bytes.first(), Some(2 | 3)) {
            return None;
        }
        AffinePoint::from_sec1_bytes(bytes)
            .ok()
            .map(ProjectivePoint::from)
    }

    fn is_identity(point: &ProjectivePoint) -> bool {
        point.is_identity().into()
    }
}

/// The compressed encoding (SEC 1 §2.3.3) of a point that is, or becomes, public.
pub(super) fn encode_affine(point: &AffinePoint) -> Vec<u8> {
    // The library branches on the parity of y.
    reveal(*point).to_sec1_point(true).as_bytes().to_vec()
}
