//! The server's side of the pair that a session reshares.

use portal_api::sealed::BlindedRecovery;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId};
use portal_lifecycle::{Curve, PerCurve, Refusal, Wallet};
use portal_mpc::{KeyShare, KeyShares, secp256k1};

use super::unknown_pair;
use crate::{ApiError, App, custodian_share};

/// The server's signing share of a pair, without its set-up.
pub(super) async fn signing(
    app: &App,
    client: ClientId,
    ids: PerCurve<SigningSharePairId>,
) -> Result<KeyShares, ApiError> {
    let secp256k1 = app
        .store
        .signing_share(client, Curve::Secp256k1, ids.secp256k1)
        .await?;
    let ed25519 = app
        .store
        .signing_share(client, Curve::Ed25519, ids.ed25519)
        .await?;
    let secp256k1 = secp256k1.ok_or_else(unknown_pair)?;
    let ed25519 = ed25519.ok_or_else(unknown_pair)?;
    Ok(KeyShares {
        secp256k1: secp256k1::SigningShare::decode_key(secp256k1.expose())
            .map_err(ApiError::from_own_share)?,
        ed25519: KeyShare::decode(ed25519.expose()).map_err(ApiError::from_own_share)?,
    })
}

/// The backup that a client wants to recover from.
pub(super) struct Asked<'a> {
    pub(super) client: ClientId,
    pub(super) ids: PerCurve<BackupSharePairId>,
    /// The server's nonce of this session.
    pub(super) challenge: [u8; 32],
    /// What the custodian of a sealed backup wants to see.
    pub(super) blinded: Option<&'a BlindedRecovery>,
}

/// The custodian's share of the active backup; of a sealed one, the share as the client blinded
/// it.
///
/// The server's own signing share is not needed (E19), and nothing is changed by a failure.
pub(super) async fn backup(
    app: &App,
    wallet: &Wallet,
    asked: &Asked<'_>,
) -> Result<KeyShares, ApiError> {
    let active = wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    if active.ids != asked.ids {
        return Err(custodian_share::mismatch(
            "the cipher text is not of the active backup; fetch the newest one",
        ));
    }
    match asked.blinded {
        None => custodian_share::of_pair(app, asked.client, active).await,
        Some(blinded) => {
            custodian_share::blinded(app, asked.client, active, &asked.challenge, blinded).await
        }
    }
}
