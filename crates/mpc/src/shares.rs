//! One party's shares of a pair on both curves.

use crate::ed25519::Ed25519;
use crate::key_share::KeyShare;
use crate::secp256k1::{self, Secp256k1};

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
pub struct KeyShares {
    /// On secp256k1.
    pub secp256k1: KeyShare<Secp256k1>,
    /// On Ed25519.
    pub ed25519: KeyShare<Ed25519>,
}

/// One party's shares of a backup pair.
pub type BackupShares = KeyShares;

impl SigningShares {
    /// Everything that both parties must agree on.
    pub(crate) fn public(&self) -> Vec<Vec<u8>> {
        [self.secp256k1.public(), self.ed25519.public()].concat()
    }

    /// The shares without their set-up: all that resharing needs.
    #[must_use]
    pub fn into_keys(self) -> KeyShares {
        KeyShares {
            secp256k1: self.secp256k1.into_key(),
            ed25519: self.ed25519,
        }
    }
}
