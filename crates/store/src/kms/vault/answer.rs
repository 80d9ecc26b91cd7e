//! What Vault answers: only the fields that are used, everything else is passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portal_seal::SealingKey;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Vault's answers carry what was asked for in `data`.
#[derive(Deserialize)]
pub(super) struct Answer<D> {
    pub(super) data: D,
}

/// Of `POST encrypt`.
#[derive(Deserialize)]
pub(super) struct Encrypted {
    pub(super) ciphertext: String,
}

/// Of `POST decrypt`. No `Debug`: it holds a data key.
#[derive(Deserialize)]
pub(super) struct Decrypted {
    plaintext: String,
}

/// Of `GET keys`: which versions of a key there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Versions {
    #[serde(rename = "latest_version")]
    pub(super) latest: u64,
    #[serde(rename = "min_decryption_version", default)]
    pub(super) least: u64,
}

impl Versions {
    /// Whether Vault decrypts what this version encrypted.
    pub(super) const fn allow(&self, version: u64) -> bool {
        self.least <= version && version <= self.latest
    }
}

impl Decrypted {
    /// The data key, if it is one.
    pub(super) fn into_key(self) -> Option<SealingKey> {
        let text = Zeroizing::new(self.plaintext);
        let bytes = BASE64.decode(text.as_bytes()).map(Zeroizing::new).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(SealingKey::from_bytes(key))
    }
}

/// `vault:v{version}:{base64}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ciphertext {
    pub(super) version: u64,
}

impl Ciphertext {
    /// Takes one spelling of each only. Go's base64 passes over line breaks and loose bits, so
    /// a changed text could otherwise still open.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (version, encoded) = text.strip_prefix("vault:v")?.split_once(':')?;
        let number: u64 = version.parse().ok()?;
        let is_canonical = number > 0 && number.to_string() == version;
        let is_base64 = !encoded.is_empty() && BASE64.decode(encoded).is_ok();
        (is_canonical && is_base64).then_some(Self { version: number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_has_one_spelling() {
        let version = |text| Ciphertext::parse(text).map(|ciphertext| ciphertext.version);
        assert_eq!(version("vault:v1:QUJD"), Some(1));
        assert_eq!(version("vault:v12:QUI="), Some(12));
        for bad in [
            "",
            "vault:v1:",
            "vault:v0:QUJD",
            "vault:v01:QUJD",
            "vault:v+1:QUJD",
            "vault:v:QUJD",
            "vault:1:QUJD",
            "Vault:v1:QUJD",
            " vault:v1:QUJD",
            "vault:v1:QUJD\n",
            "vault:v1:QU\nJD",
            "vault:v1:QUJ",
            // `QUI=` with a loose bit set.
            "vault:v1:QUJ=",
            "vault:v1:QUI",
            "vault:v1:QU-_",
        ] {
            assert_eq!(version(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn versions_between_the_least_and_the_latest_are_allowed() {
        let versions = Versions {
            latest: 4,
            least: 2,
        };
        let allowed: Vec<u64> = (0..7).filter(|&it| versions.allow(it)).collect();
        assert_eq!(allowed, [2, 3, 4]);
    }
}
