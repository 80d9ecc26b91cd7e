//! What is delivered, and how its receipt is read.

use portal_api::Base64Bytes;
use portal_api::sealed::SealedBlind;
use portal_api::webhook::{BackupShares, SealedPart, StoreBackupShare};
use portal_lifecycle::{Curve, PerCurve};
use portal_mpc::{Ed25519, Group, KeyShare, Role, Secp256k1};
use portal_seal::SecretBytes;
use portal_store::Delivery;
use sha2::{Digest as _, Sha256};

use crate::ApiError;

/// The call for each curve.
pub(super) fn bodies(delivery: &Delivery) -> Result<PerCurve<StoreBackupShare>, ApiError> {
    let body = |curve: Curve| -> Result<_, ApiError> {
        let share = delivery.shares.of(curve);
        let sealed = match &delivery.blinds {
            Some(blinds) => Some(sealed_part(delivery, curve, share, blinds.of(curve))?),
            None => None,
        };
        Ok(StoreBackupShare {
            client_id: delivery.client_id,
            backup_method: delivery.method,
            // Exposed to be handed over: opaque text to its receiver.
            share: Base64Bytes(share.expose().to_vec()).to_string(),
            backup_share_pair_id: *delivery.ids.of(curve),
            wallet_id: *delivery.wallet_ids.of(curve),
            curve,
            generation: delivery.generation.0,
            sealed,
        })
    };
    Ok(PerCurve::new(
        body(Curve::Secp256k1)?,
        body(Curve::Ed25519)?,
    ))
}

/// Whether the custodian gives back what it was given: the share itself, or of a sealed backup a
/// receipt for all that it was formed from, with the point that it must have.
pub(super) fn is_stored(body: &StoreBackupShare, fetched: &BackupShares) -> bool {
    let Some(sealed) = &body.sealed else {
        return fetched.backup_shares.contains(&body.share);
    };
    let digest = Sha256::digest(body.receipt_bytes()).to_vec();
    fetched.receipts.iter().any(|receipt| {
        receipt.backup_share_pair_id == body.backup_share_pair_id
            && receipt.digest.0 == digest
            && receipt.point == sealed.point
    })
}

fn sealed_part(
    delivery: &Delivery,
    curve: Curve,
    share: &SecretBytes,
    blind: &[u8],
) -> Result<SealedPart, ApiError> {
    let unreadable = || ApiError::internal("a sealed backup in the outbox cannot be read");
    let blind = SealedBlind::decode(curve, blind).map_err(|_| unreadable())?;
    let point = match curve {
        Curve::Secp256k1 => custodian_point::<Secp256k1>(share, &blind),
        Curve::Ed25519 => custodian_point::<Ed25519>(share, &blind),
    };
    Ok(SealedPart {
        backup_share_pair_ids: delivery.ids,
        blind,
        point: Base64Bytes(point.ok_or_else(unreadable)?),
    })
}

/// The point on record of the custodian's share, which the server does not know: `t·G − ρ·G`.
fn custodian_point<G: Group>(part: &SecretBytes, blind: &SealedBlind) -> Option<Vec<u8>> {
    // Exposed for its points alone.
    let part = KeyShare::<G>::decode(part.expose()).ok()?;
    let points = part.points().blinded(&blind.point.0)?;
    Some(points.share(Role::Server))
}
