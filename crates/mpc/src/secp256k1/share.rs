//! What one party keeps to sign on secp256k1: its key share and the pair's set-up.

use core::fmt;

use zeroize::Zeroizing;

use super::Secp256k1;
use super::setup::Setup;
use crate::key_share::{KeyShare, ShareError, expect};
use crate::wire::{Reader, Writer};

/// Which engine made the set-up; a set-up of another engine is refused, not misread.
const ENGINE: u8 = 1;

/// One party's share of a signing pair. Erased when dropped.
pub struct SigningShare {
    pub(crate) key: KeyShare<Secp256k1>,
    pub(super) setup: Setup,
}

impl SigningShare {
    pub(crate) const fn new(key: KeyShare<Secp256k1>, setup: Setup) -> Self {
        Self { key, setup }
    }

    /// The additive share of the key.
    #[must_use]
    pub const fn key(&self) -> &KeyShare<Secp256k1> {
        &self.key
    }

    /// The share without its set-up: all that resharing needs.
    #[must_use]
    pub fn into_key(self) -> KeyShare<Secp256k1> {
        self.key
    }

    /// The share's bytes: the key share, the engine (1 byte), the set-up. Secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .fixed(&self.key.encode())
            .fixed(&[ENGINE])
            .sized(&self.setup.encode())
            .finish()
    }

    /// Reads a share back, and checks that it is whole.
    ///
    /// # Errors
    ///
    /// [`ShareError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ShareError> {
        let mut reader = Reader::new(bytes);
        let key = KeyShare::read(&mut reader)?;
        expect("the signing share's engine", ENGINE, reader.byte()?)?;
        let setup = reader.sized()?;
        reader.finish()?;
        Ok(Self {
            key,
            setup: Setup::decode(setup)?,
        })
    }
}

impl fmt::Debug for SigningShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningShare").field(&self.key).finish()
    }
}
