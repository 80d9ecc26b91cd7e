//! Sealed backups on the customer's side: the keys that apps seal to, and recoveries that its
//! backend opens.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use portal_api::custodian_app::{OpenRecovery, Recovery};
use portal_api::sealed::{PinnedSealingKey, SealingKeys as PublicKeys};
use portal_custodian::{KeptSecret, SealingKeys};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::ClientId;
use portal_seal::recipient::OpeningKey;
use serde_json::json;
use zeroize::Zeroizing;

use super::client::{answer, nothing};
use super::custodian_secrets;
use crate::args::{OpenRecoveryArgs, SealingKeyCommand};
use crate::key_file;
use crate::output::Output;
use crate::trust::http;

/// `portal custodian sealing-key`
pub(crate) fn run(command: SealingKeyCommand, output: Output) -> anyhow::Result<()> {
    let (data, is_new) = match command {
        SealingKeyCommand::Show { data } => (data, false),
        SealingKeyCommand::Rotate { data } => (data, true),
    };
    if is_new {
        key_file::add_secret(&custodian_secrets::file(&data, KeptSecret::SealingKey)?)?;
    }
    let keys = keys(&data)?.public();
    let shown = keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let note = if is_new {
        "\nStart the backend again; apps that pin a former key may go on with it."
    } else {
        ""
    };
    output.result(
        format!("{}{note}", shown.join("\n")),
        &json!({ "keys": keys }),
    );
    Ok(())
}

/// `portal custodian open-recovery`
pub(crate) async fn open(args: OpenRecoveryArgs, output: Output) -> anyhow::Result<()> {
    let client = args.client.parse().ok();
    let client: ClientId = client.context("expected a client's id (a UUID)")?;
    let opened =
        open_recovery(&args.custodian, args.ca_file.as_deref(), &args.data, client).await?;
    output.result(
        format!(
            "Client {client} may recover for {} minutes, {} tries",
            opened
                .closes_at
                .0
                .as_ms()
                .saturating_sub(opened.opened_at.0.as_ms())
                / 60_000,
            opened.uses_allowed
        ),
        &serde_json::to_value(&opened)?,
    );
    Ok(())
}

/// `portal custodian close-recovery`
pub(crate) async fn close(args: OpenRecoveryArgs, output: Output) -> anyhow::Result<()> {
    let client = args.client.parse().ok();
    let client: ClientId = client.context("expected a client's id (a UUID)")?;
    let base = args.custodian.trim_end_matches('/');
    let url = format!("{base}/backend/clients/{client}/recoveries");
    let request = http(base, args.ca_file.as_deref())?
        .delete(url)
        .bearer_auth(backend_secret(&args.data)?.as_str());
    nothing(request.send().await, base).await?;
    output.result(
        format!("No recovery of client {client} is open"),
        &json!({ "clientId": client }),
    );
    Ok(())
}

/// Lets a client recover, as the app's backend does after a check of its own.
pub(crate) async fn open_recovery(
    base: &str,
    ca_file: Option<&Path>,
    data: &Path,
    client: ClientId,
) -> anyhow::Result<Recovery> {
    let url = format!(
        "{}/backend/clients/{client}/recoveries",
        base.trim_end_matches('/')
    );
    let request = http(base, ca_file)?
        .post(url)
        .bearer_auth(backend_secret(data)?.as_str())
        .json(&OpenRecovery {});
    answer(request.send().await, base).await
}

/// The key that a device seals to: the pinned one while the backend has it, and on a device that
/// pins none yet the backend's first.
///
/// # Errors
///
/// Where the backend does not show the pinned key any more: somebody changed it. And where it
/// shows none, for whatever reason: who can keep an answer away must not choose the mode.
pub(crate) async fn pin(
    base: &str,
    ca_file: Option<&Path>,
    pinned: Option<PinnedSealingKey>,
) -> anyhow::Result<PinnedSealingKey> {
    let url = format!("{}/app/sealing-keys", base.trim_end_matches('/'));
    let shown = answer(http(base, ca_file)?.get(url).send().await, base).await;
    let shown: PublicKeys = shown.map_err(|error| unpinned(base, error))?;
    let first = shown.keys.first().copied();
    match pinned {
        Some(pinned) if !shown.keys.contains(&pinned) => {
            bail!(
                "{base} shows another sealing key than the one that this device pins\n  \
                 pinned: {pinned}\n  shown:  {}\n  what to do: ask who runs the backend; \
                 if the key was changed on purpose, give the new one with --sealing-key",
                first.as_ref().map(ToString::to_string).unwrap_or_default()
            )
        }
        Some(pinned) => Ok(pinned),
        None => first.with_context(|| format!("{base} shows no sealing key; nothing was changed")),
    }
}

/// What is told where a backend shows no sealing key.
fn unpinned(base: &str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<portal_sdk::Error>() {
        Some(known) if known.id() == ErrorId::NotFound => anyhow!(
            "{base} takes no sealed backups, and nothing was changed\n  what to do: start it with \
             sealing keys, as `portal custodian serve` does; or give --plain-backups, if Portal's \
             server may see this backend's shares"
        ),
        _ => error.context(format!(
            "no sealing key could be fetched from {base}, and nothing was changed; give the key \
             with --sealing-key, or try again"
        )),
    }
}

fn keys(data: &Path) -> anyhow::Result<SealingKeys> {
    let secrets = key_file::secrets(&custodian_secrets::file(data, KeptSecret::SealingKey)?)?;
    let keys = secrets.into_iter().map(OpeningKey::from_bytes).collect();
    Ok(SealingKeys::new(keys)?)
}

/// By which the app's backend is known.
fn backend_secret(data: &Path) -> anyhow::Result<Zeroizing<String>> {
    key_file::text(&custodian_secrets::file(data, KeptSecret::BackendSecret)?)
}
