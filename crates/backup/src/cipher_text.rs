//! The cipher text of a backup.
//!
//! ```text
//! portal-backup-v1.<base64url(header JSON)>.<base64url(sealed payload)>
//! ```
//!
//! base64url without padding (RFC 4648 §5). The seal is `portal-seal`'s (XChaCha20-Poly1305
//! with HKDF-SHA256, RFC 5869, and a commitment to the key); its associated data is the text
//! up to the second dot, byte for byte, so any change of the header fails.

mod header;
mod payload;

use core::fmt;
use core::str::FromStr;

use portal_api::Base64Bytes;
use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_lifecycle::{BackupMethod, CipherTextDigest, PerCurve};
use portal_seal::{SealingKey, SecretBytes, open, seal};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

pub use self::header::{BackupSubject, Header, KeySource};
use crate::argon2id::Argon2idParameters;
use crate::{BackupError, KeyName, Password};

const FAMILY: &str = "portal-backup-v";
const VERSION: &str = "1";

/// Both curves' client backup shares, encrypted: a printable text of at most
/// [`CIPHER_TEXT_BYTES`] bytes that describes itself.
///
/// Whether it opens is known only once it is decrypted: until then the header is what the
/// text *says*, read for choosing the key or password and not to be believed.
#[derive(Clone, PartialEq, Eq)]
pub struct CipherText {
    text: String,
    /// The text up to the second dot: what the seal is bound to.
    bound: String,
    header: Header,
    sealed: Vec<u8>,
}

impl CipherText {
    /// Reads a text, without a key and without more work than its length.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `CIPHER_TEXT_UNSUPPORTED`: it is no cipher text, too long,
    /// of another version, or its header asks for less or more than it may.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        if text.len() > CIPHER_TEXT_BYTES {
            return Err(BackupError::TextTooLong {
                given_bytes: text.len(),
            });
        }
        let (bound, sealed) = text.rsplit_once('.').ok_or(BackupError::NotACipherText)?;
        let (prefix, header) = bound.split_once('.').ok_or(BackupError::NotACipherText)?;
        let version = prefix
            .strip_prefix(FAMILY)
            .ok_or(BackupError::NotACipherText)?;
        if version != VERSION {
            return Err(BackupError::UnknownVersion {
                given: version.chars().take(16).collect(),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            bound: bound.to_owned(),
            header: Header::from_json(&decode(header)?)?,
            sealed: decode(sealed)?,
        })
    }

    /// What the text says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// SHA-256 of the text's bytes, as E17 asks for it.
    #[must_use]
    pub fn digest(&self) -> CipherTextDigest {
        CipherTextDigest(Sha256::digest(self.text.as_bytes()).into())
    }

    /// Encrypts `shares` under `password`, and opens the result once (E16).
    ///
    /// Runs Argon2id (RFC 9106) twice, 64 MiB and some 100 to 300 ms each: call it on a
    /// blocking thread.
    ///
    /// # Errors
    ///
    /// [`BackupError::Encrypt`] (`ENCRYPT_FAILED`): the shares are too large, memory is short,
    /// or the result did not open to the same shares. Nothing is handed out then.
    pub fn encrypt_with_password(
        password: &Password,
        subject: BackupSubject,
        shares: &PerCurve<SecretBytes>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, BackupError> {
        let parameters = Argon2idParameters::draw(rng);
        let header = Header {
            backup_method: BackupMethod::Password,
            key_source: KeySource::Password(parameters),
            subject,
        };
        parameters
            .derive(password)
            .and_then(|key| Self::seal(&key, &header, shares, rng))
            .and_then(|text| {
                Self::on_trial(&text, shares, |made| made.decrypt_with_password(password))
            })
            .map_err(encrypting)
    }

    /// Encrypts `shares` under a key that lies in the user's storage as `key_name`, and opens
    /// the result once (E16).
    ///
    /// # Errors
    ///
    /// [`BackupError::PasswordNeeded`] (`PASSWORD_REQUIRED`) if `method` is `PASSWORD`;
    /// [`BackupError::Encrypt`] (`ENCRYPT_FAILED`): the shares are too large, or the result did
    /// not open to the same shares. Nothing is handed out then.
    pub fn encrypt_with_key(
        key: &SealingKey,
        key_name: KeyName,
        method: BackupMethod,
        subject: BackupSubject,
        shares: &PerCurve<SecretBytes>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, BackupError> {
        if method == BackupMethod::Password {
            return Err(BackupError::PasswordNeeded);
        }
        let header = Header {
            backup_method: method,
            key_source: KeySource::Stored { key_name },
            subject,
        };
        Self::seal(key, &header, shares, rng)
            .and_then(|text| Self::on_trial(&text, shares, |made| made.decrypt_with_key(key)))
            .map_err(encrypting)
    }

    /// The shares, by the password they were encrypted under.
    ///
    /// Runs Argon2id (RFC 9106) as the header asks, at most 256 MiB and 10 passes: call it on a
    /// blocking thread.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `DECRYPT_FAILED` (wrong password; the text was cut or
    /// changed; it needs a key), or `CIPHER_TEXT_UNSUPPORTED` (its payload is of another version).
    pub fn decrypt_with_password(
        &self,
        password: &Password,
    ) -> Result<PerCurve<SecretBytes>, BackupError> {
        match &self.header.key_source {
            KeySource::Password(parameters) => self.open(&parameters.derive(password)?),
            KeySource::Stored { key_name } => Err(BackupError::KeyNeeded {
                key_name: key_name.clone(),
            }),
        }
    }

    /// The shares, by the key they were encrypted under.
    ///
    /// # Errors
    ///
    /// [`BackupError`] with the id `PASSWORD_REQUIRED` (it needs a password), `DECRYPT_FAILED`
    /// (wrong key; the text was cut or changed), or `CIPHER_TEXT_UNSUPPORTED` (its payload is of
    /// another version).
    pub fn decrypt_with_key(&self, key: &SealingKey) -> Result<PerCurve<SecretBytes>, BackupError> {
        match &self.header.key_source {
            KeySource::Stored { .. } => self.open(key),
            KeySource::Password(_) => Err(BackupError::PasswordNeeded),
        }
    }

    fn seal(
        key: &SealingKey,
        header: &Header,
        shares: &PerCurve<SecretBytes>,
        rng: &mut impl CryptoRng,
    ) -> Result<String, BackupError> {
        let header = Base64Bytes(header.to_json()?);
        let bound = format!("{FAMILY}{VERSION}.{header}");
        let payload = payload::encode(shares)?;
        let sealed = Base64Bytes(seal(key, bound.as_bytes(), &payload, rng));
        Ok(format!("{bound}.{sealed}"))
    }

    /// Reads `text` as if it came from elsewhere, and hands it out if it opens to `shares`.
    fn on_trial(
        text: &str,
        shares: &PerCurve<SecretBytes>,
        decrypt: impl FnOnce(&Self) -> Result<PerCurve<SecretBytes>, BackupError>,
    ) -> Result<Self, BackupError> {
        let made = Self::parse(text)?;
        if decrypt(&made)? == *shares {
            Ok(made)
        } else {
            Err(BackupError::TrialDiffers)
        }
    }

    fn open(&self, key: &SealingKey) -> Result<PerCurve<SecretBytes>, BackupError> {
        open(key, self.bound.as_bytes(), &self.sealed)
            .map_err(|source| BackupError::Decrypt { source })
            .and_then(|payload| payload::decode(&payload))
    }
}

impl fmt::Display for CipherText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CipherText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CipherText")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl FromStr for CipherText {
    type Err = BackupError;

    fn from_str(text: &str) -> Result<Self, BackupError> {
        Self::parse(text)
    }
}

