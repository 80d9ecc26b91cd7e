//! A share as it lies in the database: sealed to its place.

use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{Curve, Generation};

use crate::framing::framed;
use crate::{Digest, NewShare};

/// What a row says of [`Place::associated_data`]. Of version 1, which bound less, none is read.
pub(super) const SEAL_VERSION: u32 = 2;

/// Where a share belongs, and what is said of it in clear. Sealed bytes that are moved to another
/// place do not open, and neither do those of which something else is said.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) client_id: ClientId,
    pub(super) backup_share_pair_id: BackupSharePairId,
    pub(super) wallet_id: WalletId,
    pub(super) curve: Curve,
    pub(super) generation: Generation,
    /// Of the share's text.
    pub(super) digest: Digest,
    /// Of what a share was formed from; such a share never leaves.
    pub(super) delivery: Option<Digest>,
}

impl Place {
    pub(super) const fn of(new: &NewShare, digest: Digest) -> Self {
        Self {
            client_id: new.client_id,
            backup_share_pair_id: new.backup_share_pair_id,
            wallet_id: new.wallet_id,
            curve: new.curve,
            generation: new.generation,
            digest,
            delivery: new.delivery,
        }
    }

    /// What the seal authenticates beside the share: all that is ever said of it.
    pub(super) fn associated_data(&self) -> Vec<u8> {
        framed(&[
            b"portal custodian backup share v2",
            &self.client_id.to_bytes(),
            &self.backup_share_pair_id.to_bytes(),
            &self.wallet_id.to_bytes(),
            self.curve.as_str().as_bytes(),
            &self.generation.0.to_be_bytes(),
            &self.digest.0,
            // None is empty, and so unlike any digest.
            self.delivery.as_ref().map_or(&[], |digest| &digest.0),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(delivery: Option<Digest>) -> Place {
        let id = |byte| uuid::Uuid::from_bytes([byte; 16]);
        Place {
            client_id: ClientId(id(1)),
            backup_share_pair_id: BackupSharePairId(id(2)),
            wallet_id: WalletId(id(3)),
            curve: Curve::Ed25519,
            generation: Generation(0x0405),
            digest: Digest([6; 32]),
            delivery,
        }
    }

    /// Golden: other bytes would make every stored share unreadable.
    #[test]
    fn the_associated_data_stays_as_it_is() {
        let delivery = [b"\0\0\0\x20".as_slice(), &[7; 32]].concat();
        for (given, encoded) in [
            (Some(Digest([7; 32])), delivery.as_slice()),
            (None, b"\0\0\0\0"),
        ] {
            let expected = [
                b"\0\0\0\x20portal custodian backup share v2".as_slice(),
                b"\0\0\0\x10",
                &[1; 16],
                b"\0\0\0\x10",
                &[2; 16],
                b"\0\0\0\x10",
                &[3; 16],
                b"\0\0\0\x07ED25519",
                b"\0\0\0\x08\0\0\0\0\0\0\x04\x05",
                b"\0\0\0\x20",
                &[6; 32],
                encoded,
            ]
            .concat();
            assert_eq!(place(given).associated_data(), expected, "{given:?}");
        }
    }
}
