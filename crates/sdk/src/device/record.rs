//! One signing pair as this device keeps it.
//!
//! ```text
//! version (1) ‖ generation (8) ‖ wallet ids (2 × 16) ‖ pair ids (2 × 16) ‖
//! length (4) ‖ secp256k1 share ‖ length (4) ‖ Ed25519 share
//! ```

use portal_chains::Addresses;
use portal_lifecycle::ids::{SigningSharePairId, WalletId};
use portal_lifecycle::{ErrorId, Generation, PerCurve};
use portal_mpc::{Ed25519, KeyShare, Secp256k1, SigningShares, secp256k1};
use portal_seal::SecretBytes;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Error;

const VERSION: u8 = 1;

/// A signing pair with this device's share of both curves.
pub(crate) struct PairRecord {
    pub(crate) generation: Generation,
    pub(crate) wallet_ids: PerCurve<WalletId>,
    pub(crate) ids: PerCurve<SigningSharePairId>,
    /// Encoded shares; decoded where they are used, so that they live shortly.
    shares: PerCurve<SecretBytes>,
}

impl PairRecord {
    pub(crate) fn new(
        generation: Generation,
        wallet_ids: PerCurve<WalletId>,
        ids: PerCurve<SigningSharePairId>,
        shares: &SigningShares,
    ) -> Self {
        let shares = PerCurve::new(
            SecretBytes::new(shares.secp256k1.encode()),
            SecretBytes::new(shares.ed25519.encode()),
        );
        Self {
            generation,
            wallet_ids,
            ids,
            shares,
        }
    }

    /// The share on secp256k1, to sign with or to prove.
    pub(crate) fn secp256k1(&self) -> Result<secp256k1::SigningShare, Error> {
        secp256k1::SigningShare::decode(self.shares.secp256k1.expose())
            .map_err(Error::from_own_share)
    }

    /// The additive share on secp256k1, to reshare.
    pub(crate) fn secp256k1_key(&self) -> Result<KeyShare<Secp256k1>, Error> {
        secp256k1::SigningShare::decode_key(self.shares.secp256k1.expose())
            .map_err(Error::from_own_share)
    }

    /// The share on Ed25519, to sign with or to prove.
    pub(crate) fn ed25519(&self) -> Result<KeyShare<Ed25519>, Error> {
        KeyShare::decode(self.shares.ed25519.expose()).map_err(Error::from_own_share)
    }

    /// The public key of each curve, compressed, computed on this device.
    pub(crate) fn keys(&self) -> Result<PerCurve<Vec<u8>>, Error> {
        let secp256k1 = self.secp256k1_key()?.points().key();
        let ed25519 = self.ed25519()?.points().key();
        Ok(PerCurve::new(secp256k1, ed25519))
    }

    /// The addresses of the pair's keys, computed on this device: a server is not believed for
    /// them (P1: of a pair that is confirmed).
    pub(crate) fn addresses(&self) -> Result<Addresses, Error> {
        let [secp256k1, ed25519] = self.keys()?.into_array();
        let (Ok(secp256k1), Ok(ed25519)) = (secp256k1.try_into(), ed25519.try_into()) else {
            return Err(Error::new(
                ErrorId::SignShareMismatch,
                "a share's public key is no key",
            ));
        };
        Ok(portal_chains::addresses(&secp256k1, &ed25519)?)
    }

    pub(super) fn encode(&self) -> SecretBytes {
        let shares = self.shares.as_ref().map(SecretBytes::expose); // to be sealed by the keychain
        let length = shares.secp256k1.len().saturating_add(shares.ed25519.len());
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(128)));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.generation.0.to_be_bytes());
        self.wallet_ids
            .into_array()
            .iter()
            .for_each(|id| bytes.extend_from_slice(&id.to_bytes()));
        self.ids
            .into_array()
            .iter()
            .for_each(|id| bytes.extend_from_slice(&id.to_bytes()));
        for share in shares.into_array() {
            let length = u32::try_from(share.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(share);
        }
        SecretBytes::new(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || {
            Error::new(
                ErrorId::KeychainReadFailed,
                "a signing pair in the keychain is damaged",
            )
        };
        let (version, mut rest) = bytes.split_first().ok_or_else(damaged)?;
        if *version != VERSION {
            let detail = format!(
                "a signing pair in the keychain is of version {version}, expected {VERSION}"
            );
            return Err(Error::new(ErrorId::MpcProtocolUnsupported, detail));
        }
        let mut read = || -> Option<Self> {
            let generation = Generation(u64::from_be_bytes(take(&mut rest)?));
            let mut id = || take(&mut rest).map(Uuid::from_bytes);
            let wallet_ids = PerCurve::new(WalletId(id()?), WalletId(id()?));
            let ids = PerCurve::new(SigningSharePairId(id()?), SigningSharePairId(id()?));
            let mut share = || {
                let length = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).ok()?;
                let (share, after) = rest.split_at_checked(length)?;
                rest = after;
                Some(SecretBytes::new(share.to_vec()))
            };
            let shares = PerCurve::new(share()?, share()?);
            rest.is_empty().then_some(Self {
                generation,
                wallet_ids,
                ids,
                shares,
            })
        };
        read().ok_or_else(damaged)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*field)
}
