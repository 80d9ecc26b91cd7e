//! The custodian's own word that it holds its shares of a backup, checked on this device.
//!
//! # Security
//!
//! The server says that the custodian has the shares, and could say so of shares that it lost, or
//! never handed over. So the custodian proves possession of them (Schnorr) for this session, whose
//! nonce this device drew, and the device holds the proofs against the points that it expects: the
//! key's, less its own. Nobody who lacks a share can make one.

use portal_api::Base64Bytes;
use portal_api::webhook::backup_proof_context;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Curve, ErrorId, PerCurve};
use portal_mpc::{Ed25519, KeyShares, Role, Secp256k1, verify_possession};

use crate::Error;

/// What the custodian must prove.
pub(super) struct Expected {
    client_id: ClientId,
    ids: PerCurve<BackupSharePairId>,
    /// [`portal_api::webhook::custodian_challenge`] of this session.
    challenge: [u8; 32],
    /// The points of its shares, compressed.
    points: PerCurve<Vec<u8>>,
}

impl Expected {
    /// Of the custodian whose shares these, this device's, are completed by.
    pub(super) fn beside(
        shares: &KeyShares,
        client_id: ClientId,
        ids: PerCurve<BackupSharePairId>,
        challenge: [u8; 32],
    ) -> Self {
        Self {
            client_id,
            ids,
            challenge,
            points: PerCurve::new(
                shares.secp256k1.points().share(Role::Server),
                shares.ed25519.points().share(Role::Server),
            ),
        }
    }

    /// Checks what the server passed on.
    ///
    /// # Errors
    ///
    /// `BACKUP_SHARE_MISMATCH`.
    pub(super) fn check(&self, proofs: Option<&PerCurve<Base64Bytes>>) -> Result<(), Error> {
        let mismatch = |detail: String| Error::new(ErrorId::BackupShareMismatch, detail);
        let proofs = proofs.ok_or_else(|| {
            mismatch(
                "the server passed on no proof that the custodian holds its shares; update the \
                 server, and make a new backup"
                    .to_owned(),
            )
        })?;
        for (curve, proof) in proofs.iter() {
            let context =
                backup_proof_context(self.client_id, *self.ids.of(curve), &self.challenge);
            let verify = match curve {
                Curve::Secp256k1 => verify_possession::<Secp256k1>,
                Curve::Ed25519 => verify_possession::<Ed25519>,
            };
            verify(&context, Role::Server, self.points.of(curve), &proof.0).map_err(|_| {
                mismatch(format!(
                    "the custodian did not prove that it holds its {curve} share of this backup, \
                     whatever the server says; make a new backup"
                ))
            })?;
        }
        Ok(())
    }
}
