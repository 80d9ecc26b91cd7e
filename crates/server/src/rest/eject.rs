//! Eject: the custodian opens a window, the device takes the shares, and proves that it has both
//! keys: that is the end.
//!
//! A wallet id names the key of one curve. The window and the end are of both curves: whoever has
//! one key of a wallet out has no use for the other one in Portal. A share is of the curve that
//! was named.
//!
//! Keys that were taken out can be lost: after the end a window gives the share out as before.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use portal_api::rest::{
    BackupShareText, BlindedEject, Eject, EjectableBackupShares, EjectableUntil, EnableEject,
    PrepareEject, eject_context,
};
use portal_api::sealed::BlindedRecovery;
use portal_api::{Base64Bytes, SecretText, Time};
use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{
    BackupMode, BackupPair, Curve, ErrorId, Event, PerCurve, Refusal, Timestamp, Wallet,
};
use portal_mpc::Role;
use portal_serving::SecretJson;
use portal_store::audit::{Actor, AuditAct, Digest};

use super::custodian::client_of;
use crate::auth::{self, Caller, Client, Custodian};
use crate::body::{Json, Path, secret_json};
use crate::openapi::problems;
use crate::possession::possesses;
use crate::{ApiError, App, custodian_share};

/// How long a window is open if nobody says.
const WINDOW_MS: u64 = 5 * 60 * 1_000;
/// Longest name of a client's platform.
const PLATFORM_CHARACTERS: usize = 100;

problems!(Enabling: NotFound, BackupNotComplete);
problems!(Disabling: NotFound);
problems!(
    ReadingShares: NotFound, BackupNotComplete, EjectNotEnabled, StateInvalid, BackupShareMismatch
);
problems!(
    Preparing: NotFound, BackupNotComplete, EjectNotEnabled, BackupShareMismatch, StateInvalid,
    BackupModeMismatch, RecoveryNotOpen, CustodianShareNotFound, WebhookFailed,
    WebhookNotConfigured
);
problems!(Ejecting: WalletNotFound, BackupNotComplete, EjectNotEnabled, BackupShareMismatch);

/// Lets the client take both private keys of its wallet out, for a while.
#[utoipa::path(
    patch,
    path = "/api/v3/custodians/me/clients/{id}/enable-eject",
    operation_id = "enableEject",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    request_body = EnableEject,
    responses((status = 200, description = "Until when.", body = EjectableUntil), Enabling)
)]
pub(crate) async fn enable(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
    Json(body): Json<EnableEject>,
) -> Result<axum::Json<EjectableUntil>, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id)
        .await?
        .client_id;
    // Either curve's key stands for both.
    wallet_of(&app, client, body.wallet_id).await?;
    let asked = body.ejectable_until.map(|until| until.0);
    let until = asked.unwrap_or_else(|| app.clock.now().plus_ms(WINDOW_MS));
    let event = Event::EnableEject { until };
    let act = AuditAct::EjectEnabled {
        wallet: body.wallet_id,
        until,
    };
    let actor = Actor::Custodian(custodian.key);
    app.wallets.audited(actor, client, event, act).await?;
    Ok(axum::Json(EjectableUntil {
        ejectable_until: Time(until),
    }))
}

/// Closes that window before its end. What was given out in it is out.
#[utoipa::path(
    delete,
    path = "/api/v3/custodians/me/clients/{id}/enable-eject",
    operation_id = "disableEject",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 204, description = "Nobody takes the keys out now."), Disabling)
)]
pub(crate) async fn disable(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id).await?;
    let client = client.client_id;
    let stored = app.wallets.stored(client).await?;
    let wallet = stored.ok_or_else(ApiError::not_found)?.wallet;
    let act = AuditAct::EjectDisabled { wallet: wallet.ids };
    let actor = Actor::Custodian(custodian.key);
    let closed = app.wallets.audited(actor, client, Event::DisableEject, act);
    closed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads both parts of a managed backup, while the wallet may be ejected, and after it was.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/clients/{id}/wallets/{walletId}/ejectable-backup-shares",
    operation_id = "readEjectableBackupShares",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(
        ("id" = Uuid, Path, description = "The client."),
        ("walletId" = Uuid, Path, description = "The key of one curve.")
    ),
    responses((status = 200, description = "The parts.", body = EjectableBackupShares), ReadingShares)
)]
pub(crate) async fn shares(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Extension(caller): Extension<Caller>,
    Path((id, wallet_id)): Path<(String, String)>,
) -> Result<SecretJson, ApiError> {
    let client = client_of(&app, custodian.environment_id, &id)
        .await?
        .client_id;
    let wallet_id = wallet_id.parse().map_err(|_| ApiError::not_found())?;
    let (wallet, curve) = wallet_of(&app, client, wallet_id).await?;
    let pair = active(&wallet)?;
    if pair.mode != BackupMode::Managed {
        wallet.apply(Event::ReleaseBackupShare, app.clock.now())?;
        return Err(ApiError::new(
            ErrorId::StateInvalid,
            "the custodian's share of this backup is at your own backend; only managed backups \
             are kept here",
        ));
    }
    let asked = Asked {
        actor: Actor::Custodian(custodian.key),
        client,
        curve,
        blinded: None,
    };
    let share = released(&app, &wallet, asked).await?;
    let cipher_text = app.store.cipher_text(client, pair.ids).await?;
    // The API key may have been revoked while the share was opened.
    caller.still(&app).await?;
    secret_json(&EjectableBackupShares {
        encrypted_client_backup_share: cipher_text.map(SecretText::from),
        custodian_backup_share: share,
    })
}

