//! Hashing of tagged, length-prefixed fields.
//!
//! Two inputs that differ anywhere, in their tag, in a field, or in where one field
//! ends and the next begins, are different inputs to SHA-512.

use sha2::{Digest, Sha512};

/// A hash in the making.
#[derive(Clone)]
pub(crate) struct TaggedHash(Sha512);

impl TaggedHash {
    /// Begins a hash for one use; `tag` names the use.
    pub(crate) fn new(tag: &'static str) -> Self {
        Self(Sha512::new())
            .field(b"portal mpc v1")
            .field(tag.as_bytes())
    }

    /// Adds a field with its length.
    #[must_use]
    pub(crate) fn field(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a field that may be absent; absent is not the same as empty.
    #[must_use]
    pub(crate) fn optional(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => self.field(&[0]),
            Some(bytes) => self.field(&[1]).field(bytes),
        }
    }

    /// All 64 bytes, enough to reduce to a scalar without bias.
    pub(crate) fn wide(self) -> [u8; 64] {
        self.0.finalize().into()
    }

    /// The first 32 bytes.
    pub(crate) fn short(self) -> [u8; 32] {
        let wide = self.wide();
        let (short, _) = wide.split_at(32);
        let mut out = [0; 32];
        out.copy_from_slice(short);
        out
    }
}
