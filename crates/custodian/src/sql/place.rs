//! A share as it lies in the database: sealed to its place.

use portal_lifecycle::Curve;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};

use crate::framing::framed;

/// Where a share belongs. Sealed bytes that are moved to another place do not open.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) client_id: ClientId,
    pub(super) backup_share_pair_id: BackupSharePairId,
    pub(super) wallet_id: WalletId,
    pub(super) curve: Curve,
}

impl Place {
    /// What the seal authenticates beside the share.
    pub(super) fn associated_data(&self) -> Vec<u8> {
        framed(&[
            b"portal custodian backup share v1",
            &self.client_id.to_bytes(),
            &self.backup_share_pair_id.to_bytes(),
            &self.wallet_id.to_bytes(),
            self.curve.as_str().as_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use portal_lifecycle::Curve;
    use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};

    use super::Place;

    /// Golden: other bytes would make every stored share unreadable.
    #[test]
    fn the_associated_data_stays_as_it_is() {
        let id = |byte| uuid::Uuid::from_bytes([byte; 16]);
        let place = Place {
            client_id: ClientId(id(1)),
            backup_share_pair_id: BackupSharePairId(id(2)),
            wallet_id: WalletId(id(3)),
            curve: Curve::Ed25519,
        };
        let expected = [
            b"\0\0\0\x20portal custodian backup share v1".as_slice(),
            b"\0\0\0\x10",
            &[1; 16],
            b"\0\0\0\x10",
            &[2; 16],
            b"\0\0\0\x10",
            &[3; 16],
            b"\0\0\0\x07ED25519",
        ]
        .concat();
        assert_eq!(place.associated_data(), expected);
    }
}
