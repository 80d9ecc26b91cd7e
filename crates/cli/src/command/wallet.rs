//! `portal wallet …`

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use portal_api::Time;
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, Refusal, SigningStatus};
use portal_sdk::{Backup, ChainId, Password, Portal, Report, Status};
use serde_json::{Value, json};

use super::{client_state, custodian_app, eject};
use crate::args::{BackupArgs, SignArgs, WalletArgs, WalletCommand};
use crate::device::Device;
use crate::key_file;
use crate::output::Output;

pub(crate) async fn run(args: WalletArgs, output: Output) -> anyhow::Result<()> {
    let mut device = Device::open(&args.device)?;
    if let Some(server) = args.server {
        device.profile.server = server;
    }
    if let Some(custodian) = args.custodian {
        device.profile.custodian = Some(custodian);
    }
    if args.ca_file.is_some() {
        device.profile.ca_file = args.ca_file;
    }
    match args.command {
        WalletCommand::Create => create(&device, output).await,
        WalletCommand::Backup(backup) => back_up(&device, backup, output).await,
        WalletCommand::ConfirmBackup { cipher_text_file } => {
            confirm_backup(&device, &cipher_text_file, output).await
        }
        WalletCommand::CheckBackup(backup) => check_backup(&device, backup, output).await,
        WalletCommand::Recover(backup) => recover(&device, backup, output).await,
        WalletCommand::Refresh => refresh(&device, output).await,
        WalletCommand::Eject { out, backup } => {
            let portal = portal(&device, backup.folder.as_deref(), output).await?;
            let mut asked = false;
            let opener = async {
                let file = backup.cipher_text_file.as_deref();
                let cipher_text = cipher_text(&device, &portal, file).await?;
                asked = take_ticket(&device, &portal, &backup).await?;
                Ok((choose(&backup)?, cipher_text))
            };
            let ended = eject::run(&portal, &out, opener, output).await;
            close_recovery(&device, asked).await;
            ended
        }
        WalletCommand::Sign(sign_args) => sign(&device, sign_args, output).await,
        WalletCommand::Status => status(&device, output).await,
    }
}

async fn create(device: &Device, output: Output) -> anyhow::Result<()> {
    let created = portal(device, None, output).await?.create_wallet().await?;
    let lines = format!(
        "{}\nIt has no backup yet: until it has one, a lost device is a lost wallet.\n\
         Next: portal wallet backup",
        shown(&created.addresses)
    );
    let document = json!({
        "addresses": addresses(&created.addresses),
        "resumed": created.resumed,
        "report": report(&created.report),
    });
    output.result(lines, &document);
    Ok(())
}

async fn back_up(device: &Device, args: BackupArgs, output: Output) -> anyhow::Result<()> {
    let portal = portal(device, args.folder.as_deref(), output).await?;
    let backup = choose(&args)?;
    let method = method(&args);
    let made = portal.backup_wallet(backup).await?;
    match &args.cipher_text_file {
        Some(path) => {
            // Never over another backup's: until this one is complete, that one counts.
            key_file::write_private(path, made.cipher_text.as_bytes()).with_context(|| {
                format!(
                    "cannot write {}; give a file that does not exist yet",
                    path.display()
                )
            })?;
        }
        // The server keeps it.
        None if made.is_complete => {}
        None => {
            let ids = made.backup_share_pair_ids;
            let stored = custodian_app::store(&device.profile, method, ids, &made);
            let stored = stored.await?;
            if stored.cipher_text != made.cipher_text {
                bail!(
                    "the customer's backend gave back another cipher text; nothing was confirmed"
                );
            }
        }
    }
    made.confirm().await?;
    let document = json!({
        "backupMethod": method,
        "backupSharePairIds": made.backup_share_pair_ids.into_array(),
        "report": report(&made.report),
    });
    output.result(
        "Backed up. The wallet can be recovered on another device.",
        &document,
    );
    Ok(())
}

async fn confirm_backup(device: &Device, file: &Path, output: Output) -> anyhow::Result<()> {
    let cipher_text = key_file::text(file)?;
    let portal = portal(device, None, output).await?;
    let confirmed = portal
        .api()
        .stored_client_backup_share(&cipher_text)
        .await?;
    let document = json!({ "report": report(&confirmed) });
    output.result(
        "The backup is complete. The wallet can be recovered on another device.",
        &document,
    );
    Ok(())
}

