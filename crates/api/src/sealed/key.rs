//! The custodian's public keys, and the one that an app pins.

use serde::{Deserialize, Serialize};

use super::KEY_ID_BYTES;
use crate::Base64Bytes;

/// The custodian's public sealing key, as an app pins it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinnedSealingKey(pub [u8; 32]);

/// What a pinned key's text begins with.
const PINNED_PREFIX: &str = "portal-sealing-key-v1.";

/// A text that is no sealing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a sealing key such as portal-sealing-key-v1.… of 43 more letters; \
     `portal custodian sealing-key show` prints it"
)]
pub struct MalformedSealingKey;

impl PinnedSealingKey {
    /// The id by which seals name it: its first bytes.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        id
    }
}

impl core::fmt::Display for PinnedSealingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{PINNED_PREFIX}{}", Base64Bytes(self.0.to_vec()))
    }
}

impl core::fmt::Debug for PinnedSealingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

impl core::str::FromStr for PinnedSealingKey {
    type Err = MalformedSealingKey;

    fn from_str(text: &str) -> Result<Self, MalformedSealingKey> {
        let bytes = text
            .strip_prefix(PINNED_PREFIX)
            .ok_or(MalformedSealingKey)?;
        let bytes = Base64Bytes::parse(bytes).map_err(|_| MalformedSealingKey)?;
        bytes.to_array().map(Self).ok_or(MalformedSealingKey)
    }
}

impl Serialize for PinnedSealingKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PinnedSealingKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// `GET /app/sealing-keys` of the custodian's backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealingKeys {
    /// The public keys that it opens seals of, the one to seal to first.
    pub keys: Vec<PinnedSealingKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_key_is_read_as_it_is_shown() {
        let key = PinnedSealingKey([0xab; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.id(), [0xab; 8]);
        for text in [
            "",
            "portal-sealing-key-v1.",
            "portal-sealing-key-v2.AAAA",
            "AAAA",
        ] {
            assert_eq!(
                text.parse::<PinnedSealingKey>(),
                Err(MalformedSealingKey),
                "{text}"
            );
        }
    }
}
