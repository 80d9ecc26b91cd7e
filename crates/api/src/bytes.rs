//! Bytes as base64url without padding (RFC 4648 §5).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Bytes that travel as base64url without padding. Not for secrets: it prints them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(value_type = String, pattern = r"^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$")
)]
pub struct Base64Bytes(pub Vec<u8>);

/// Text that is not base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected base64url without padding (RFC 4648 section 5)")]
pub struct MalformedBase64;

impl Base64Bytes {
    /// Reads base64url without padding.
    ///
    /// # Errors
    ///
    /// [`MalformedBase64`], which does not repeat the text: it may be a secret in the wrong field.
    pub fn parse(text: &str) -> Result<Self, MalformedBase64> {
        URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| MalformedBase64)
    }

    /// The bytes, if there are exactly `N`.
    #[must_use]
    pub fn to_array<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

impl fmt::Display for Base64Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl fmt::Debug for Base64Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64Bytes({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for Base64Bytes {
    type Error = MalformedBase64;

    fn try_from(text: String) -> Result<Self, MalformedBase64> {
        Self::parse(&text)
    }
}

impl From<Base64Bytes> for String {
    fn from(bytes: Base64Bytes) -> Self {
        bytes.to_string()
    }
}

impl From<Vec<u8>> for Base64Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}
