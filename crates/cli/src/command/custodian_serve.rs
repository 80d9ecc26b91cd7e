//! `portal custodian serve`

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use portal_custodian::{AppTokens, SqliteCustodianStore, WebhookSecret};
use serde_json::json;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::args::CustodianServeArgs;
use crate::key_file;
use crate::output::Output;

/// The customer's files in its data directory.
pub(crate) const WEBHOOK_SECRET: &str = "webhook-secret";
const APP_SECRET: &str = "app-secret";

pub(crate) async fn run(args: CustodianServeArgs, output: Output) -> anyhow::Result<()> {
    let store = Arc::new(open_store(&args.data).await?);
    let router = portal_custodian::router(
        Arc::clone(&store) as _,
        Arc::new(app_tokens(&args.data)?),
        WebhookSecret::new(&webhook_secret(&args.data)?)?,
    );
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let secret_file = args.data.join(WEBHOOK_SECRET);
    output.result(
        format!(
            "Custodian backend on http://{address}; its webhook secret is in {}",
            secret_file.display()
        ),
        &json!({ "listening": format!("http://{address}"), "webhookSecretFile": secret_file }),
    );
    portal_custodian::serve(listener, router, super::asked_to_stop()).await?;
    store.close().await;
    Ok(())
}

/// The customer's database and its key, both made on first start.
pub(crate) async fn open_store(data: &Path) -> anyhow::Result<SqliteCustodianStore> {
    key_file::private_dir(data)?;
    let database = data.join("custodian.db");
    let key = key_file::sealing_key(&data.join("custodian.key"), &database)?;
    Ok(SqliteCustodianStore::open(&database, key).await?)
}

/// The tokens that the customer's backend gives to its app.
pub(crate) fn app_tokens(data: &Path) -> anyhow::Result<AppTokens> {
    key_file::private_dir(data)?;
    Ok(AppTokens::new(key_file::secret(&data.join(APP_SECRET))?))
}

/// What Portal shows when it calls; made on first use.
pub(crate) fn webhook_secret(data: &Path) -> anyhow::Result<Zeroizing<String>> {
    key_file::private_dir(data)?;
    let path = data.join(WEBHOOK_SECRET);
    key_file::secret(&path)?;
    key_file::text(&path)
}
