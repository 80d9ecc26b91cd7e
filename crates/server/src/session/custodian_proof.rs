//! The custodian's proof that it holds its shares of a pair: for the server, which knows the points
//! on record, and for the device, which is given the proof and checks it for itself.

use portal_api::Base64Bytes;
use portal_api::webhook::{ProveBackupShares, backup_proof_context, custodian_challenge};
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupPair, ErrorId, PerCurve};
use portal_mpc::Role;

use super::Nonces;
use super::socket::Socket;
use crate::possession::possesses;
use crate::{ApiError, App, outbox};

/// Has the custodian prove that it holds its shares of `pair`, in this session.
///
/// # Errors
///
/// `WEBHOOK_FAILED`; `BACKUP_SHARE_MISMATCH` where it proves something else.
pub(super) async fn fetch(
    app: &App,
    socket: &mut Socket,
    client: ClientId,
    nonces: Nonces,
    pair: &BackupPair,
) -> Result<PerCurve<Base64Bytes>, ApiError> {
    let challenge = custodian_challenge(&nonces.server, &nonces.client);
    let webhook = outbox::webhook(app, client).await?;
    let request = ProveBackupShares {
        client_id: client,
        backup_share_pair_ids: pair.ids,
        challenge: Base64Bytes(challenge.to_vec()),
    };
    let proving = app.webhooks.prove(&webhook, &request);
    let proved = socket.while_working(proving).await??;
    check(client, pair, Role::Server, &challenge, &proved.proofs)?;
    Ok(proved.proofs)
}

/// Holds proofs of either holder against the points on record.
pub(super) fn check(
    client: ClientId,
    pair: &BackupPair,
    role: Role,
    challenge: &[u8; 32],
    proofs: &PerCurve<Base64Bytes>,
) -> Result<(), ApiError> {
    for (curve, proof) in proofs.iter() {
        let points = pair.points.of(curve);
        let (who, point) = match role {
            Role::Client => ("the device", &points.client),
            Role::Server => ("the custodian", &points.server),
        };
        let context = backup_proof_context(client, *pair.ids.of(curve), challenge);
        if !possesses(curve, &context, role, &point.0, &proof.0) {
            return Err(ApiError::new(
                ErrorId::BackupShareMismatch,
                format!("{who} does not hold the {curve} share of this backup; make a new backup"),
            ));
        }
    }
    Ok(())
}
