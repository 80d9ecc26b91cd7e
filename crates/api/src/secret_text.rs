//! Secrets that cross a process as text.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::MalformedBase64;

/// A secret as text: erased when dropped, compared in constant time, not printed.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Secret bytes, as base64url without padding.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        // Room for all of it: a text that grows leaves copies behind.
        let room = bytes.len().div_ceil(3).saturating_mul(4);
        let mut text = Zeroizing::new(String::with_capacity(room));
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Self(text)
    }

    /// The bytes behind a text that was made [of bytes](Self::of_bytes).
    ///
    /// # Errors
    ///
    /// [`MalformedBase64`].
    pub fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, MalformedBase64> {
        URL_SAFE_NO_PAD
            .decode(self.0.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| MalformedBase64)
    }

    /// The text itself; say at the call why it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<SecretText> for Zeroizing<String> {
    fn from(text: SecretText) -> Self {
        text.0
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretText {}

impl PartialEq<&str> for SecretText {
    fn eq(&self, other: &&str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_the_wire_and_nowhere_else() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).collect();
            let text = SecretText::of_bytes(&bytes);
            assert_eq!(text.bytes().map(|bytes| bytes.to_vec()), Ok(bytes));
            let wire = serde_json::to_string(&text).unwrap_or_default();
            assert_eq!(wire, format!("\"{}\"", text.expose()));
            assert_eq!(serde_json::from_str::<SecretText>(&wire).ok(), Some(text));
        }
        let text = SecretText::from("a secret");
        assert_eq!(format!("{text:?}"), "SecretText(…)");
        assert_ne!(text, "b secret");
        assert_eq!(text, "a secret");
        assert_eq!(text.bytes(), Err(MalformedBase64));
    }
}
