//! Reading and writing of message bodies and shares: fixed fields, and fields with a length.

use zeroize::Zeroizing;

use crate::{Abort, Check, Role};

/// Writes fields one after another. What it holds is erased when dropped.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self::with_capacity(1024)
    }

    /// For `bytes` bytes: what outgrows it is moved, and the old place erased.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    #[must_use]
    pub(crate) fn fixed(mut self, bytes: &[u8]) -> Self {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    /// A field of up to 4 GiB with its length (4 bytes, big-endian).
    #[must_use]
    pub(crate) fn sized(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.fixed(&length.to_be_bytes()).fixed(bytes)
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    fn reserve(&mut self, more: usize) {
        if self.0.capacity().saturating_sub(self.0.len()) < more {
            let mut grown = Zeroizing::new(Vec::with_capacity(
                (self.0.len().saturating_add(more)).saturating_mul(2),
            ));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
    }
}

/// The bytes are not those of the expected fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads fields one after another.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(field)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// The next `N` bytes where they lie.
    pub(crate) fn exact<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Malformed)?;
        self.take(length)
    }

    /// Everything but the last `length` bytes.
    pub(crate) fn all_but(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        self.take(self.0.len().checked_sub(length).ok_or(Malformed)?)
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Nothing may be left: trailing bytes are as wrong as missing ones.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// Reads the fields of a body, or blames `peer` for its encoding.
pub(crate) fn fields<'a, T>(
    peer: Role,
    body: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<T, Abort> {
    let mut reader = Reader::new(body);
    read(&mut reader)
        .and_then(|value| reader.finish().map(|()| value))
        .map_err(|Malformed| Abort::blame(peer, Check::Encoding))
}