async fn recover(device: &Device, args: BackupArgs, output: Output) -> anyhow::Result<()> {
    let portal = portal(device, args.folder.as_deref(), output).await?;
    let cipher_text = cipher_text(device, &portal, args.cipher_text_file.as_deref()).await?;
    let asked = take_ticket(device, &portal, &args).await?;
    let recovered = portal.recover_wallet(choose(&args)?, &cipher_text).await?;
    close_recovery(device, asked).await;
    let document = json!({
        "addresses": addresses(&recovered.addresses),
        "report": report(&recovered.report),
    });
    let lines = format!(
        "Recovered. This device signs from now on.\n{}",
        shown(&recovered.addresses)
    );
    output.result(lines, &document);
    Ok(())
}

async fn check_backup(device: &Device, args: BackupArgs, output: Output) -> anyhow::Result<()> {
    let portal = portal(device, args.folder.as_deref(), output).await?;
    let cipher_text = cipher_text(device, &portal, args.cipher_text_file.as_deref()).await?;
    let checked = portal.check_backup(choose(&args)?, &cipher_text).await?;
    let proved_at = Time(checked.proved_at);
    let document = json!({
        "backupSharePairIds": checked.backup_share_pair_ids.into_array(),
        "provedAt": proved_at,
        "report": report(&checked.report),
    });
    output.result(
        "The backup is good: this device opened the cipher text, and the customer's backend \
         holds its part.",
        &document,
    );
    Ok(())
}

/// The cipher text of the backup in force: from a file, or from the customer's backend.
async fn cipher_text(
    device: &Device,
    portal: &Portal,
    file: Option<&Path>,
) -> anyhow::Result<String> {
    match file {
        Some(path) => Ok(std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .trim_end()
            .to_owned()),
        None => {
            if let Some(kept) = portal.kept_cipher_text().await? {
                return Ok(kept);
            }
            let (method, pair) = backup_in_force(portal).await?;
            let stored = custodian_app::fetch(&device.profile, method, pair).await?;
            Ok(stored.cipher_text)
        }
    }
}

/// Of a sealed backup the custodian wants to hear what it told this app alone. Says whether it was
/// asked for that.
async fn take_ticket(device: &Device, portal: &Portal, args: &BackupArgs) -> anyhow::Result<bool> {
    if mode_in_force(portal).await? != Some(BackupMode::Sealed) {
        return Ok(false);
    }
    let (ticket, asked) = match &args.recovery_ticket_file {
        Some(path) => (key_file::text(path)?.parse()?, false),
        None => (custodian_app::recovery_ticket(&device.profile).await?, true),
    };
    portal.take_recovery_ticket(ticket);
    Ok(asked)
}

/// Closes the recovery whose ticket this device asked for: it needs it no more.
async fn close_recovery(device: &Device, asked: bool) {
    if !asked {
        return;
    }
    // It ends by itself as well; what the device has come to is what counts.
    if let Err(error) = custodian_app::close_recovery(&device.profile).await {
        tracing::warn!(%error, "the recovery stays open until its time is over");
    }
}

/// In which mode the backup in force was made.
async fn mode_in_force(portal: &Portal) -> anyhow::Result<Option<BackupMode>> {
    let state = portal.state().await?;
    let pairs = state.wallets.iter();
    let mut pairs = pairs.flat_map(|wallet| wallet.backup_share_pairs.iter().rev());
    let complete = BackupStatus::StoredClientBackupShare;
    let active = pairs.find(|pair| pair.status == complete);
    Ok(active.map(|pair| pair.backup_mode))
}

/// Which cipher text to ask for: the newest one need not belong to a completed backup.
pub(crate) async fn backup_in_force(
    portal: &Portal,
) -> anyhow::Result<(BackupMethod, BackupSharePairId)> {
    let state = portal.state().await?;
    let pairs: Vec<_> = state
        .wallets
        .iter()
        .flat_map(|wallet| &wallet.backup_share_pairs)
        .collect();
    let complete = |status| status == BackupStatus::StoredClientBackupShare;
    match pairs.iter().rev().find(|pair| complete(pair.status)) {
        Some(pair) => Ok((pair.backup_method, pair.id)),
        None => bail!(portal_sdk::Error::from(Refusal::BackupNotComplete)),
    }
}

