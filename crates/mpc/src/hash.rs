//! The random oracle: BLAKE3 over tagged, length-prefixed fields.
//!
//! Two inputs that differ anywhere, in their tag, in a field, or in where one field
//! ends and the next begins, are different inputs to the hash; a long field counts as its own hash.
//!
//! BLAKE3 because one function is oracle and stream at once, and is fast on servers (SIMD,
//! detected when it runs), on phones and in WebAssembly alike; it has no tables and no branch
//! on data.

use blake3::{Hasher, OutputReader};
use zeroize::{Zeroize as _, Zeroizing};

/// A hash in the making.
#[derive(Clone)]
pub(crate) struct TaggedHash {
    hasher: Hasher,
    holds_secret: bool,
}

impl TaggedHash {
    /// Begins a hash for one use; `tag` names the use.
    pub(crate) fn new(tag: &'static str) -> Self {
        let hash = Self {
            hasher: Hasher::new(),
            holds_secret: false,
        };
        hash.field(b"portal mpc v2").field(tag.as_bytes())
    }

    /// Adds a field with its length.
    #[must_use]
    pub(crate) fn field(mut self, bytes: &[u8]) -> Self {
        self.hasher.update(&(bytes.len() as u64).to_be_bytes());
        self.hasher.update(bytes);
        self
    }

    /// The same of a field that nobody else may learn: the hash is erased when dropped.
    #[must_use]
    pub(crate) fn secret_field(mut self, bytes: &[u8]) -> Self {
        self.holds_secret = true;
        self.field(bytes)
    }

    /// Adds a field that may be absent; absent is not the same as empty.
    #[must_use]
    pub(crate) fn optional(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => self.field(&[0]),
            Some(bytes) => self.field(&[1]).field(bytes),
        }
    }

    /// Adds a field of kilobytes: as its hash, which BLAKE3 makes of whole subtrees at once.
    #[must_use]
    pub(crate) fn long_field(self, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        let digest = hasher.finalize();
        hasher.zeroize();
        self.field(digest.as_bytes())
    }

    /// As many bytes as one reads.
    pub(crate) fn stream(self) -> OutputReader {
        self.hasher.finalize_xof()
    }

    /// 64 bytes, enough to reduce to a scalar without bias.
    pub(crate) fn wide(self) -> [u8; 64] {
        self.bytes()
    }

    /// As many bytes as the array holds; nothing is left of the stream.
    pub(crate) fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        let mut stream = self.hasher.finalize_xof();
        stream.fill(&mut bytes);
        stream.zeroize();
        bytes
    }

    /// 32 bytes.
    pub(crate) fn short(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }
}

impl Drop for TaggedHash {
    fn drop(&mut self) {
        // BLAKE3's state is 2 KB: not worth it for what everybody may know.
        if self.holds_secret {
            self.hasher.zeroize();
        }
    }
}

/// A random oracle that is asked very often: one use in one session, named once.
///
/// BLAKE3's keyed mode, its key a [`TaggedHash`]. Inputs are all of one length, so they need no
/// length prefix. State, input and output have one place each, which is erased when dropped: erasing them
/// after each of a signature's three thousand questions would cost a twentieth of it.
pub(crate) struct SessionOracle {
    hasher: Hasher,
    input: Zeroizing<[u8; 2 + SECRET_BYTES]>,
    output: Zeroizing<[u8; ORACLE_BYTES]>,
}

const SECRET_BYTES: usize = 16;
/// Two blocks of BLAKE3: it computes whole blocks fastest, both at once.
pub(crate) const ORACLE_BYTES: usize = 128;

impl SessionOracle {
    pub(crate) fn new(use_in_session: TaggedHash) -> Self {
        Self {
            hasher: Hasher::new_keyed(&use_in_session.short()),
            input: Zeroizing::new([0; 2 + SECRET_BYTES]),
            output: Zeroizing::new([0; ORACLE_BYTES]),
        }
    }

    /// What the oracle says to `secret` at place `index`.
    pub(crate) fn ask(&mut self, index: u16, secret: &[u8; SECRET_BYTES]) -> &[u8; ORACLE_BYTES] {
        let (head, tail) = self.input.split_at_mut(2);
        head.copy_from_slice(&index.to_be_bytes());
        tail.copy_from_slice(secret);
        self.hasher.reset();
        self.hasher.update(self.input.as_slice());
        self.hasher.finalize_xof().fill(self.output.as_mut_slice());
        &self.output
    }
}

impl Drop for SessionOracle {
    fn drop(&mut self) {
        // The stream of the last answer lies where the next one's does.
        self.ask(0, &[0; SECRET_BYTES]);
        self.hasher.zeroize();
    }
}
