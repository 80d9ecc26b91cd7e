//! What is delivered, and how its receipt is read: by the pair's own record.
//!
//! The outbox holds what is secret, and is not asked for more. Which mode the pair was made in, and
//! which point the custodian's share must have, was decided in the commit that made the pair, and
//! never changes: a row that says otherwise is not sent.

use portal_api::sealed::SealedBlind;
use portal_api::webhook::{BackupShares, SealedPart, StoreBackupShare};
use portal_api::{Base64Bytes, SecretText};
use portal_lifecycle::{BackupMode, BackupPair, Curve, PerCurve};
use portal_mpc::{Ed25519, Group, KeyShare, PairKind, Role, Secp256k1};
use portal_seal::SecretBytes;
use portal_store::Delivery;
use sha2::{Digest as _, Sha256};

use crate::ApiError;
use crate::custodian_share::points_of;

/// The call for each curve.
pub(super) fn bodies(
    delivery: &Delivery,
    pair: &BackupPair,
) -> Result<PerCurve<StoreBackupShare>, ApiError> {
    let body = |curve: Curve| -> Result<_, ApiError> {
        let share = delivery.shares.of(curve);
        let blind = blind(delivery, pair, curve)?;
        let fits = match curve {
            Curve::Secp256k1 => fits::<Secp256k1>(share, blind.as_ref(), pair, curve),
            Curve::Ed25519 => fits::<Ed25519>(share, blind.as_ref(), pair, curve),
        };
        if !fits {
            return Err(ApiError::internal(
                "a share in the outbox is not the one that its pair was made with",
            ));
        }
        let sealed = blind.map(|blind| SealedPart {
            backup_share_pair_ids: pair.ids,
            blind,
            point: Base64Bytes(pair.points.of(curve).server.0.clone()),
        });
        Ok(StoreBackupShare {
            client_id: delivery.client_id,
            backup_method: pair.method,
            // Exposed to be handed over: opaque text to its receiver.
            share: SecretText::of_bytes(share.expose()),
            backup_share_pair_id: *pair.ids.of(curve),
            wallet_id: *delivery.wallet_ids.of(curve),
            curve,
            generation: pair.generation.0,
            sealed,
        })
    };
    Ok(PerCurve::new(
        body(Curve::Secp256k1)?,
        body(Curve::Ed25519)?,
    ))
}

/// Whether the custodian gives back what it was given: the share itself, or of a sealed backup a
/// receipt for all that it was formed from, with the point on record.
pub(super) fn is_stored(
    body: &StoreBackupShare,
    pair: &BackupPair,
    fetched: &BackupShares,
) -> bool {
    if pair.mode != BackupMode::Sealed {
        return fetched.backup_shares.contains(&body.share);
    }
    let digest = Sha256::digest(body.receipt_bytes()).to_vec();
    fetched.receipts.iter().any(|receipt| {
        receipt.backup_share_pair_id == body.backup_share_pair_id
            && receipt.digest.0 == digest
            && receipt.point.0 == pair.points.of(body.curve).server.0
    })
}

/// What the client sealed, of a sealed pair and of no other.
fn blind(
    delivery: &Delivery,
    pair: &BackupPair,
    curve: Curve,
) -> Result<Option<SealedBlind>, ApiError> {
    match (pair.mode, &delivery.blinds) {
        (BackupMode::Sealed, Some(blinds)) => SealedBlind::decode(curve, blinds.of(curve))
            .map(Some)
            .map_err(|_| ApiError::internal("a sealed blind in the outbox cannot be read")),
        (BackupMode::Plain | BackupMode::Managed, None) => Ok(None),
        (mode, _) => Err(ApiError::internal(match mode {
            BackupMode::Sealed => "a sealed backup waits in the outbox without its blinds",
            BackupMode::Plain | BackupMode::Managed => "a plain backup waits with blinds",
        })),
    }
}

/// Whether a share, or the server's part of it, leads to the points on record. Of a sealed pair
/// they are those after the blind; the share behind them the server does not know.
fn fits<G: Group>(
    share: &SecretBytes,
    blind: Option<&SealedBlind>,
    pair: &BackupPair,
    curve: Curve,
) -> bool {
    // Exposed for its points alone.
    let Ok(share) = KeyShare::<G>::decode(share.expose()) else {
        return false;
    };
    let points = match blind {
        Some(blind) => share
            .points()
            .blinded(&blind.point.0)
            .as_ref()
            .map(points_of),
        None => Some(points_of(share.points())),
    };
    share.role() == Role::Server
        && share.kind() == PairKind::Backup
        && share.pair() == pair.ids.of(curve).to_bytes()
        && points.as_ref() == Some(pair.points.of(curve))
}
