//! Sealing to somebody's public key: HPKE (RFC 9180), base mode.
//!
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, one message a context. The sender
//! is not authenticated: what a seal is for belongs into `info` and the associated data, and whether
//! to believe it is for the caller to know.

mod hedged;

use core::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use self::hedged::Hedged;
use crate::SecretBytes;

type Key = <X25519HkdfSha256 as Kem>::PrivateKey;

/// Length of a key, private or public, and of an encapsulated one, in bytes.
pub const KEY_BYTES: usize = 32;

/// The private half of a recipient's key pair; erased when dropped.
pub struct OpeningKey(Zeroizing<[u8; KEY_BYTES]>);

/// The public half, to seal to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipientKey(pub [u8; KEY_BYTES]);

/// What was sealed to a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedTo {
    /// The encapsulated key.
    pub encapsulated: [u8; KEY_BYTES],
    /// The cipher text: 16 bytes longer than the secret.
    pub cipher_text: Vec<u8>,
}

/// A public key that nothing can be sealed to: it is of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a public key of X25519, got one of small order or another length")]
pub struct UnusableKey;

/// A seal that does not open with this key, for this `info` and associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed to another key or for something else, or changed since")]
pub struct NotOpened;

impl OpeningKey {
    /// Draws a key pair.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rng.fill_bytes(key.as_mut_slice());
        Self(key)
    }

    /// Takes a key from where it is kept. Every 32 bytes are one (RFC 7748 §5).
    #[must_use]
    pub const fn from_bytes(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(key)
    }

    /// The key itself, to store it; nothing else needs it.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The public half.
    ///
    /// # Errors
    ///
    /// [`UnusableKey`], which 32 bytes never are.
    pub fn public(&self) -> Result<RecipientKey, UnusableKey> {
        let key = self.key().map_err(|NotOpened| UnusableKey)?;
        let public = X25519HkdfSha256::sk_to_pk(&key).to_bytes();
        let public = public.as_slice().try_into();
        public.map(RecipientKey).map_err(|_| UnusableKey)
    }

    /// Opens what [`RecipientKey::seal`] made for the same `info` and associated data.
    ///
    /// # Errors
    ///
    /// [`NotOpened`]; nothing of the secret is given out then.
    pub fn open(
        &self,
        info: &[u8],
        associated_data: &[u8],
        sealed: &SealedTo,
    ) -> Result<SecretBytes, NotOpened> {
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.encapsulated);
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.key()?,
            &encapsulated.map_err(|_| NotOpened)?,
            info,
            &sealed.cipher_text,
            associated_data,
        )
        .map(SecretBytes::new)
        .map_err(|_| NotOpened)
    }

    fn key(&self) -> Result<Key, NotOpened> {
        Key::from_bytes(self.0.as_slice()).map_err(|_| NotOpened)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(…)")
    }
}

impl RecipientKey {
    /// Seals `secret`, for what `info` and `associated_data` say.
    ///
    /// The ephemeral key hangs on all of that as well as on `rng`, so that a generator that is
    /// broken or repeats itself gives away no secret that itself cannot be guessed.
    ///
    /// # Errors
    ///
    /// [`UnusableKey`] if this is of small order.
    pub fn seal(
        &self,
        info: &[u8],
        associated_data: &[u8],
        secret: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedTo, UnusableKey> {
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0);
        let rng = &mut Hedged::new([&self.0, info, associated_data], secret, rng);
        let (encapsulated, cipher_text) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key.map_err(|_| UnusableKey)?,
                info,
                secret,
                associated_data,
                rng,
            )
            .map_err(|_| UnusableKey)?;
        let encapsulated = encapsulated.to_bytes().as_slice().try_into();
        Ok(SealedTo {
            encapsulated: encapsulated.map_err(|_| UnusableKey)?,
            cipher_text,
        })
    }
}
