//! The server's side of the pair that a session reshares.

use portal_api::Base64Bytes;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId};
use portal_lifecycle::{Curve, ErrorId, PerCurve, PublicPoints, Refusal, Wallet};
use portal_mpc::{Ed25519, Group, KeyShare, KeyShares, PairKind, Role, Secp256k1, secp256k1};
use zeroize::Zeroizing;

use super::{public_points, unknown_pair};
use crate::{ApiError, App, outbox};

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

/// The custodian's share of the active backup, fetched from the custodian.
///
/// The server's own signing share is not needed (E19), and nothing is changed by a failure.
pub(super) async fn backup(
    app: &App,
    client: ClientId,
    wallet: &Wallet,
    ids: PerCurve<BackupSharePairId>,
) -> Result<KeyShares, ApiError> {
    let active = wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    if active.ids != ids {
        return Err(mismatch(
            "the cipher text is not of the active backup; fetch the newest one",
        ));
    }
    let webhook = outbox::webhook(app, client).await?;
    let shares = app.webhooks.fetch(&webhook, client, ids).await?;
    Ok(KeyShares {
        secp256k1: pick::<Secp256k1>(&shares, ids.secp256k1, &active.points.secp256k1)?,
        ed25519: pick::<Ed25519>(&shares, ids.ed25519, &active.points.ed25519)?,
    })
}

/// Picks the share of a pair by the id inside, and checks it against the points on record.
fn pick<G: Group>(
    shares: &[String],
    id: BackupSharePairId,
    points: &PublicPoints,
) -> Result<KeyShare<G>, ApiError> {
    let decoded = shares.iter().filter_map(|text| {
        let bytes = Zeroizing::new(Base64Bytes::parse(text).ok()?.0);
        KeyShare::<G>::decode(&bytes).ok()
    });
    let mut of_pair = decoded
        .filter(|share| share.pair() == id.to_bytes())
        .peekable();
    if of_pair.peek().is_none() {
        return Err(ApiError::new(
            ErrorId::CustodianShareNotFound,
            format!(
                "the custodian gave {} shares, none of backup pair {id}",
                shares.len()
            ),
        ));
    }
    of_pair
        .find(|share| {
            share.role() == Role::Server
                && share.kind() == PairKind::Backup
                && public_points(share) == *points
        })
        .ok_or_else(|| mismatch("the custodian's share does not match the points on record"))
}

fn mismatch(what: &str) -> ApiError {
    ApiError::new(ErrorId::BackupShareMismatch, what)
}
