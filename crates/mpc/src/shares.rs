//! One party's shares of a pair on both curves.

use crate::ed25519::Ed25519;
use crate::key_share::KeyShare;
use crate::secp256k1::setup::{ANSWER_BYTES, Answered, Challenged};
use crate::secp256k1::{self, Secp256k1};
use crate::{Abort, Check};

/// One party's shares of a signing pair.
#[derive(Debug)]
pub struct SigningShares {
    /// On secp256k1, with the pair's set-up.
    pub secp256k1: secp256k1::SigningShare,
    /// On Ed25519.
    pub ed25519: KeyShare<Ed25519>,
}

/// One party's additive shares: the source of a reshare, or a backup pair.
#[derive(Debug)]
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct KeyShares {
    /// On secp256k1.
    pub secp256k1: KeyShare<Secp256k1>,
    /// On Ed25519.
    pub ed25519: KeyShare<Ed25519>,
}

/// One party's shares of a backup pair.
pub type BackupShares = KeyShares;

impl SigningShares {
    /// The shares without their set-up: all that resharing needs.
    #[must_use]
    pub fn into_keys(self) -> KeyShares {
        KeyShares {
            secp256k1: self.secp256k1.into_key(),
            ed25519: self.ed25519,
        }
    }
}

impl KeyShares {
    /// Everything that both parties must agree on.
    pub(crate) fn public(&self) -> Vec<Vec<u8>> {
        [self.secp256k1.public(), self.ed25519.public()].concat()
    }
}

/// A signing pair's shares before the peer has shown that it has the same set-up.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Unconfirmed {
    keys: KeyShares,
    setup: Challenged,
}

impl Unconfirmed {
    /// Takes the peer's answer of the set-up; gives this party's challenge.
    pub(crate) fn new(
        keys: KeyShares,
        setup: Answered,
        peer_answer: &[u8; ANSWER_BYTES],
    ) -> Result<(Self, Vec<u8>), Abort> {
        let (setup, challenge) = setup.finish(peer_answer)?;
        Ok((Self { keys, setup }, challenge.to_vec()))
    }

    pub(crate) fn public(&self) -> Vec<Vec<u8>> {
        self.keys.public()
    }

    pub(crate) fn reply(&self, challenge: &[u8]) -> Result<Vec<u8>, Abort> {
        let challenge = challenge.try_into().map_err(|_| self.malformed())?;
        Ok(self.setup.reply(challenge)?.to_vec())
    }

    pub(crate) fn settle(self, reply: &[u8]) -> Result<SigningShares, Abort> {
        let reply = reply.try_into().map_err(|_| self.malformed())?;
        let Self { keys, setup } = self;
        Ok(SigningShares {
            secp256k1: secp256k1::SigningShare::new(keys.secp256k1, setup.settle(reply)?),
            ed25519: keys.ed25519,
        })
    }

    const fn malformed(&self) -> Abort {
        Abort::blame(self.keys.secp256k1.role.peer(), Check::Encoding)
    }
}
