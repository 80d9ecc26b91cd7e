//! The server's side of the pair that a session reshares.

use portal_api::sealed::{BlindedRecovery, SealedBlind};
use portal_api::webhook::RecoverBackupShares;
use portal_api::{Base64Bytes, SecretText};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId};
use portal_lifecycle::{
    BackupMode, BackupPair, Curve, ErrorId, PerCurve, PublicPoints, Refusal, Wallet,
};
use portal_mpc::{
    Ed25519, Group, KeyShare, KeyShares, PairKind, Points, Role, Secp256k1, secp256k1,
};

use super::{points_of, public_points, unknown_pair};
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

/// The backup that a client wants to recover from.
pub(super) struct Asked<'a> {
    pub(super) client: ClientId,
    pub(super) ids: PerCurve<BackupSharePairId>,
    /// The server's nonce of this session.
    pub(super) challenge: [u8; 32],
    /// What the custodian of a sealed backup wants to see.
    pub(super) blinded: Option<&'a BlindedRecovery>,
}

/// The custodian's share of the active backup, fetched from the custodian; of a sealed one, the
/// share as the client blinded it.
///
/// The server's own signing share is not needed (E19), and nothing is changed by a failure.
pub(super) async fn backup(
    app: &App,
    wallet: &Wallet,
    asked: &Asked<'_>,
) -> Result<KeyShares, ApiError> {
    let active = wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    if active.ids != asked.ids {
        return Err(mismatch(
            "the cipher text is not of the active backup; fetch the newest one",
        ));
    }
    match (active.mode, asked.blinded) {
        (BackupMode::Sealed, Some(blinded)) => sealed(app, active, asked, blinded).await,
        (BackupMode::Plain | BackupMode::Managed, None) => plain(app, active, asked).await,
        (mode, _) => Err(ApiError::new(
            ErrorId::BackupModeMismatch,
            format!("this backup was made {mode}, and the app recovers another kind"),
        )),
    }
}

async fn plain(app: &App, active: &BackupPair, asked: &Asked<'_>) -> Result<KeyShares, ApiError> {
    let (client, ids) = (asked.client, asked.ids);
    let webhook = outbox::webhook(app, client).await?;
    let shares = app.webhooks.fetch(&webhook, client, ids).await?;
    Ok(KeyShares {
        secp256k1: pick::<Secp256k1>(
            &shares.backup_shares,
            ids.secp256k1,
            &active.points.secp256k1,
        )?,
        ed25519: pick::<Ed25519>(&shares.backup_shares, ids.ed25519, &active.points.ed25519)?,
    })
}

/// `b_S − σ` of each curve. The client's blinds move the points on record by σ·G.
async fn sealed(
    app: &App,
    active: &BackupPair,
    asked: &Asked<'_>,
    blinded: &BlindedRecovery,
) -> Result<KeyShares, ApiError> {
    let request = RecoverBackupShares {
        client_id: asked.client,
        backup_share_pair_ids: asked.ids,
        challenge: Base64Bytes(asked.challenge.to_vec()),
        blinds: blinded.blinds.clone(),
        proofs: blinded.proofs.clone(),
    };
    let webhook = outbox::webhook(app, asked.client).await?;
    let shares = app.webhooks.recover(&webhook, &request).await?;
    let ids = asked.ids;
    Ok(KeyShares {
        secp256k1: moved::<Secp256k1>(
            &shares.secp256k1,
            ids.secp256k1,
            &active.points.secp256k1,
            &blinded.blinds.secp256k1,
        )?,
        ed25519: moved::<Ed25519>(
            &shares.ed25519,
            ids.ed25519,
            &active.points.ed25519,
            &blinded.blinds.ed25519,
        )?,
    })
}

/// A blinded share, if it has the points on record moved by the blind's.
fn moved<G: Group>(
    share: &SecretText,
    id: BackupSharePairId,
    on_record: &PublicPoints,
    blind: &SealedBlind,
) -> Result<KeyShare<G>, ApiError> {
    let share = share
        .bytes()
        .ok()
        .and_then(|bytes| KeyShare::<G>::decode(&bytes).ok());
    let fits = |share: &KeyShare<G>| {
        let expected = Points::<G>::decode(&on_record.client.0, &on_record.server.0)
            .and_then(|points| points.blinded(&blind.point.0));
        share.role() == Role::Server
            && share.kind() == PairKind::Backup
            && share.pair() == id.to_bytes()
            && expected.is_some_and(|expected| points_of(&expected) == public_points(share))
    };
    share.filter(fits).ok_or_else(|| {
        mismatch("the custodian's blinded share does not match the points on record")
    })
}

/// Picks the share of a pair by the id inside, and checks it against the points on record.
fn pick<G: Group>(
    shares: &[SecretText],
    id: BackupSharePairId,
    points: &PublicPoints,
) -> Result<KeyShare<G>, ApiError> {
    let decoded = shares
        .iter()
        .filter_map(|text| KeyShare::<G>::decode(&text.bytes().ok()?).ok());
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