/// Gives the custodian's share of one key to the device, while the wallet may be ejected.
///
/// It takes no `Idempotency-Key`: asked again, it is the same share, and one more line in the audit
/// log.
#[utoipa::path(
    post,
    path = "/api/v3/clients/me/wallets/{id}/prepare-eject",
    operation_id = "prepareEject",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    params(("id" = Uuid, Path, description = "The key of one curve.")),
    request_body = PrepareEject,
    responses((status = 200, description = "The share.", body = BackupShareText), Preparing)
)]
pub(crate) async fn prepare(
    State(app): State<App>,
    Client(client): Client,
    Path(id): Path<String>,
    Json(body): Json<PrepareEject>,
) -> Result<SecretJson, ApiError> {
    let caller = client;
    let client = caller.client_id;
    let wallet_id = id.parse().map_err(|_| ApiError::not_found())?;
    let (wallet, curve) = wallet_of(&app, client, wallet_id).await?;
    let pair = active(&wallet)?;
    if pair.mode == BackupMode::Sealed && body.blinded.is_none() {
        wallet.apply(Event::ReleaseBackupShare, app.clock.now())?;
        return Err(ApiError::new(
            ErrorId::StateInvalid,
            "of a sealed backup the custodian gives its share blinded only, and this app sent no \
             blinds; or have it exported there, and join both shares offline: portal \
             recover-offline",
        ));
    }
    let method = pair.method;
    if method != body.backup_method {
        return Err(ApiError::new(
            ErrorId::BackupShareMismatch,
            format!(
                "expected the backupMethod of the backup in force, {method}, got {}",
                body.backup_method
            ),
        ));
    }
    let blinded = body.blinded.map(Blinded::try_from).transpose()?;
    let asked = Asked {
        actor: Actor::Client(client),
        client,
        curve,
        blinded,
    };
    let share = released(&app, &wallet, asked).await?;
    // The session may have been revoked while the custodian was asked.
    auth::still(&app, caller).await?;
    secret_json(&BackupShareText { share })
}

