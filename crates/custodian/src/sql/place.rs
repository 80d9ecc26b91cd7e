//! A share as it lies in the database: sealed to its place.

use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{Curve, Generation};

use crate::framing::framed;
use crate::{Digest, NewShare};

/// Which columns of a row its seal binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealVersion {
    /// Client, pair, wallet and curve. Read, and written no more.
    V1,
    /// Also generation and digests: all that is ever said of a share.
    V2,
}

impl SealVersion {
    pub(super) const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    pub(super) const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

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

    /// What the seal authenticates beside the share. Its version is a part of it, so that a row
    /// cannot be passed off as one of before.
    pub(super) fn associated_data(&self, version: SealVersion) -> Vec<u8> {
        let (client_id, pair_id) = (
            self.client_id.to_bytes(),
            self.backup_share_pair_id.to_bytes(),
        );
        let (wallet_id, curve) = (self.wallet_id.to_bytes(), self.curve.as_str().as_bytes());
        match version {
            SealVersion::V1 => framed(&[
                b"portal custodian backup share v1",
                &client_id,
                &pair_id,
                &wallet_id,
                curve,
            ]),
            SealVersion::V2 => framed(&[
                b"portal custodian backup share v2",
                &client_id,
                &pair_id,
                &wallet_id,
                curve,
                &self.generation.0.to_be_bytes(),
                &self.digest.0,
                // None is empty, and so unlike any digest.
                self.delivery.as_ref().map_or(&[], |digest| &digest.0),
            ]),
        }
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

    /// What both versions begin with.
    fn begin(tag: &[u8; 32]) -> Vec<u8> {
        [
            b"\0\0\0\x20".as_slice(),
            tag,
            b"\0\0\0\x10",
            &[1; 16],
            b"\0\0\0\x10",
            &[2; 16],
            b"\0\0\0\x10",
            &[3; 16],
            b"\0\0\0\x07ED25519",
        ]
        .concat()
    }

    /// Golden: other bytes would make every stored share unreadable.
    #[test]
    fn the_associated_data_of_version_1_stays_as_it_is() {
        let expected = begin(b"portal custodian backup share v1");
        let place = place(Some(Digest([7; 32])));
        assert_eq!(place.associated_data(SealVersion::V1), expected);
    }

    #[test]
    fn the_associated_data_of_version_2_stays_as_it_is() {
        let generation = b"\0\0\0\x08\0\0\0\0\0\0\x04\x05".as_slice();
        let digest = [b"\0\0\0\x20".as_slice(), &[6; 32]].concat();
        let delivery = [b"\0\0\0\x20".as_slice(), &[7; 32]].concat();
        for (given, encoded) in [
            (Some(Digest([7; 32])), delivery.as_slice()),
            (None, b"\0\0\0\0"),
        ] {
            let begin = begin(b"portal custodian backup share v2");
            let expected = [begin.as_slice(), generation, &digest, encoded].concat();
            let seen = place(given).associated_data(SealVersion::V2);
            assert_eq!(seen, expected, "{given:?}");
        }
    }
}
