//! `portal recover-offline`, `portal offline-sign`: without a server, without a network.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use portal_api::SecretText;
use portal_backup::{BackupError, CipherText, KeySource, SecretBytes, parse_key};
use portal_chains::{ChainId, Request};
use portal_lifecycle::{Curve, PerCurve};
use portal_sdk::{Error, Password};
use serde_json::{Value, json};

use super::wallet;
use crate::args::{OfflineSignArgs, RecoverOfflineArgs};
use crate::key_file;
use crate::offline::{CustodianShares, RecoveredKeys, join, open_with_key, open_with_password};
use crate::output::Output;
use crate::process::forbid_core_dumps;

/// `portal recover-offline`
pub(crate) fn recover(args: &RecoverOfflineArgs, output: Output) -> anyhow::Result<()> {
    forbid_core_dumps()?;
    if let Some(out) = args.out.as_ref().filter(|out| out.exists()) {
        bail!(
            "{} is there already; give a file that does not exist yet",
            out.display()
        );
    }
    let text = key_file::text(&args.cipher_text_file)?;
    let cipher_text = CipherText::parse(text.trim()).map_err(Error::from)?;
    let custodian = CustodianShares::read(&args.custodian_shares)?;
    let client = open(args, &cipher_text)?;
    let keys = join(&cipher_text, &client, &custodian).map_err(Error::from)?;
    if let Some(out) = &args.out {
        keys.write(out)?;
    }
    tell(args, &keys, output)
}

/// Opens the cipher text by what the arguments name.
fn open(
    args: &RecoverOfflineArgs,
    cipher_text: &CipherText,
) -> anyhow::Result<PerCurve<SecretBytes>> {
    let name = match &cipher_text.header().key_source {
        KeySource::Password(_) => {
            let password = password(args)?;
            return Ok(open_with_password(cipher_text, &password)?);
        }
        KeySource::Stored { key_name } => key_name,
    };
    let path = match (&args.key_file, &args.folder) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) => folder.join(format!("{name}.key")),
        (None, None) => bail!(Error::from(BackupError::KeyNeeded {
            key_name: name.clone(),
        })),
    };
    if !path.exists() {
        bail!(Error::from(BackupError::KeyNotFound { name: name.clone() }));
    }
    let stored = key_file::text(&path)?;
    let stored = SecretBytes::new(stored.as_bytes().to_vec());
    let key = parse_key(&stored, name).map_err(Error::from)?;
    Ok(open_with_key(cipher_text, &key)?)
}

fn password(args: &RecoverOfflineArgs) -> anyhow::Result<Password> {
    let typed = match &args.password_file {
        Some(path) => key_file::text(path)?,
        None if args.key_file.is_some() || args.folder.is_some() => {
            bail!(Error::from(BackupError::PasswordNeeded))
        }
        None if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("Backup password: ")?.into()
        }
        None => bail!(Error::from(BackupError::PasswordEmpty)),
    };
    Ok(Password::new(&typed).map_err(Error::from)?)
}

fn tell(args: &RecoverOfflineArgs, keys: &RecoveredKeys, output: Output) -> anyhow::Result<()> {
    let addresses = keys.addresses()?;
    let public_keys = keys.public_keys().map(hex::encode);
    let mut lines = vec![
        format!(
            "Both keys of client {}, from its backup of generation {}.",
            keys.client_id, keys.generation
        ),
        wallet::shown(&addresses),
        format!("  secp256k1 public key {}", public_keys.secp256k1),
        format!("  Ed25519 public key   {}", public_keys.ed25519),
    ];
    let mut document = json!({
        "clientId": keys.client_id,
        "generation": keys.generation,
        "addresses": wallet::addresses(&addresses),
        "publicKeys": { "secp256k1": public_keys.secp256k1, "ed25519": public_keys.ed25519 },
        "written": args.out,
    });
    if args.print_keys {
        // Asked for.
        let shown = keys.shown()?;
        let printed = shown.iter().map(|(name, key)| print_key(name, key));
        lines.extend(printed);
        let printed = shown.iter().map(|(name, key)| (*name, key.expose()));
        document["keys"] = printed.collect();
    }
    lines.push(match &args.out {
        Some(out) => written(out),
        None if args.print_keys => CARE.to_owned(),
        None => "The shares fit. The keys were shown to nobody: --out FILE writes them.".to_owned(),
    });
    output.result(lines.join("\n"), &document);
    Ok(())
}

const CARE: &str = "Who has these keys needs nobody: move the funds to a wallet whose key was \
                    never whole.";

/// What is said of a file of keys.
pub(crate) fn written(out: &Path) -> String {
    format!("The private keys are in {}. {CARE}", out.display())
}

fn print_key(name: &str, key: &SecretText) -> String {
    format!("  {name} {}", key.expose()) // asked for
}

/// `portal offline-sign`
pub(crate) fn sign(args: OfflineSignArgs, output: Output) -> anyhow::Result<()> {
    forbid_core_dumps()?;
    let keys = RecoveredKeys::read(&args.keys)?;
    let chain: ChainId = args.sign.chain.parse().map_err(Error::from)?;
    let params: Value = wallet::params(args.sign.params)?;
    let curve = match chain.curve() {
        portal_chains::Curve::Secp256k1 => Curve::Secp256k1,
        portal_chains::Curve::Ed25519 => Curve::Ed25519,
    };
    let public_keys = keys.public_keys();
    let request = Request::parse(&chain, &args.sign.method, &params, public_keys.of(curve))
        .map_err(Error::from)?;
    let payloads = request.payloads();
    let signatures: Result<Vec<_>, _> = payloads.iter().map(|payload| keys.sign(payload)).collect();
    let signatures = signatures.context("in the file of keys")?;
    let signed = request.finish(&signatures).map_err(Error::from)?;
    let document = json!({
        "summary": request.summary(),
        "signed": signed.encoded(),
        "transactionId": signed.transaction_id(),
    });
    output.result(
        format!("{}\n{}", request.summary(), signed.encoded()),
        &document,
    );
    Ok(())
}
