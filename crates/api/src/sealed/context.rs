//! What a blind is sealed and drawn for.

use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{Curve, PerCurve};

use super::framed;

/// What HPKE's key schedule is bound to.
const INFO: &[u8] = b"portal sealed blind v1";

/// What a seal is for; a seal for one purpose does not open for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// ρ: the custodian forms its share.
    Backup,
    /// σ: the custodian blinds its share.
    Recover,
}

/// What a blind is sealed for; all of it is authenticated, and none of it can be changed by who
/// does not know the blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// What for.
    pub purpose: SealPurpose,
    /// Whose wallet.
    pub client_id: ClientId,
    /// The backup pair on both curves, so that the halves of two backups do not mix.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The key of this curve.
    pub wallet_id: WalletId,
    /// This curve.
    pub curve: Curve,
    /// The pair's generation.
    pub generation: u64,
    /// Q, compressed.
    pub key: &'a [u8],
    /// The blind times the generator, compressed.
    pub point: &'a [u8],
}

impl SealPurpose {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Backup => b"backup",
            Self::Recover => b"recover",
        }
    }
}

impl SealContext<'_> {
    /// HPKE's `info`.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        framed(&[INFO, self.purpose.as_bytes()])
    }

    /// HPKE's `aad`.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        framed(&[
            INFO,
            self.purpose.as_bytes(),
            &self.client_id.to_bytes(),
            &self.backup_share_pair_ids.secp256k1.to_bytes(),
            &self.backup_share_pair_ids.ed25519.to_bytes(),
            &self.wallet_id.to_bytes(),
            self.curve.as_str().as_bytes(),
            &self.generation.to_be_bytes(),
            self.key,
            self.point,
        ])
    }
}

/// What a blind is drawn for, so that no two draws of one share are alike even if the randomness is.
#[must_use]
pub fn blind_context(purpose: SealPurpose, pair: BackupSharePairId, nonce: &[u8; 32]) -> Vec<u8> {
    framed(&[INFO, purpose.as_bytes(), &pair.to_bytes(), nonce])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::tests::{context, id, of};

    #[test]
    fn no_two_contexts_are_alike() {
        let bytes = context(Curve::Ed25519);
        let here = of(Curve::Ed25519, &bytes);
        let pairs = here.backup_share_pair_ids;
        let other = vec![b'X'; 32];
        let others = [
            SealContext {
                purpose: SealPurpose::Recover,
                ..here
            },
            SealContext {
                client_id: ClientId(id(9)),
                ..here
            },
            SealContext {
                backup_share_pair_ids: PerCurve::new(pairs.ed25519, pairs.secp256k1),
                ..here
            },
            SealContext {
                wallet_id: WalletId(id(9)),
                ..here
            },
            SealContext {
                curve: Curve::Secp256k1,
                ..here
            },
            SealContext {
                generation: 6,
                ..here
            },
            SealContext {
                key: &other,
                ..here
            },
            SealContext {
                point: &other,
                ..here
            },
        ];
        for there in others {
            assert_ne!(here.associated_data(), there.associated_data(), "{there:?}");
        }
    }
}
