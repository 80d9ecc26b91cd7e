//! `portal custodian export-shares`

use std::path::Path;

use anyhow::{Context as _, bail};
use portal_custodian::SqlCustodianStore;
use portal_lifecycle::ids::ClientId;
use serde_json::json;

use super::custodian_store;
use crate::args::ExportSharesArgs;
use crate::key_file;
use crate::offline::{CustodianShares, Entry};
use crate::output::Output;
use crate::process::forbid_core_dumps;

/// How many clients are asked for at once.
const PAGE: u32 = 1_000;

/// What was written.
#[derive(Default)]
struct Exported {
    clients: usize,
    shares: usize,
    unreadable: usize,
}

pub(crate) async fn run(args: ExportSharesArgs, output: Output) -> anyhow::Result<()> {
    forbid_core_dumps()?;
    let database = args.data.join(custodian_store::DATABASE);
    if args.database.is_none() && !database.exists() {
        bail!(
            "expected the custodian's database at {}; give its directory with --data, or the database itself with --database",
            database.display()
        );
    }
    let store = custodian_store::open(&args.data, args.database.as_deref()).await?;
    let exported = export(&store, &args).await;
    store.close().await;
    let (exported, place) = exported?;
    if exported.unreadable > 0 {
        output.say(format!(
            "  {} shares do not open and were left out; the log says why",
            exported.unreadable
        ));
    }
    output.result(
        format!(
            "{} shares of {} clients in {}. Who has a client's cipher text and its password or \
             key needs nothing else: guard them.",
            exported.shares,
            exported.clients,
            place.display()
        ),
        &json!({
            "clients": exported.clients,
            "shares": exported.shares,
            "unreadable": exported.unreadable,
            "written": place,
        }),
    );
    Ok(())
}

async fn export<'a>(
    store: &SqlCustodianStore,
    args: &'a ExportSharesArgs,
) -> anyhow::Result<(Exported, &'a Path)> {
    let mut exported = Exported::default();
    if let Some(directory) = &args.directory {
        key_file::private_dir(directory)?;
        let mut after = None;
        loop {
            let clients = store.clients(after, PAGE).await?;
            after = clients.last().copied();
            if after.is_none() {
                return Ok((exported, directory));
            }
            for client in clients {
                let shares = shares_of(store, client, &mut exported).await?;
                write(&directory.join(format!("{client}.json")), shares)?;
            }
        }
    }
    let mut shares = Vec::new();
    if let Some(client) = args.client {
        shares = shares_of(store, client, &mut exported).await?;
        if shares.is_empty() {
            bail!("there is no share of client {client} here that opens; nothing was written");
        }
    } else {
        let mut after = None;
        loop {
            let clients = store.clients(after, PAGE).await?;
            after = clients.last().copied();
            if after.is_none() {
                break;
            }
            for client in clients {
                shares.extend(shares_of(store, client, &mut exported).await?);
            }
        }
    }
    write(&args.out, shares)?;
    Ok((exported, &args.out))
}

async fn shares_of(
    store: &SqlCustodianStore,
    client: ClientId,
    exported: &mut Exported,
) -> anyhow::Result<Vec<Entry>> {
    let of_client = store.export(client).await?;
    exported.clients += 1;
    exported.shares += of_client.shares.len();
    exported.unreadable += of_client.unreadable;
    let entries = of_client.shares.iter();
    Ok(entries.map(|share| Entry::of(client, share)).collect())
}

fn write(path: &Path, shares: Vec<Entry>) -> anyhow::Result<()> {
    let text = CustodianShares::new(shares).to_json()?;
    key_file::write_private(path, &text).with_context(|| {
        format!(
            "cannot write {}; give a file that does not exist yet",
            path.display()
        )
    })
}