fn decode(base64: &str) -> Result<Vec<u8>, BackupError> {
    Base64Bytes::parse(base64)
        .map(|bytes| bytes.0)
        .map_err(|_| BackupError::NotACipherText)
}

fn encrypting(source: BackupError) -> BackupError {
    BackupError::Encrypt {
        source: Box::new(source),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test draws its own randomness")]
mod tests {
    use portal_lifecycle::Generation;
    use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
    use uuid::Uuid;

    use super::*;

    /// A sound text whose trial ends otherwise is not handed out (E16).
    #[test]
    fn a_text_that_fails_its_trial_is_not_handed_out() {
        let key = SealingKey::generate(&mut rand::rng());
        let header = Header {
            backup_method: BackupMethod::Custom,
            key_source: KeySource::Stored {
                key_name: KeyName::parse("k").unwrap(),
            },
            subject: BackupSubject {
                client_id: ClientId(Uuid::nil()),
                wallet_ids: PerCurve::new(WalletId(Uuid::nil()), WalletId(Uuid::max())),
                backup_share_pair_ids: PerCurve::new(
                    BackupSharePairId(Uuid::nil()),
                    BackupSharePairId(Uuid::max()),
                ),
                generation: Generation(1),
            },
        };
        let shares = |byte| PerCurve::new(byte, 2).map(|byte| SecretBytes::new(vec![byte; 32]));
        let text = CipherText::seal(&key, &header, &shares(1), &mut rand::rng()).unwrap();
        let on_trial = |shares, key: &SealingKey| {
            CipherText::on_trial(&text, &shares, |made| made.decrypt_with_key(key))
        };
        on_trial(shares(1), &key).unwrap();
        let differs = on_trial(shares(9), &key).unwrap_err();
        assert!(matches!(differs, BackupError::TrialDiffers), "{differs:?}");
        let other = SealingKey::generate(&mut rand::rng());
        let closed = on_trial(shares(1), &other).unwrap_err();
        assert!(matches!(closed, BackupError::Decrypt { .. }), "{closed:?}");
    }
}
