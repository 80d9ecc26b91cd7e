//! Sealed backups: the public keys, and shares blinded for a recovery that the app's backend opened.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use portal_api::Time;
use portal_api::custodian_app::{OpenRecovery, Recoveries, Recovery};
use portal_api::sealed::{SealingKeys, recovery_proof_context};
use portal_api::webhook::{BlindedBackupShares, RecoverBackupShares};
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{Curve, PerCurve};
use serde::Deserialize;

use super::webhook::{FromPortal, secret_json};
use crate::blinded::{Asked, blinded_shares};
use crate::json_body::JsonBody;
use crate::recovery::{RecoveryRequest, RecoveryWindow};
use crate::refusal::Refusal;
use crate::router::Shared;
use crate::{Digest, Sealing};

/// GET `/app/sealing-keys`. Public: whoever seals to a key gets it from its app, and pins it.
pub(crate) async fn keys(State(shared): State<Shared>) -> Result<Json<SealingKeys>, Refusal> {
    Ok(Json(SealingKeys {
        keys: sealing(&shared)?.keys.public(),
    }))
}

/// POST `/backup/recover`. Everything is checked before the use is recorded, and that before the
/// answer leaves.
pub(crate) async fn recover(
    State(shared): State<Shared>,
    FromPortal(body): FromPortal<RecoverBackupShares>,
) -> Result<Response, Refusal> {
    let sealing = sealing(&shared)?;
    let challenge = body
        .challenge
        .to_array()
        .ok_or_else(|| Refusal::Malformed("the field challenge: expected 32 bytes".to_owned()))?;
    let now = shared.now();
    let window = sealing
        .recoveries
        .recovery_in_force(body.client_id, now)
        .await?;
    let context = recovery_proof_context(
        body.client_id,
        body.backup_share_pair_ids,
        &window.ticket,
        &challenge,
        &body.blinds,
    );
    let shares = shared.store.shares_of(body.client_id).await?;
    let asked = Asked {
        client_id: body.client_id,
        pair_ids: body.backup_share_pair_ids,
        proof_context: &context,
        blinds: &body.blinds,
        proofs: &body.proofs,
    };
    let blinded = blinded_shares(&sealing.keys, &shares, &asked)?;
    let both = [Curve::Secp256k1, Curve::Ed25519].map(|curve| body.blinds.of(curve).encode());
    let request = RecoveryRequest {
        request: Digest::of(&context),
        blinds: Digest::of(&both.concat()),
    };
    sealing
        .recoveries
        .use_recovery(body.client_id, request, now)
        .await?;
    // Exposed because handing them to Portal, blinded, is what this route is for.
    let answer = BlindedBackupShares {
        backup_shares: PerCurve::new(
            blinded.secp256k1.expose().into(),
            blinded.ed25519.expose().into(),
        ),
    };
    secret_json(&answer)
}

/// The client that the app's own backend speaks of; lets nobody else pass. Stands before the body.
pub(crate) struct FromBackend(ClientId);

impl FromRequestParts<Shared> for FromBackend {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let sealing = sealing(shared)?;
        parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .filter(|(_, secret)| sealing.backend_secret.is(secret.trim().as_bytes()))
            .ok_or(Refusal::BackendSecret)?;
        let named = named_client(parts, shared).await.map(Self);
        named.ok_or_else(|| Refusal::Malformed("clientId in the path: expected a UUID".to_owned()))
    }
}

/// POST `/backend/clients/{clientId}/recoveries`: the client may recover from now on, for a while.
pub(crate) async fn open_recovery(
    FromBackend(client_id): FromBackend,
    State(shared): State<Shared>,
    JsonBody(OpenRecovery {}): JsonBody<OpenRecovery>,
) -> Result<(StatusCode, Response), Refusal> {
    let sealing = sealing(&shared)?;
    let window = sealing
        .recoveries
        .open_recovery(client_id, sealing.policy, shared.now())
        .await?;
    Ok((StatusCode::CREATED, secret_json(&with_ticket(&window))?))
}

/// DELETE `/backend/clients/{clientId}/recoveries`: what is open is closed.
pub(crate) async fn close_recovery(
    FromBackend(client_id): FromBackend,
    State(shared): State<Shared>,
) -> Result<StatusCode, Refusal> {
    close(&shared, client_id).await
}

/// The client whose app asks of its own recovery.
pub(crate) struct OwnRecovery(ClientId);

impl FromRequestParts<Shared> for OwnRecovery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let app_auth = shared.app_auth.as_ref().ok_or(Refusal::NoSuchPath)?;
        let client_id = app_auth.client_of(&parts.headers).await?;
        // Another client's, one that does not exist and no id at all sound the same.
        if named_client(parts, shared).await == Some(client_id) {
            Ok(Self(client_id))
        } else {
            Err(Refusal::RecoveryNotOpen)
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathNames {
    client_id: String,
}

/// The client that the path names, if that is an id at all.
async fn named_client(parts: &mut Parts, shared: &Shared) -> Option<ClientId> {
    let names = Path::<PathNames>::from_request_parts(parts, shared).await;
    names.ok()?.client_id.parse().ok()
}

/// GET `/app/clients/{clientId}/recovery`: the recovery that is open, with its ticket.
pub(crate) async fn own_recovery(
    OwnRecovery(client_id): OwnRecovery,
    State(shared): State<Shared>,
) -> Result<Response, Refusal> {
    let recoveries = &sealing(&shared)?.recoveries;
    let window = recoveries.recovery_in_force(client_id, shared.now());
    secret_json(&with_ticket(&window.await?))
}

/// DELETE `/app/clients/{clientId}/recovery`: the device has recovered, and needs no more.
pub(crate) async fn close_own_recovery(
    OwnRecovery(client_id): OwnRecovery,
    State(shared): State<Shared>,
) -> Result<StatusCode, Refusal> {
    close(&shared, client_id).await
}

async fn close(shared: &Shared, client_id: ClientId) -> Result<StatusCode, Refusal> {
    let recoveries = &sealing(shared)?.recoveries;
    recoveries.close_recovery(client_id, shared.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn with_ticket(window: &RecoveryWindow) -> Recovery {
    Recovery {
        ticket: Some(window.ticket.to_text()),
        ..told(window)
    }
}

/// GET `/backend/clients/{clientId}/recoveries`: what was opened and used, the newest first.
pub(crate) async fn recoveries(
    FromBackend(client_id): FromBackend,
    State(shared): State<Shared>,
) -> Result<Json<Recoveries>, Refusal> {
    let windows = sealing(&shared)?.recoveries.recoveries(client_id).await?;
    Ok(Json(Recoveries {
        results: windows.iter().map(told).collect(),
    }))
}

fn told(window: &RecoveryWindow) -> Recovery {
    Recovery {
        opened_at: Time(window.opened_at),
        closes_at: Time(window.closes_at),
        uses_allowed: window.uses_allowed,
        uses: window.uses,
        closed_at: window.closed_at.map(Time),
        ticket: None,
    }
}

/// A backend without sealing keys has none of these paths.
pub(super) fn sealing(shared: &Shared) -> Result<&Sealing, Refusal> {
    shared.sealing.as_ref().ok_or(Refusal::NoSealing)
}
