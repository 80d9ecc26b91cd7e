//! What a client's SDK calls.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::Base64Bytes;
use portal_api::rest::{
    BackupSharePair, ClientState, Page, PageQuery, SigningSharePair, UpdateBackupSharePairs,
    UpdateSigningSharePairs, confirmation_context,
};
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{
    BackupMode, BackupStatus, CipherTextDigest, Curve, ErrorId, Event, SigningPair, SigningStatus,
    Wallet,
};
use portal_mpc::Role;
use portal_store::Secrets;
use portal_store::audit::Actor;

use super::cipher_text;
use crate::auth::Client;
use crate::body::{Json, Path, Query};
use crate::openapi::problems;
use crate::page::page_of;
use crate::possession::possesses;
use crate::{ApiError, App, read_model};

problems!(
    ConfirmingSigning: NotFound, WalletNotFound, SignShareMismatch, SigningShareSuperseded,
    SigningShareFrozen, StateInvalid, OperationInProgress
);
problems!(
    ConfirmingBackup: NotFound, WalletNotFound, BackupShareMismatch, StateInvalid,
    OperationInProgress, OperationInProgress at 425
);
problems!(UnknownWallet: NotFound);

/// Reads the client: its addresses, its keys, and how far their pairs have come.
#[utoipa::path(
    get,
    path = "/api/v3/clients/me",
    operation_id = "readClient",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    responses((status = 200, description = "The client.", body = ClientState))
)]
pub(crate) async fn state(
    State(app): State<App>,
    Client(client): Client,
) -> Result<axum::Json<ClientState>, ApiError> {
    let state = read_model::client(&app, client.environment_id, client.client_id);
    state.await.map(axum::Json)
}

