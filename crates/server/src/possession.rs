//! Proofs that somebody holds a share.

use portal_lifecycle::Curve;
use portal_mpc::{Ed25519, Role, Secp256k1, verify_possession};

/// Whether `proof` shows that `role` holds the share behind `point`.
pub(crate) fn possesses(
    curve: Curve,
    context: &[u8],
    role: Role,
    point: &[u8],
    proof: &[u8],
) -> bool {
    let verify = match curve {
        Curve::Secp256k1 => verify_possession::<Secp256k1>,
        Curve::Ed25519 => verify_possession::<Ed25519>,
    };
    verify(context, role, point, proof).is_ok()
}
