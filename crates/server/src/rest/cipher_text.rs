//! Managed mode: the cipher text of a backup, kept here.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_api::rest::{KeepCipherText, KeptCipherText};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{
    BackupMode, BackupPair, CipherTextDigest, ErrorId, Event, PerCurve, Refusal, Wallet,
};
use portal_serving::SecretJson;
use portal_store::audit::Actor;
use sha2::{Digest as _, Sha256};

use crate::auth::Client;
use crate::body::{Json, Path, secret_json};
use crate::openapi::problems;
use crate::wallets::origin;
use crate::{ApiError, App};

problems!(Keeping: NotFound, BackupShareMismatch, StateInvalid, WalletEjected);
problems!(Reading: NotFound, StateInvalid, EjectNotEnabled);

/// Keeps the cipher text of a managed backup: once, and for good.
#[utoipa::path(
    patch,
    path = "/api/v3/clients/me/backup-share-pairs/{id}/cipher-text",
    operation_id = "keepCipherText",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    params(("id" = Uuid, Path, description = "The backup pair, by its id on either curve.")),
    request_body = KeepCipherText,
    responses((status = 204, description = "It is kept."), Keeping)
)]
pub(crate) async fn keep(
    State(app): State<App>,
    Client(client): Client,
    Path(id): Path<String>,
    Json(body): Json<KeepCipherText>,
) -> Result<StatusCode, ApiError> {
    let (wallet, pair) = managed_pair(&app, client.client_id, &id).await?;
    if wallet.ejected_at.is_some() {
        return Err(Refusal::Ejected.into());
    }
    let given = body.client_cipher_text.as_bytes();
    let is_text = given.iter().all(u8::is_ascii_graphic);
    if !is_text || !(1..=CIPHER_TEXT_BYTES).contains(&given.len()) {
        return Err(ApiError::new(
            ErrorId::BadRequest,
            format!(
                "expected a clientCipherText of 1 to {CIPHER_TEXT_BYTES} visible ASCII characters, \
                 got {} bytes",
                given.len()
            ),
        ));
    }
    if !pair.status.is_open()
        && app
            .store
            .cipher_text(client.client_id, pair.ids)
            .await?
            .is_none()
    {
        return Err(Refusal::BackupSuperseded {
            status: pair.status,
        }
        .into());
    }
    let text = &body.client_cipher_text;
    let origin = origin(Actor::Client(client.client_id));
    let now = app.clock.now();
    let is_kept = app
        .store
        .keep_cipher_text(client.client_id, pair.ids, text, origin, now)
        .await?;
    if is_kept {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::new(
            ErrorId::BackupShareMismatch,
            "another cipher text is stored for this backup; make a new backup",
        ))
    }
}

/// Reads the cipher text of a managed backup.
#[utoipa::path(
    get,
    path = "/api/v3/clients/me/backup-share-pairs/{id}/cipher-text",
    operation_id = "readCipherText",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    params(("id" = Uuid, Path, description = "The backup pair, by its id on either curve.")),
    responses((status = 200, description = "The cipher text.", body = KeptCipherText), Reading)
)]
pub(crate) async fn kept(
    State(app): State<App>,
    Client(client): Client,
    Path(id): Path<String>,
) -> Result<SecretJson, ApiError> {
    let (wallet, pair) = managed_pair(&app, client.client_id, &id).await?;
    if wallet.ejected_at.is_some() {
        // Half of a key that needs nobody any more: as its other half, for who lost that key.
        wallet.apply(Event::ReleaseBackupShare, app.clock.now())?;
    }
    let cipher_text = app.store.cipher_text(client.client_id, pair.ids).await?;
    let cipher_text = cipher_text.ok_or_else(ApiError::not_found)?;
    secret_json(&KeptCipherText { cipher_text })
}

/// E17 in managed mode: what is confirmed is what is stored here.
pub(crate) async fn check_confirmed(
    app: &App,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
    digest: Option<CipherTextDigest>,
) -> Result<(), ApiError> {
    let stored = app.store.cipher_text(client, ids).await?.ok_or_else(|| {
        ApiError::new(
            ErrorId::StateInvalid,
            "the cipher text of this backup is not stored here yet; send it first",
        )
    })?;
    let stored = CipherTextDigest(Sha256::digest(stored.as_bytes()).into());
    match digest {
        Some(digest) if digest != stored => Err(Refusal::CipherTextDigestDiffers.into()),
        _ => Ok(()),
    }
}

/// A client's wallet, and the pair of it that has the id on either curve, if it is a managed one.
async fn managed_pair(
    app: &App,
    client: ClientId,
    id: &str,
) -> Result<(Wallet, BackupPair), ApiError> {
    let id: BackupSharePairId = id.parse().map_err(|_| ApiError::not_found())?;
    let stored = app.wallets.stored(client).await?;
    let wallet = stored.ok_or_else(ApiError::not_found)?.wallet;
    let mut pairs = wallet.backup_pairs.iter();
    let pair = pairs.find(|pair| pair.ids.into_array().contains(&id));
    let pair = pair.ok_or_else(ApiError::not_found)?.clone();
    if pair.mode == BackupMode::Managed {
        Ok((wallet, pair))
    } else {
        Err(ApiError::new(
            ErrorId::StateInvalid,
            "the cipher text of this backup is the app's to store: its environment is not in \
             managed mode",
        ))
    }
}
