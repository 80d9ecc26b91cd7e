//! The custodian's share of the backup in force: from its backend, or from where this server
//! keeps it (managed mode). Of a sealed backup the server gets the share only blinded.

use portal_api::sealed::{BlindedRecovery, SealedBlind};
use portal_api::webhook::RecoverBackupShares;
use portal_api::{Base64Bytes, SecretText};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{BackupMode, BackupPair, Curve, ErrorId, PerCurve, Point, PublicPoints};
use portal_mpc::{Ed25519, Group, KeyShare, KeyShares, PairKind, Points, Role, Secp256k1};
use portal_seal::SecretBytes;

use crate::{ApiError, App, outbox};

/// Both curves' shares of a plain or managed pair, checked against the points on record.
pub(crate) async fn of_pair(
    app: &App,
    client: ClientId,
    pair: &BackupPair,
) -> Result<KeyShares, ApiError> {
    match pair.mode {
        BackupMode::Plain => {
            let webhook = outbox::webhook(app, client).await?;
            let fetched = app.webhooks.fetch(&webhook, client, pair.ids).await?;
            picked(&fetched.backup_shares, pair)
        }
        BackupMode::Managed => {
            let kept = kept(app, client, pair.ids).await?;
            let shares = kept.map(|share| SecretText::of_bytes(share.expose())); // to be checked
            picked(&shares.into_array(), pair)
        }
        BackupMode::Sealed => Err(another_mode(pair.mode)),
    }
}

fn picked(shares: &[SecretText], pair: &BackupPair) -> Result<KeyShares, ApiError> {
    Ok(KeyShares {
        secp256k1: pick::<Secp256k1>(shares, pair.ids.secp256k1, &pair.points.secp256k1)?,
        ed25519: pick::<Ed25519>(shares, pair.ids.ed25519, &pair.points.ed25519)?,
    })
}

/// `b_S − σ` of each curve of a sealed pair. The client's blinds move the points on record by σ·G.
pub(crate) async fn blinded(
    app: &App,
    client: ClientId,
    pair: &BackupPair,
    challenge: &[u8; 32],
    recovery: &BlindedRecovery,
) -> Result<KeyShares, ApiError> {
    if pair.mode != BackupMode::Sealed {
        return Err(another_mode(pair.mode));
    }
    let request = RecoverBackupShares {
        client_id: client,
        backup_share_pair_ids: pair.ids,
        challenge: Base64Bytes(challenge.to_vec()),
        blinds: recovery.blinds.clone(),
        proofs: recovery.proofs.clone(),
    };
    let webhook = outbox::webhook(app, client).await?;
    let shares = app.webhooks.recover(&webhook, &request).await?;
    Ok(KeyShares {
        secp256k1: moved::<Secp256k1>(
            &shares.secp256k1,
            pair.ids.secp256k1,
            &pair.points.secp256k1,
            &recovery.blinds.secp256k1,
        )?,
        ed25519: moved::<Ed25519>(
            &shares.ed25519,
            pair.ids.ed25519,
            &pair.points.ed25519,
            &recovery.blinds.ed25519,
        )?,
    })
}

/// The shares that this server keeps itself.
async fn kept(
    app: &App,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
) -> Result<PerCurve<SecretBytes>, ApiError> {
    let read = |curve: Curve| app.store.custodian_share(client, curve, *ids.of(curve));
    let secp256k1 = read(Curve::Secp256k1).await?;
    let ed25519 = read(Curve::Ed25519).await?;
    let gone = || ApiError::internal("a custodian share that is kept here is gone");
    Ok(PerCurve::new(
        secp256k1.ok_or_else(gone)?,
        ed25519.ok_or_else(gone)?,
    ))
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

/// The public side of a new sharing, as the wallet's record keeps it.
pub(crate) fn public_points<G: Group>(share: &KeyShare<G>) -> PublicPoints {
    points_of(share.points())
}

pub(crate) fn points_of<G: Group>(points: &Points<G>) -> PublicPoints {
    PublicPoints {
        key: Point(points.key()),
        client: Point(points.share(Role::Client)),
        server: Point(points.share(Role::Server)),
    }
}

pub(crate) fn mismatch(what: &str) -> ApiError {
    ApiError::new(ErrorId::BackupShareMismatch, what)
}

fn another_mode(mode: BackupMode) -> ApiError {
    ApiError::new(
        ErrorId::BackupModeMismatch,
        format!("this backup was made {mode}, and the app recovers another kind"),
    )
}
