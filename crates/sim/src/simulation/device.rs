//! What a user does on a device, again and again.

use std::time::Duration;

use hyper::Request;
use portal_api::custodian_app::{OpenRecovery, Recovery, StoreCipherText, StoredCipherText};
use portal_api::sealed::RecoveryTicket;
use portal_backup::{CipherText, KeySource, fetch_key};
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, BackupStatus, Curve, PerCurve};
use portal_sdk::{Backup, Error, Portal};

use super::backend::BACKEND_SECRET;
use super::context::{Backups, Context};
use super::network::{BACKEND, exchange};

const THINK: Duration = Duration::from_millis(20);
const METHOD: BackupMethod = BackupMethod::Custom;

/// The app on a device, from each start to its end.
pub(crate) async fn live(context: Context, device: &'static str) -> turmoil::Result {
    loop {
        let Ok(portal) = context.builder(device).build().await else {
            tokio::time::sleep(THINK).await;
            continue;
        };
        // After a while the app is started anew, and may reach another server.
        for _ in 0..=context.draw(4) {
            if act(&context, &portal).await.is_ok() {
                context.user().done += 1;
            }
            tokio::time::sleep(THINK * context.draw(8)).await;
        }
    }
}

/// One thing that a user may do, whether or not it makes sense now.
async fn act(context: &Context, portal: &Portal) -> Result<(), Error> {
    if context.user().addresses.is_none() && context.draw(4) > 0 {
        return create(context, portal).await;
    }
    match context.draw(12) {
        0 => create(context, portal).await,
        1..=3 => sign(context, portal).await,
        4..=6 => back_up(context, portal).await.map(|_| ()),
        7 | 8 => {
            let refreshed = portal.refresh_wallet().await?;
            context.told(&refreshed.addresses);
            Ok(())
        }
        9 => recover(context, portal).await,
        10 => {
            context.told(&portal.addresses().await?);
            Ok(())
        }
        _ => check_backup(context, portal).await,
    }
}

pub(crate) async fn create(context: &Context, portal: &Portal) -> Result<(), Error> {
    let created = portal.create_wallet().await?;
    context.told(&created.addresses);
    Ok(())
}

/// Signs on both curves. The SDK verifies what it returns, for the addresses that it names.
pub(crate) async fn sign(context: &Context, portal: &Portal) -> Result<(), Error> {
    portal.raw_sign(Curve::Ed25519, b"a message").await?;
    portal.raw_sign(Curve::Secp256k1, &[7; 32]).await?;
    context.told(&portal.addresses().await?);
    Ok(())
}

/// Makes a backup, has the app's backend store the cipher text, and completes it.
pub(crate) async fn back_up(context: &Context, portal: &Portal) -> Result<String, Error> {
    let made = portal.backup_wallet(Backup::Stored(METHOD)).await?;
    note(context, &made.cipher_text).await?;
    store(context, made.backup_share_pair_ids, &made.cipher_text).await?;
    made.confirm().await?;
    Ok(made.cipher_text)
}

/// Says to the record what nobody but this device may know: the client's shares in a cipher text.
async fn note(context: &Context, cipher_text: &str) -> Result<(), Error> {
    let cipher_text = CipherText::parse(cipher_text)?;
    if let KeySource::Stored { key_name } = &cipher_text.header().key_source {
        let key = fetch_key(context.cloud.as_ref(), key_name).await?;
        let shares = cipher_text.decrypt_with_key(&key)?;
        for (curve, share) in shares.iter() {
            context.record.is_the_clients(curve, share);
        }
    }
    Ok(())
}

/// Recovers from the backup in force, as the server names it. Of a sealed one the app's backend
/// lets the user do it, whoever that backend takes for the user.
pub(crate) async fn recover(context: &Context, portal: &Portal) -> Result<(), Error> {
    let cipher_text = cipher_text_in_force(context, portal).await?;
    if let Backups::Sealed(_) = context.backups {
        portal.take_recovery_ticket(open_recovery(context).await?);
    }
    let recovered = portal
        .recover_wallet(Backup::Stored(METHOD), &cipher_text)
        .await?;
    context.told(&recovered.addresses);
    Ok(())
}

async fn check_backup(context: &Context, portal: &Portal) -> Result<(), Error> {
    let cipher_text = cipher_text_in_force(context, portal).await?;
    portal
        .check_backup(Backup::Stored(METHOD), &cipher_text)
        .await
        .map(|_| ())
}

async fn cipher_text_in_force(context: &Context, portal: &Portal) -> Result<String, Error> {
    let state = portal.state().await?;
    let pairs = state
        .wallets
        .iter()
        .flat_map(|wallet| &wallet.backup_share_pairs);
    let active = pairs
        .filter(|pair| pair.status == BackupStatus::StoredClientBackupShare)
        .map(|pair| pair.id)
        .next_back();
    let active = active.ok_or_else(|| Error::from(portal_lifecycle::Refusal::BackupNotComplete))?;
    fetch(context, active).await
}

/// What the app's own backend says no to, as the app sees it.
fn backend_failed() -> Error {
    Error::from(portal_lifecycle::Refusal::BackupAwaitsCustodian)
}

async fn store(
    context: &Context,
    ids: PerCurve<BackupSharePairId>,
    cipher_text: &str,
) -> Result<(), Error> {
    let body = StoreCipherText {
        backup_share_pair_ids: ids,
        cipher_text: cipher_text.to_owned(),
    };
    let body = serde_json::to_vec(&body).map_err(|_| backend_failed())?;
    by_app(context, "PUT", "", body).await.map(|_| ())
}

async fn fetch(context: &Context, pair: BackupSharePairId) -> Result<String, Error> {
    let query = format!("?backupSharePairId={pair}");
    let body = by_app(context, "GET", &query, Vec::new()).await?;
    serde_json::from_slice::<StoredCipherText>(&body)
        .map(|stored| stored.cipher_text)
        .map_err(|_| backend_failed())
}

/// Of the client's cipher texts, by the app's login.
async fn by_app(
    context: &Context,
    method: &str,
    query: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let client = context.client;
    let path = format!("/app/clients/{client}/cipher-texts/{METHOD}{query}");
    let token = context.app_tokens.mint(client);
    call(context, method, &path, token.expose(), body).await // to the app's own backend
}

/// The app's own backend opens a recovery; the app hands its ticket to the SDK.
async fn open_recovery(context: &Context) -> Result<RecoveryTicket, Error> {
    let path = format!("/backend/clients/{}/recoveries", context.client);
    let body = serde_json::to_vec(&OpenRecovery {}).map_err(|_| backend_failed())?;
    let body = call(context, "POST", &path, BACKEND_SECRET, body).await?;
    let opened = serde_json::from_slice::<Recovery>(&body).map_err(|_| backend_failed())?;
    let ticket = opened.ticket.ok_or_else(backend_failed)?;
    ticket.expose().parse().map_err(|_| backend_failed())
}

async fn call(
    context: &Context,
    method: &str,
    path: &str,
    secret: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{BACKEND}{path}"))
        .header("authorization", format!("Bearer {secret}"))
        .header("content-type", "application/json")
        .body(body)
        .map_err(|_| backend_failed())?;
    let exchanging = exchange(&context.connections, BACKEND, request);
    let calling = tokio::time::timeout(Duration::from_secs(10), exchanging);
    let answer = calling.await.map_err(|_| backend_failed())?;
    let answer = answer.map_err(|_| backend_failed())?;
    if answer.status().is_success() {
        Ok(answer.into_body())
    } else {
        Err(backend_failed())
    }
}
