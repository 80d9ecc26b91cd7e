//! What an operator does to a server's storage as a whole: `keys rotate`, `restore-check`,
//! `collect`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use portal_lifecycle::Garbage;
use portal_server::clock::SystemClock;
use portal_server::{Operator, WebhookPolicy};
use portal_store::kms::KeyFileKms;
use portal_store::{Rewrapped, SqlStore};
use serde_json::json;

use crate::args::{CollectArgs, RestoreCheckArgs, RotateArgs};
use crate::output::Output;
use crate::storage;

fn operator(store: &Arc<SqlStore>) -> Operator {
    let store = Arc::clone(store) as _;
    Operator::new(store, Arc::new(SystemClock), WebhookPolicy::default())
}

pub(crate) async fn rotate(args: RotateArgs, output: Output) -> anyhow::Result<()> {
    let key_files = storage::key_file_paths(&args.storage);
    if key_files.is_empty() && (args.new_key || args.forget) {
        bail!("--new-key and --forget are for --kms file; another KMS makes its own keys");
    }
    storage::expect_both_are_moved(&args.storage)?;
    // Opened first: it makes the key file where there is none, and checks it where there is.
    let store = storage::open(&args.storage).await?;
    if args.new_key {
        for path in &key_files {
            KeyFileKms::add_key(path, storage::new_key())?;
        }
        output.say("  a new key wraps from now on; the former ones still open");
    }
    let done = operator(&store).rewrap_all().await?;
    if done.unreadable > 0 {
        output.say(format!(
            "  {} secrets do not open and were left alone; the log names them",
            done.unreadable
        ));
    }
    if args.forget {
        forget(&key_files, &operator(&store), done, args.settle_s).await?;
        output.say("  the former keys are gone from the key files");
    }
    store.close().await;
    output.result(
        format!(
            "{} sealed secrets, {} of them rewrapped",
            done.seen, done.rewrapped
        ),
        &json!({
            "secrets": done.seen,
            "rewrapped": done.rewrapped,
            "unreadable": done.unreadable,
        }),
    );
    Ok(())
}

/// Forgets former keys, if two looks at everything, with time for a slow commit between them, find
/// nothing under one.
async fn forget(
    key_files: &[PathBuf],
    operator: &Operator,
    first: Rewrapped,
    settle_s: u64,
) -> anyhow::Result<()> {
    let refuse_unless_clean = |looked: Rewrapped| {
        if looked.rewrapped > 0 || looked.unreadable > 0 {
            bail!(
                "{} secrets were still under a former key, and {} do not open; nothing was \
                 forgotten. See that every server has the new key file, then run this again",
                looked.rewrapped,
                looked.unreadable
            );
        }
        Ok(())
    };
    refuse_unless_clean(first)?;
    tokio::time::sleep(Duration::from_secs(settle_s)).await;
    refuse_unless_clean(operator.rewrap_all().await?)?;
    for path in key_files {
        KeyFileKms::forget_former(path)?;
    }
    Ok(())
}

pub(crate) async fn restore_check(args: RestoreCheckArgs, output: Output) -> anyhow::Result<()> {
    // A server that runs would write on to what was there before.
    let alone = if args.dry_run {
        None
    } else {
        storage::serve_alone(&args.storage)?
    };
    let store = storage::open(&args.storage).await?;
    let operator = operator(&store);
    if !args.dry_run {
        let epoch = operator.raise_epoch().await?;
        output.say(format!(
            "Epoch {}. What was handed out before is refused, and every wallet proves itself \
             before it signs: apps do so when they start, or at the next signature.",
            epoch.number
        ));
    }
    let counts = operator.proved_wallets().await?;
    store.close().await;
    drop(alone);
    output.result(
        format!(
            "{} wallets, {} of them proved in this epoch, {} backed up",
            counts.wallets, counts.proved, counts.backed_up
        ),
        &json!({
            "wallets": counts.wallets,
            "proved": counts.proved,
            "backedUp": counts.backed_up,
        }),
    );
    Ok(())
}

pub(crate) async fn collect(args: CollectArgs, output: Output) -> anyhow::Result<()> {
    let store = storage::open(&args.storage).await?;
    let found = operator(&store).would_collect().await?;
    store.close().await;
    let rows = found.iter().map(|(client, garbage)| {
        let (what, ids) = match garbage {
            Garbage::AbandonedSigning(ids) => ("abandon signing pair", ids.map(|id| id.0)),
            Garbage::PurgedSigning(ids) => ("erase the share of signing pair", ids.map(|id| id.0)),
            Garbage::AbandonedBackup(ids) => ("abandon backup pair", ids.map(|id| id.0)),
            Garbage::PurgedBackup(ids) => (
                "release, and of a managed one erase, backup pair",
                ids.map(|id| id.0),
            ),
        };
        (client, what, ids.into_array())
    });
    let rows: Vec<_> = rows.collect();
    let mut lines: Vec<_> = rows
        .iter()
        .map(|(client, what, [secp256k1, ed25519])| {
            format!("client {client}: {what} {secp256k1} / {ed25519}")
        })
        .collect();
    lines.push(format!("{} pairs; nothing was changed", rows.len()));
    let rows: Vec<_> = rows
        .iter()
        .map(|(client, what, ids)| json!({ "clientId": client, "what": what, "pairIds": ids }))
        .collect();
    output.result(lines.join("\n"), &json!({ "wouldCollect": rows }));
    Ok(())
}
