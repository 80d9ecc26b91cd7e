//! What one party keeps to sign on secp256k1: its key share and the pair's set-up.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Secp256k1;
use super::setup::{SETUP_BYTES, Setup};
use crate::ct::{declassify, mark_secret};
use crate::envelope::Channel;
use crate::hash::TaggedHash;
use crate::key_share::{KeyShare, ShareError, expect};
use crate::session::Sid;
use crate::wire::{Reader, Writer};
use crate::{Operation, Role};

/// Which engine made the set-up; a set-up of another engine is refused, not misread.
///
/// 1 was that of `dkls23-core` 0.6; 2 is the one beside this file.
pub(super) const ENGINE: u8 = 2;

/// One party's share of a signing pair. Erased when dropped.
pub struct SigningShare {
    pub(crate) key: KeyShare<Secp256k1>,
    pub(super) setup: Setup,
    /// A hash of `x_C·X_S = x_S·X_C`, which keys the transcripts of signatures. Kept, because
    /// making it anew would cost each party a twentieth of a signature.
    pub(super) transcript_key: Zeroizing<[u8; 32]>,
}

impl SigningShare {
    pub(crate) fn new(key: KeyShare<Secp256k1>, setup: Setup) -> Self {
        let transcript_key = TaggedHash::new("transcript key")
            .secret_field(&key.common_secret())
            .short();
        Self {
            key,
            setup,
            transcript_key: Zeroizing::new(transcript_key),
        }
    }

    /// This party's end of a signing session.
    pub(crate) fn channel(&self, role: Role, sid: Sid) -> Channel {
        let key = Zeroizing::new(self.transcript_key.to_vec());
        Channel::new(role, Operation::Sign, &[sid], key)
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

    /// The share's bytes: the key share, the engine (1 byte), the set-up (6,160), the
    /// transcripts' key (32), and a hash of both (32) that tells damage from a peer's cheating. Secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let kept = Writer::with_capacity(KEPT_BYTES)
            .fixed(&self.setup.encode())
            .fixed(self.transcript_key.as_slice())
            .finish();
        Writer::with_capacity(7 * 1024)
            .fixed(&self.key.encode())
            .fixed(&[ENGINE])
            .fixed(&kept)
            .fixed(&checksum(&kept))
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
        let kept = reader.exact::<KEPT_BYTES>()?;
        let sum: [u8; 32] = reader.array()?;
        reader.finish()?;
        if !declassify(checksum(kept).ct_eq(&sum)) {
            return Err(ShareError::Inconsistent);
        }
        let mut kept = Reader::new(kept);
        let setup = Setup::decode(kept.exact()?)?;
        let mut transcript_key = Zeroizing::new(kept.array()?);
        mark_secret(&mut *transcript_key);
        Ok(Self {
            key,
            setup,
            transcript_key,
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

/// Set-up and transcripts' key.
const KEPT_BYTES: usize = SETUP_BYTES + 32;

fn checksum(kept: &[u8]) -> [u8; 32] {
    TaggedHash::new("set-up at rest").long_field(kept).short()
}

impl fmt::Debug for SigningShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningShare").field(&self.key).finish()
    }
}
