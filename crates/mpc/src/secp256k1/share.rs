//! What one party keeps to sign on secp256k1: its key share and the pair's set-up.

use core::fmt;

use zeroize::Zeroizing;

use super::Secp256k1;
use super::setup::Setup;
use crate::hash::TaggedHash;
use crate::key_share::{KeyShare, ShareError, expect};
use crate::wire::{Reader, Writer};

/// Which engine made the set-up; a set-up of another engine is refused, not misread.
pub(super) const ENGINE: u8 = 1;

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

    /// Everything that both parties must agree on, as far as it is public or hashed.
    pub(crate) fn public(&self) -> Vec<Vec<u8>> {
        let mut fields = self.key.public();
        fields.push(self.setup.digest(self.key.role).to_vec());
        fields
    }

    /// The share's bytes: the key share, the engine (1 byte), the set-up, and a hash of the
    /// set-up that tells damage from a peer's cheating. Secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let setup = self.setup.encode();
        Writer::new()
            .fixed(&self.key.encode())
            .fixed(&[ENGINE])
            .sized(&setup)
            .fixed(&checksum(&setup))
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
        let sum: [u8; 32] = reader.array()?;
        reader.finish()?;
        if checksum(setup) != sum {
            return Err(ShareError::Inconsistent);
        }
        Ok(Self {
            key,
            setup: Setup::decode(setup)?,
        })
    }

    /// Reads only the additive share, whatever engine's set-up comes with it: all that
    /// resharing needs, so that a pair of another engine, or with a damaged set-up, can be
    /// refreshed and backed up.
    ///
    /// # Errors
    ///
    /// [`ShareError`].
    pub fn decode_key(bytes: &[u8]) -> Result<KeyShare<Secp256k1>, ShareError> {
        KeyShare::read(&mut Reader::new(bytes))
    }
}

fn checksum(setup: &[u8]) -> [u8; 32] {
    TaggedHash::new("set-up at rest").field(setup).short()
}

impl fmt::Debug for SigningShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningShare").field(&self.key).finish()
    }
}
