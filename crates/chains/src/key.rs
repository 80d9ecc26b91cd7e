//! Public keys that were checked, and the only place where signatures are.

use crate::{ChainError, Curve, Signature};
use k256::ecdsa::{self, RecoveryId};

/// A secp256k1 public key: a point of the curve, given as 33 compressed bytes (SEC 1 §2.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secp256k1Key {
    point: ecdsa::VerifyingKey,
    compressed: [u8; 33],
}

/// An Ed25519 public key: a point that is not of small order (RFC 8032 §5.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519Key(ed25519_dalek::VerifyingKey);

/// An ECDSA signature that was verified and has a low s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerifiedEcdsa {
    pub(crate) signature: ecdsa::Signature,
    pub(crate) y_is_odd: bool,
}

impl Secp256k1Key {
    /// Checks the 33 compressed bytes of a public key.
    ///
    /// # Errors
    ///
    /// [`ChainError::PublicKeyInvalid`] for any other length or form, or no point of the curve.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChainError> {
        let invalid = |found: String| ChainError::PublicKeyInvalid {
            curve: Curve::Secp256k1,
            expected: "33 bytes, compressed SEC1",
            found,
        };
        let compressed: [u8; 33] = bytes
            .try_into()
            .map_err(|_| invalid(format!("{} bytes", bytes.len())))?;
        let point = ecdsa::VerifyingKey::from_sec1_bytes(&compressed).map_err(|_| {
            invalid(format!(
                "{}, no point of the curve",
                hex::encode(compressed)
            ))
        })?;
        Ok(Self { point, compressed })
    }

    /// The 33 compressed bytes.
    pub const fn compressed(&self) -> &[u8; 33] {
        &self.compressed
    }

    /// The two coordinates, as EVM addresses hash them.
    pub(crate) fn coordinates(&self) -> Vec<u8> {
        let point = self.point.to_sec1_point(false);
        point.as_bytes().iter().skip(1).copied().collect()
    }

    /// Takes a signature over `digest` only if it is this key's, recoverable and low in s.
    ///
    /// SEC 1 §4.1.4 (verify) and §4.1.6 (recover); low s after EIP-2 and BIP-62.
    pub(crate) fn verify(
        &self,
        index: usize,
        digest: &[u8; 32],
        signature: &Signature,
    ) -> Result<VerifiedEcdsa, ChainError> {
        let Signature::Secp256k1 { r, s, recovery_id } = signature else {
            return Err(wrong_curve(Curve::Secp256k1, signature));
        };
        let y_is_odd = match recovery_id {
            0 => false,
            1 => true,
            other => return Err(malformed(index, "recovery id 0 or 1", other.to_string())),
        };
        let signature = ecdsa::Signature::from_scalars(*r, *s).map_err(|_| {
            malformed(
                index,
                "r and s from 1 to n − 1",
                "r or s out of range".into(),
            )
        })?;
        if signature.normalize_s() != signature {
            return Err(ChainError::SignatureHighS { index });
        }
        let mismatch = || ChainError::SignatureMismatch {
            index,
            expected: hex::encode(self.compressed),
        };
        let recovered = ecdsa::VerifyingKey::recover_from_prehash(
            digest,
            &signature,
            RecoveryId::new(y_is_odd, false),
        )
        .map_err(|_| mismatch())?;
        // The recovered key is the only one under which (r, s, parity) verifies: equality is verification.
        if recovered != self.point {
            return Err(mismatch());
        }
        Ok(VerifiedEcdsa {
            signature,
            y_is_odd,
        })
    }
}

impl VerifiedEcdsa {
    /// r and s, 32 bytes each.
    pub(crate) fn scalars(&self) -> ([u8; 32], [u8; 32]) {
        let (r, s) = self.signature.split_bytes();
        (r.into(), s.into())
    }
}

impl Ed25519Key {
    /// Checks the 32 bytes of a public key.
    ///
    /// # Errors
    ///
    /// [`ChainError::PublicKeyInvalid`] for any other length, no point of the
    /// curve, or a point of small order (for which anyone can make signatures).
    pub fn parse(bytes: &[u8]) -> Result<Self, ChainError> {
        let invalid = |found: String| ChainError::PublicKeyInvalid {
            curve: Curve::Ed25519,
            expected: "32 bytes, compressed Edwards y",
            found,
        };
        let bytes: &[u8; 32] = bytes
            .try_into()
            .map_err(|_| invalid(format!("{} bytes", bytes.len())))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| invalid(format!("{}, no point of the curve", hex::encode(bytes))))?;
        if key.is_weak() {
            return Err(invalid(format!(
                "{}, a point of small order",
                hex::encode(bytes)
            )));
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Takes a signature over `message` only if it is this key's, strictly (RFC 8032 §5.1.7).
    pub(crate) fn verify(
        &self,
        message: &[u8],
        signature: &Signature,
    ) -> Result<[u8; 64], ChainError> {
        let Signature::Ed25519(bytes) = signature else {
            return Err(wrong_curve(Curve::Ed25519, signature));
        };
        self.0
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(bytes))
            .map_err(|_| ChainError::SignatureMismatch {
                index: 0,
                expected: hex::encode(self.as_bytes()),
            })?;
        Ok(*bytes)
    }
}

fn wrong_curve(expected: Curve, signature: &Signature) -> ChainError {
    ChainError::SignatureCurve {
        expected,
        found: signature.curve(),
    }
}

fn malformed(index: usize, expected: &'static str, found: String) -> ChainError {
    ChainError::SignatureMalformed {
        index,
        expected,
        found,
    }
}
