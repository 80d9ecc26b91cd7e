//! The customer's backend, as its app calls it.

use anyhow::{Context as _, bail};
use portal_api::TRACE_HEADER;
use portal_api::custodian_app::{Recovery, StoreCipherText, StoredCipherText};
use portal_api::sealed::RecoveryTicket;
use portal_backup::CipherText;
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, ErrorId, PerCurve};
use portal_sdk::BackupMade;

use super::client::{answer, nothing};
use crate::device::Profile;
use crate::trust::http;

/// Stores the cipher text of a backup, under the backup's trace id.
pub(crate) async fn store(
    profile: &Profile,
    method: BackupMethod,
    backup_share_pair_ids: PerCurve<BackupSharePairId>,
    made: &BackupMade<'_>,
) -> anyhow::Result<StoredCipherText> {
    let (base, token) = configured(profile)?;
    let body = StoreCipherText {
        backup_share_pair_ids,
        cipher_text: made.cipher_text.clone(),
    };
    let request = http(base, profile.ca_file.as_deref())?
        .put(url(base, profile, method))
        .header(TRACE_HEADER, made.report.trace_id.to_string())
        .bearer_auth(token);
    answer(request.json(&body).send().await, base).await
}

/// Fetches the cipher text of a backup pair.
///
/// # Errors
///
/// `BACKUP_SHARE_MISMATCH` where the backend gives another one than was asked for, or the cipher text
/// itself says that it is of another pair.
pub(crate) async fn fetch(
    profile: &Profile,
    method: BackupMethod,
    pair: BackupSharePairId,
) -> anyhow::Result<StoredCipherText> {
    let (base, token) = configured(profile)?;
    let url = format!("{}?backupSharePairId={pair}", url(base, profile, method));
    let http = http(base, profile.ca_file.as_deref())?;
    let sent = http.get(url).bearer_auth(token).send().await;
    let stored: StoredCipherText = answer(sent, base).await?;
    let header = CipherText::parse(&stored.cipher_text).map_err(portal_sdk::Error::from)?;
    let (header, ids) = (header.header(), stored.backup_share_pair_ids);
    let is_told = ids.into_array().contains(&pair) && stored.backup_method == method;
    let is_it = header.subject.client_id == profile.client_id
        && header.subject.backup_share_pair_ids == ids
        && header.backup_method == method;
    if !is_told || !is_it {
        // What the backend says of it; where that is right, what the text says of itself.
        let (found, of, whose) = if is_told {
            let subject = &header.subject;
            let whose = format!(" of client {}", subject.client_id);
            (header.backup_method, subject.backup_share_pair_ids, whose)
        } else {
            (stored.backup_method, ids, String::new())
        };
        bail!(portal_sdk::Error::new(
            ErrorId::BackupShareMismatch,
            format!(
                "expected from {base} the cipher text of the {method} backup {pair} of client {}, \
                 got that of the {found} backup {} and {}{whose}; nothing was changed. See why it \
                 gives another one, or give the right one with --cipher-text-file",
                profile.client_id, of.secp256k1, of.ed25519
            )
        ));
    }
    Ok(stored)
}

/// The ticket of the recovery that the app's backend has opened for this client.
pub(crate) async fn recovery_ticket(profile: &Profile) -> anyhow::Result<RecoveryTicket> {
    let (base, token) = configured(profile)?;
    let request = http(base, profile.ca_file.as_deref())?
        .get(recovery_url(base, profile))
        .bearer_auth(token);
    let open: Recovery = answer(request.send().await, base).await?;
    let ticket = open.ticket.context("the recovery has no ticket")?;
    Ok(ticket.expose().parse()?) // to be shown to the custodian
}

/// Says that the device has recovered: nothing more is given out.
pub(crate) async fn close_recovery(profile: &Profile) -> anyhow::Result<()> {
    let (base, token) = configured(profile)?;
    let request = http(base, profile.ca_file.as_deref())?
        .delete(recovery_url(base, profile))
        .bearer_auth(token);
    nothing(request.send().await, base).await
}

fn recovery_url(base: &str, profile: &Profile) -> String {
    let (base, client) = (base.trim_end_matches('/'), profile.client_id);
    format!("{base}/app/clients/{client}/recovery")
}

fn configured(profile: &Profile) -> anyhow::Result<(&str, &str)> {
    let pair = profile
        .custodian
        .as_deref()
        .zip(profile.custodian_token.as_deref());
    pair.context(
        "the device's profile names no customer's backend; give --cipher-text-file, or make the \
         profile with --custodian and --custodian-data",
    )
}

fn url(base: &str, profile: &Profile, method: BackupMethod) -> String {
    let (base, client) = (base.trim_end_matches('/'), profile.client_id);
    format!("{base}/app/clients/{client}/cipher-texts/{method}")
}