/// Ends the wallet: the device has both private keys, durably, and proves it.
///
/// The proofs are Schnorr's, of the private key behind each `publicKey`, for the window that is
/// open. Of a wallet that has ended already they are not looked at: it stays so.
#[utoipa::path(
    post,
    path = "/api/v3/clients/me/eject",
    operation_id = "eject",
    tag = "client",
    security(("clientApiKey" = []), ("clientSessionToken" = [])),
    request_body = Eject,
    responses((status = 204, description = "The server signs no more."), Ejecting)
)]
pub(crate) async fn eject(
    State(app): State<App>,
    Client(client): Client,
    Json(body): Json<Eject>,
) -> Result<StatusCode, ApiError> {
    let client = client.client_id;
    let texts = [&body.client_platform, &body.client_platform_version];
    if texts
        .iter()
        .any(|text| text.chars().count() > PLATFORM_CHARACTERS)
    {
        return Err(ApiError::new(
            ErrorId::BadRequest,
            format!(
                "expected a clientPlatform and clientPlatformVersion of at most \
                 {PLATFORM_CHARACTERS} characters each"
            ),
        ));
    }
    let stored = app.wallets.stored(client).await?;
    let wallet = stored.ok_or(Refusal::WalletNotFound)?.wallet;
    if wallet.ejected_at.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let until = wallet.ejectable_until.ok_or(Refusal::EjectNotEnabled)?;
    let event = Event::Eject { until };
    wallet.apply(event.clone(), app.clock.now())?;
    has_both_keys(client, &wallet, until, &body.proofs)?;
    let act = AuditAct::Ejected {
        wallet: wallet.ids,
        platform: Digest::of(texts.map(String::as_str).join("\0").as_bytes()),
    };
    let actor = Actor::Client(client);
    match app.wallets.audited(actor, client, event, act).await {
        // The same, said twice at once.
        Err(error) if error.id() == ErrorId::WalletEjected => {}
        ended => {
            ended?;
            tracing::warn!("a wallet was ejected; its signing shares are destroyed");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses who does not prove possession of both whole keys, for the window until then.
fn has_both_keys(
    client: ClientId,
    wallet: &Wallet,
    until: Timestamp,
    proofs: &PerCurve<Base64Bytes>,
) -> Result<(), ApiError> {
    let points = &active(wallet)?.points;
    for (curve, proof) in proofs.iter() {
        let context = eject_context(client, *wallet.ids.of(curve), until);
        let key = &points.of(curve).key.0;
        if !possesses(curve, &context, Role::Client, key, &proof.0) {
            return Err(ApiError::new(
                ErrorId::BackupShareMismatch,
                format!(
                    "expected a proof of possession of this wallet's private key on {curve}, for \
                     the window that is open now, got another; nothing has ended: read the state \
                     again, and prove anew"
                ),
            ));
        }
    }
    Ok(())
}

/// One curve's custodian share of the backup in force: only while the window is open, and only
/// with a line in the audit log, which is written before the share is even fetched.
async fn released(app: &App, wallet: &Wallet, asked: Asked) -> Result<SecretText, ApiError> {
    let Asked {
        actor,
        client,
        curve,
        blinded,
    } = asked;
    let pair = active(wallet)?;
    let event = Event::ReleaseBackupShare;
    let act = AuditAct::BackupShareReleased {
        wallet: *wallet.ids.of(curve),
        curve,
    };
    app.wallets.audited(actor, client, event, act).await?;
    let shares = match &blinded {
        None => custodian_share::of_pair(app, client, pair).await?,
        Some(Blinded {
            challenge,
            recovery,
        }) => custodian_share::blinded(app, client, pair, challenge, recovery).await?,
    };
    // While the custodian was asked, the window may have been closed, or a newer backup completed.
    let present = app.wallets.check(client, Event::ReleaseBackupShare).await?;
    if active(&present)?.ids != pair.ids {
        return Err(custodian_share::mismatch(
            "a newer backup was completed meanwhile; take its cipher text, and ask again",
        ));
    }
    let share = match curve {
        Curve::Secp256k1 => shares.secp256k1.encode(),
        Curve::Ed25519 => shares.ed25519.encode(),
    };
    Ok(SecretText::of_bytes(&share)) // to the one who may have it
}

/// Who asks for a share, and for which.
struct Asked {
    actor: Actor,
    client: ClientId,
    curve: Curve,
    blinded: Option<Blinded>,
}

/// What a device shows the custodian of a sealed backup, its parts as long as they must be.
struct Blinded {
    challenge: [u8; 32],
    recovery: BlindedRecovery,
}

impl TryFrom<BlindedEject> for Blinded {
    type Error = ApiError;

    fn try_from(given: BlindedEject) -> Result<Self, ApiError> {
        let bad = |detail: String| ApiError::new(ErrorId::BadRequest, detail);
        let challenge = given.challenge.0.try_into().map_err(|bytes: Vec<u8>| {
            bad(format!(
                "expected a challenge of 32 bytes, got {}",
                bytes.len()
            ))
        })?;
        for (curve, blind) in given.recovery.blinds.iter() {
            let checked = blind.check(curve);
            checked.map_err(|error| bad(format!("the blind on {curve}: {error}")))?;
        }
        Ok(Self {
            challenge,
            recovery: given.recovery,
        })
    }
}

fn active(wallet: &Wallet) -> Result<&BackupPair, Refusal> {
    wallet.active_backup().ok_or(Refusal::BackupNotComplete)
}

/// A client's wallet, and the curve of the key that the id names.
async fn wallet_of(app: &App, client: ClientId, id: WalletId) -> Result<(Wallet, Curve), ApiError> {
    let stored = app.wallets.stored(client).await?;
    let wallet = stored.ok_or_else(ApiError::not_found)?.wallet;
    let curve = wallet.ids.iter().find(|(_, known)| **known == id);
    let curve = curve.map(|(curve, _)| curve);
    Ok((wallet, curve.ok_or_else(ApiError::not_found)?))
}