/// Confirms a signing pair whose shares the device has stored and read back (E4–E6).
#[utoipa::path(
    patch,
    path = "/api/v3/clients/me/signing-share-pairs",
    operation_id = "updateSigningSharePairs",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    request_body = UpdateSigningSharePairs,
    responses((status = 204, description = "The pair is active."), ConfirmingSigning)
)]
pub(crate) async fn update_signing_pairs(
    State(app): State<App>,
    Client(client): Client,
    Json(body): Json<UpdateSigningSharePairs>,
) -> Result<StatusCode, ApiError> {
    if body.status != SigningStatus::StoredClient {
        return Err(bad(format!(
            "expected status STORED_CLIENT, got {}",
            body.status
        )));
    }
    let wallet = wallet(&app, client.client_id).await?;
    let listed = &body.signing_share_pair_ids;
    let pair = wallet
        .signing_pairs
        .iter()
        .find(|pair| pair.ids.same_set(listed))
        .ok_or_else(|| unknown_pair("signingSharePairIds"))?;
    if body.proofs.len() != listed.len() {
        return Err(bad(format!(
            "expected {} proofs, got {}",
            listed.len(),
            body.proofs.len()
        )));
    }
    for (id, proof) in listed.iter().zip(&body.proofs) {
        let (curve, points) = if *id == pair.ids.secp256k1 {
            (Curve::Secp256k1, &pair.points.secp256k1)
        } else {
            (Curve::Ed25519, &pair.points.ed25519)
        };
        let context = confirmation_context(client.client_id, *id, body.epoch);
        check_proof(&context, curve, &points.client.0, proof)?;
    }
    if pair.status == SigningStatus::StoredDatabase {
        own_shares_open(&app, client.client_id, pair).await?;
    }
    let event = Event::ConfirmSigning {
        ids: pair.ids,
        epoch: body.epoch,
    };
    app.wallets
        .apply(
            Actor::Client(client.client_id),
            client.client_id,
            event,
            Secrets::Unchanged,
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says how far the client's part of a backup pair has come (E16, E17).
///
/// Told before the custodian has acknowledged its share, the answer is 425; the same request will
/// do a little later.
#[utoipa::path(
    patch,
    path = "/api/v3/clients/me/backup-share-pairs",
    operation_id = "updateBackupSharePairs",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    request_body = UpdateBackupSharePairs,
    responses((status = 204, description = "The pair has that status."), ConfirmingBackup)
)]
pub(crate) async fn update_backup_pairs(
    State(app): State<App>,
    Client(client): Client,
    Json(body): Json<UpdateBackupSharePairs>,
) -> Result<StatusCode, ApiError> {
    let wallet = wallet(&app, client.client_id).await?;
    let pair = wallet
        .backup_pairs
        .iter()
        .find(|pair| pair.ids.same_set(&body.backup_share_pair_ids))
        .ok_or_else(|| unknown_pair("backupSharePairIds"))?;
    let ids = pair.ids;
    let event = match body.status {
        BackupStatus::StoredClientBackupShareKey => Event::ClientKeyStored { ids },
        BackupStatus::StoredClientBackupShare => {
            let cipher_text_digest = digest(body.cipher_text_digest)?;
            // Of one that is over, the rules say so themselves.
            let is_live =
                pair.status.is_open() || pair.status == BackupStatus::StoredClientBackupShare;
            if pair.mode == BackupMode::Managed && is_live {
                let client = client.client_id;
                cipher_text::check_confirmed(&app, client, ids, cipher_text_digest).await?;
            }
            Event::ConfirmBackup {
                ids,
                cipher_text_digest,
            }
        }
        other => {
            return Err(bad(format!(
                "expected status STORED_CLIENT_BACKUP_SHARE_KEY or STORED_CLIENT_BACKUP_SHARE, \
                 got {other}"
            )));
        }
    };
    app.wallets
        .apply(
            Actor::Client(client.client_id),
            client.client_id,
            event,
            Secrets::Unchanged,
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists a wallet's signing pairs, oldest first.
#[utoipa::path(
    get,
    path = "/api/v3/clients/me/wallets/{id}/signing-share-pairs",
    operation_id = "listSigningSharePairs",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    params(("id" = Uuid, Path, description = "The wallet of one curve."), PageQuery),
    responses((status = 200, description = "The list.", body = Page<SigningSharePair>), UnknownWallet)
)]
pub(crate) async fn signing_pairs(
    State(app): State<App>,
    Client(client): Client,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<SigningSharePair>>, ApiError> {
    let (wallet, curve) = wallet_of(&app, client.client_id, &id).await?;
    let pairs = read_model::signing_pairs(&wallet.signing_pairs, curve);
    page_of(pairs, &query, |pair| pair.id.0)
}

/// Lists a wallet's backup pairs, oldest first.
#[utoipa::path(
    get,
    path = "/api/v3/clients/me/wallets/{id}/backup-share-pairs",
    operation_id = "listBackupSharePairs",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    params(("id" = Uuid, Path, description = "The wallet of one curve."), PageQuery),
    responses((status = 200, description = "The list.", body = Page<BackupSharePair>), UnknownWallet)
)]
pub(crate) async fn backup_pairs(
    State(app): State<App>,
    Client(client): Client,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<BackupSharePair>>, ApiError> {
    let (wallet, curve) = wallet_of(&app, client.client_id, &id).await?;
    let pairs = read_model::backup_pairs(&wallet.backup_pairs, curve);
    page_of(pairs, &query, |pair| pair.id.0)
}

async fn wallet(app: &App, client: ClientId) -> Result<Wallet, ApiError> {
    let stored = app.wallets.stored(client).await?;
    let stored = stored.ok_or_else(|| {
        ApiError::new(
            ErrorId::WalletNotFound,
            "this client has no wallet; create one first",
        )
    })?;
    Ok(stored.wallet)
}

async fn wallet_of(app: &App, client: ClientId, id: &str) -> Result<(Wallet, Curve), ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    let stored = app
        .wallets
        .stored(client)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let curve = stored
        .wallet
        .ids
        .iter()
        .find(|(_, known)| **known == id)
        .map(|(curve, _)| curve);
    Ok((stored.wallet, curve.ok_or_else(ApiError::not_found)?))
}

/// P1: no address is handed out for a pair whose other half this server could not use.
async fn own_shares_open(app: &App, client: ClientId, pair: &SigningPair) -> Result<(), ApiError> {
    for (curve, id) in pair.ids.iter() {
        let share = app.store.signing_share(client, curve, *id).await?;
        share.ok_or_else(|| ApiError::internal("the server's share is gone"))?;
    }
    Ok(())
}

fn check_proof(
    context: &[u8],
    curve: Curve,
    point: &[u8],
    proof: &Base64Bytes,
) -> Result<(), ApiError> {
    possesses(curve, context, Role::Client, point, &proof.0)
        .then_some(())
        .ok_or_else(|| {
            ApiError::new(
                ErrorId::SignShareMismatch,
                format!(
                    "the proof for the {curve} pair does not show that the client holds its share"
                ),
            )
        })
}

fn digest(given: Option<Base64Bytes>) -> Result<Option<CipherTextDigest>, ApiError> {
    let to_digest = |bytes: Base64Bytes| {
        bytes.to_array().map(CipherTextDigest).ok_or_else(|| {
            bad(format!(
                "expected a cipherTextDigest of 32 bytes, got {}",
                bytes.0.len()
            ))
        })
    };
    given.map(to_digest).transpose()
}

fn unknown_pair(field: &str) -> ApiError {
    ApiError::new(
        ErrorId::NotFound,
        format!("expected `{field}` to name one pair of this client, on both curves"),
    )
}

fn bad(what: String) -> ApiError {
    ApiError::new(ErrorId::BadRequest, what)
}
