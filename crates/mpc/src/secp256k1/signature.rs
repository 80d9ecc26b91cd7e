//! A finished ECDSA signature.

use k256::PublicKey;
use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{RecoveryId, VerifyingKey};

use super::Secp256k1;
use crate::Points;

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
    /// right recovery id.
    #[must_use]
    pub fn verifies(&self, points: &Points<Secp256k1>, digest: &[u8; 32]) -> bool {
        let check = || {
            let key = VerifyingKey::from(PublicKey::from_affine(points.key.to_affine()).ok()?);
            let signature = k256::ecdsa::Signature::from_scalars(self.r, self.s).ok()?;
            let low = signature.normalize_s() == signature;
            let recovery = RecoveryId::from_byte(self.recovery_id)?;
            let recovered =
                VerifyingKey::recover_from_prehash(digest, &signature, recovery).ok()?;
            key.verify_prehash(digest, &signature).ok()?;
            Some(low && recovered == key)
        };
        check().unwrap_or(false)
    }
}
