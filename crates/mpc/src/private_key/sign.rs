//! Signatures by a whole key: for who has taken it out, and must move what it holds.

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use k256::ecdsa;
use k256::sha2::Sha512;

use super::{NotTheKey, PrivateKey};
use crate::hash::TaggedHash;
use crate::secp256k1::Signature;
use crate::{Ed25519, Secp256k1, ed25519};

impl PrivateKey<Secp256k1> {
    /// Signs a digest: ECDSA with the deterministic nonce of RFC 6979 and a low s.
    ///
    /// # Errors
    ///
    /// [`NotTheKey::Inconsistent`], which a key that was made by [`join`](Self::join) never is.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<Signature, NotTheKey> {
        let key = ecdsa::SigningKey::from_bytes(&(*self.expose()).into());
        let key = key.map_err(|_| NotTheKey::Inconsistent)?;
        let (signature, recovery_id) = key.sign_prehash_recoverable(digest);
        let (r, s) = signature.split_bytes();
        Ok(Signature {
            r: r.into(),
            s: s.into(),
            recovery_id: recovery_id.to_byte(),
        })
    }
}

impl PrivateKey<Ed25519> {
    /// Signs a message as RFC 8032 §5.1.6 does, but for the prefix: this key has no seed to take
    /// one from, so the prefix is a hash of the scalar. Verifiers do not see the difference.
    ///
    /// # Errors
    ///
    /// [`NotTheKey::Inconsistent`], which a key that was made by [`join`](Self::join) never is.
    ///
    /// # Security
    ///
    /// The nonce is SHA-512 of prefix and message, so no two messages share one, and who does not
    /// know the scalar cannot tell it from chance.
    pub fn sign(&self, message: &[u8]) -> Result<ed25519::Signature, NotTheKey> {
        let public = self.public_key().try_into().ok();
        let public = public.and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(&key).ok());
        let public = public.ok_or(NotTheKey::Inconsistent)?;
        let prefix = TaggedHash::new("prefix of a whole Ed25519 key");
        let expanded = ExpandedSecretKey {
            scalar: *self.secret,
            hash_prefix: prefix.secret_field(self.expose().as_slice()).bytes(),
        };
        let signature = raw_sign::<Sha512>(&expanded, message, &public);
        Ok(ed25519::Signature(signature.to_bytes()))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests draw their own randomness")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::group::{Group, random_scalar};

    fn key<G: Group>() -> PrivateKey<G> {
        let secret = random_scalar::<G>(&mut rand::rng());
        let key = G::base_mul(&secret);
        PrivateKey { secret, key }
    }

    proptest! {
        /// libsecp256k1 and ed25519-dalek, which had no part in it, take every signature; the same
        /// message has the same signature, and another one another nonce.
        #[test]
        fn others_take_the_signatures(digest: [u8; 32], message: Vec<u8>) {
            let key = key::<Secp256k1>();
            let signature = key.sign(&digest).unwrap();
            prop_assert_eq!(signature, key.sign(&digest).unwrap());
            let compact = [signature.r, signature.s].concat();
            let mut taken = secp256k1::ecdsa::Signature::from_compact(&compact).unwrap();
            let given = taken;
            taken.normalize_s();
            prop_assert_eq!(given, taken, "s is low");
            let public = secp256k1::PublicKey::from_slice(&key.public_key()).unwrap();
            let digest = secp256k1::Message::from_digest(digest);
            secp256k1::ecdsa::verify(&taken, digest, &public).unwrap();

            let key = self::key::<Ed25519>();
            let signature = key.sign(&message).unwrap();
            prop_assert_eq!(signature, key.sign(&message).unwrap());
            let public = key.public_key().try_into().unwrap();
            let public = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
            public
                .verify_strict(&message, &ed25519_dalek::Signature::from_bytes(&signature.0))
                .unwrap();
            let longer = [message.as_slice(), &[0]].concat();
            prop_assert_ne!(&key.sign(&longer).unwrap().0[..32], &signature.0[..32]);
        }
    }
}
