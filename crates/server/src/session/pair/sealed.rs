//! What a sealed backup adds: the client's blinds, and the points after them.
//!
//! The server knows neither ρ nor, with it, the custodian's share: it puts `X_C + ρ·G` and
//! `X_S − ρ·G` on record, and its part t with the sealed ρ into the outbox, in one transaction.
//! Whether the scalar inside the seal is the one of the point only the custodian sees; it refuses
//! what does not fit. See [`portal_api::sealed`] for who could cheat, and with what.

use portal_api::sealed::SealedBlind;
use portal_api::session::ClientFrame;
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMode, Curve, ErrorId, PerCurve, PublicPoints};
use portal_mpc::{Group, KeyShare, KeyShares};

use super::super::socket::Socket;
use crate::custodian_share::points_of;
use crate::{ApiError, App};

/// The mode of a new backup: the environment's, and the one that the client expects.
pub(super) async fn mode(
    app: &App,
    client: ClientId,
    asked: BackupMode,
) -> Result<BackupMode, ApiError> {
    let mode = app.store.tenant(client).await?.backup_mode;
    if asked == mode {
        return Ok(mode);
    }
    Err(ApiError::new(
        ErrorId::BackupModeMismatch,
        format!("this environment makes {mode} backups, and the app asks for a {asked} one"),
    ))
}

/// The client's blinds, which come before its first MPC message.
pub(super) async fn receive(socket: &mut Socket) -> Result<PerCurve<SealedBlind>, ApiError> {
    let malformed = |what: String| ApiError::new(ErrorId::WsMsgMalformed, what);
    let ClientFrame::Blinds { blinds } = socket.receive().await? else {
        return Err(malformed(
            "expected the blinds of a sealed backup, got another start".to_owned(),
        ));
    };
    for (curve, blind) in blinds.iter() {
        blind
            .check(curve)
            .map_err(|error| malformed(format!("the blind on {curve}: {error}")))?;
    }
    Ok(blinds)
}

/// The points on record: those after the client has added its blinds.
pub(super) fn points(
    shares: &KeyShares,
    blinds: &PerCurve<SealedBlind>,
) -> Result<PerCurve<PublicPoints>, ApiError> {
    Ok(PerCurve::new(
        blinded(&shares.secp256k1, Curve::Secp256k1, &blinds.secp256k1)?,
        blinded(&shares.ed25519, Curve::Ed25519, &blinds.ed25519)?,
    ))
}

fn blinded<G: Group>(
    share: &KeyShare<G>,
    curve: Curve,
    blind: &SealedBlind,
) -> Result<PublicPoints, ApiError> {
    let points = share.points().blinded(&blind.point.0).ok_or_else(|| {
        ApiError::new(
            ErrorId::MpcPeerMisbehaved,
            format!("the blind's point on {curve} is none that hides a share"),
        )
    })?;
    Ok(points_of(&points))
}
