//! A blind sealed to the custodian, and its encoding.

use portal_lifecycle::Curve;
use serde::{Deserialize, Serialize};

use crate::Base64Bytes;

/// Version of the sealed blind's encoding and of its associated data.
const VERSION: u8 = 1;

/// Length of a sealing key's id: the beginning of the public key.
pub const KEY_ID_BYTES: usize = 8;
/// Length of an encapsulated key (X25519).
pub const ENCAPSULATED_BYTES: usize = 32;
/// Length of a sealed scalar: 32 bytes and a tag.
pub const CIPHER_TEXT_BYTES: usize = 48;

/// A blind of one curve, sealed to the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SealedBlind {
    /// Which of the custodian's keys opens it: 8 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, pattern = "^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]$")
    )]
    pub key_id: Base64Bytes,
    /// The blind times the generator, compressed.
    pub point: Base64Bytes,
    /// HPKE's encapsulated key: 32 bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Digest))]
    pub encapsulated: Base64Bytes,
    /// The sealed scalar: 48 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, pattern = "^[A-Za-z0-9_-]{64}$")
    )]
    pub cipher_text: Base64Bytes,
}

/// A sealed blind whose parts are not as long as they must be, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} bytes in {part} of a sealed blind, got {given}")]
pub struct MalformedBlind {
    /// Which part.
    pub part: &'static str,
    /// How long it must be.
    pub expected: usize,
    /// How long it is.
    pub given: usize,
}

impl SealedBlind {
    /// Checks the length of every part.
    ///
    /// # Errors
    ///
    /// [`MalformedBlind`].
    pub fn check(&self, curve: Curve) -> Result<(), MalformedBlind> {
        let parts = [
            ("keyId", &self.key_id, KEY_ID_BYTES),
            ("point", &self.point, point_bytes(curve)),
            ("encapsulated", &self.encapsulated, ENCAPSULATED_BYTES),
            ("cipherText", &self.cipher_text, CIPHER_TEXT_BYTES),
        ];
        for (part, bytes, expected) in parts {
            let given = bytes.0.len();
            if given != expected {
                return Err(MalformedBlind {
                    part,
                    expected,
                    given,
                });
            }
        }
        Ok(())
    }

    /// As it waits in the server's outbox, and is hashed.
    ///
    /// ```text
    /// version (1) ‖ key id (8) ‖ point (33 or 32) ‖ encapsulated key (32) ‖ cipher text (48)
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            [VERSION].as_slice(),
            &self.key_id.0,
            &self.point.0,
            &self.encapsulated.0,
            &self.cipher_text.0,
        ]
        .concat()
    }

    /// Reads back what [`encode`](Self::encode) made.
    ///
    /// # Errors
    ///
    /// [`MalformedBlind`].
    pub fn decode(curve: Curve, bytes: &[u8]) -> Result<Self, MalformedBlind> {
        let malformed = MalformedBlind {
            part: "the whole",
            expected: 1
                + KEY_ID_BYTES
                + point_bytes(curve)
                + ENCAPSULATED_BYTES
                + CIPHER_TEXT_BYTES,
            given: bytes.len(),
        };
        let (version, rest) = bytes.split_first().ok_or(malformed)?;
        if *version != VERSION {
            return Err(MalformedBlind {
                part: "version",
                expected: VERSION.into(),
                given: (*version).into(),
            });
        }
        let (key_id, rest) = rest.split_at_checked(KEY_ID_BYTES).ok_or(malformed)?;
        let (point, rest) = rest.split_at_checked(point_bytes(curve)).ok_or(malformed)?;
        let (encapsulated, cipher_text) =
            rest.split_at_checked(ENCAPSULATED_BYTES).ok_or(malformed)?;
        let part = |bytes: &[u8]| Base64Bytes(bytes.to_vec());
        let blind = Self {
            key_id: part(key_id),
            point: part(point),
            encapsulated: part(encapsulated),
            cipher_text: part(cipher_text),
        };
        blind.check(curve).map_err(|_| malformed)?;
        Ok(blind)
    }
}

/// Length of a compressed point (SEC 1 §2.3.3, RFC 8032 §5.1.2).
pub(super) const fn point_bytes(curve: Curve) -> usize {
    match curve {
        Curve::Secp256k1 => 33,
        Curve::Ed25519 => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::tests::blind;

    #[test]
    fn a_blind_comes_back_and_a_damaged_one_does_not() {
        for curve in Curve::ALL {
            let (blind, bytes) = (blind(curve), blind(curve).encode());
            assert_eq!(SealedBlind::decode(curve, &bytes), Ok(blind));
            for cut in 0..bytes.len() {
                assert!(
                    SealedBlind::decode(curve, &bytes[..cut]).is_err(),
                    "cut to {cut}"
                );
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(SealedBlind::decode(curve, &longer).is_err());
            let newer = [&[2], &bytes[1..]].concat();
            assert!(SealedBlind::decode(curve, &newer).is_err());
        }
        let other = blind(Curve::Secp256k1).check(Curve::Ed25519);
        assert!(other.is_err(), "a point of the other curve");
    }
}