async fn refresh(device: &Device, output: Output) -> anyhow::Result<()> {
    let refreshed = portal(device, None, output).await?.refresh_wallet().await?;
    let document = json!({
        "addresses": addresses(&refreshed.addresses),
        "report": report(&refreshed.report),
    });
    output.result(
        "Both signing shares are new; the key is the same.",
        &document,
    );
    Ok(())
}

async fn sign(device: &Device, args: SignArgs, output: Output) -> anyhow::Result<()> {
    let chain: ChainId = args.chain.parse().map_err(portal_sdk::Error::from)?;
    let params = params(args.params)?;
    let portal = portal(device, None, output).await?;
    let signed = portal.sign(&chain, &args.method, &params).await?;
    let document = json!({
        "summary": signed.summary,
        "signed": signed.signed.encoded(),
        "transactionId": signed.signed.transaction_id(),
        "report": report(&signed.report),
    });
    output.result(
        format!("{}\n{}", signed.summary, signed.signed.encoded()),
        &document,
    );
    Ok(())
}

/// The value of `--params`: JSON, or where to read it.
pub(crate) fn params(given: String) -> anyhow::Result<Value> {
    let text = match given.strip_prefix('@') {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?
        }
        None => given,
    };
    serde_json::from_str(&text).context("expected JSON in --params")
}

async fn status(device: &Device, output: Output) -> anyhow::Result<()> {
    let portal = portal(device, None, output).await?;
    let state = portal.state().await?;
    let on_device = portal.is_wallet_on_device().await?;
    let mut lines = vec![format!("Client {}", state.id)];
    if on_device {
        // Computed on this device: a server is not believed for them.
        lines.push(shown(&portal.addresses().await?));
    }
    lines.extend(client_state::keys(&state));
    let mut pairs = state
        .wallets
        .iter()
        .flat_map(|wallet| &wallet.signing_share_pairs);
    if pairs.any(|pair| pair.status == SigningStatus::Frozen) {
        lines.push("The signing pair is FROZEN: refresh or recover the wallet.".to_owned());
    }
    lines.push(format!(
        "This device {}. {}",
        if on_device {
            "signs"
        } else {
            "holds no share that is in force"
        },
        client_state::wallet(&state)
    ));
    output.result(
        lines.join("\n"),
        &json!({ "client": state, "isOnDevice": on_device }),
    );
    Ok(())
}

async fn portal(device: &Device, folder: Option<&Path>, output: Output) -> anyhow::Result<Portal> {
    device
        .portal(folder, move |progress| {
            if progress.status != Status::Done {
                output.say(format!("  {}…", progress.status));
            }
        })
        .await
}

const fn method(args: &BackupArgs) -> BackupMethod {
    if args.folder.is_some() {
        BackupMethod::Custom
    } else {
        BackupMethod::Password
    }
}

fn choose(args: &BackupArgs) -> anyhow::Result<Backup> {
    if args.folder.is_some() {
        return Ok(Backup::Stored(BackupMethod::Custom));
    }
    let password = match &args.password_file {
        Some(path) => key_file::text(path)?,
        None if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("Backup password: ")?.into()
        }
        None => bail!(portal_sdk::Error::from(
            portal_backup::BackupError::PasswordNeeded
        )),
    };
    Ok(Backup::Password(
        Password::new(&password).map_err(portal_sdk::Error::from)?,
    ))
}

pub(crate) fn shown(addresses: &portal_sdk::Addresses) -> String {
    format!(
        "  EVM      {}\n  Solana   {}\n  Bitcoin  {}",
        addresses.eip155, addresses.solana, addresses.bip122_mainnet
    )
}

pub(crate) fn addresses(addresses: &portal_sdk::Addresses) -> Value {
    json!({
        "eip155": addresses.eip155,
        "solana": addresses.solana,
        "bip122": addresses.bip122_mainnet,
    })
}

pub(crate) fn report(report: &Report) -> Value {
    json!({
        "traceId": report.trace_id,
        "statuses": report.statuses,
        "clientMs": report.client.as_millis(),
        "serverMs": report.server.as_millis(),
        "wireMs": report.wire.as_millis(),
        "sentBytes": report.sent_bytes,
        "receivedBytes": report.received_bytes,
    })
}
