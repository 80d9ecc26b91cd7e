//! `portal serve`

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portal_server::clock::SystemClock;
use portal_server::{App, Limits, WebhookPolicy};
use portal_store::SqliteStore;
use serde_json::json;
use tokio::net::TcpListener;

use crate::args::ServeArgs;
use crate::key_file;
use crate::output::Output;

pub(crate) async fn run(args: ServeArgs, output: Output) -> anyhow::Result<()> {
    let store = open_store(&args.data).await?;
    let policy = WebhookPolicy {
        allow_http_to_loopback: args.allow_http_webhooks,
    };
    let limits = Limits {
        session_timeout: Duration::from_secs(args.session_timeout_s),
        ..Limits::default()
    };
    let app = App::new(
        Arc::clone(&store) as _,
        Arc::new(SystemClock),
        policy,
        limits,
    )?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    output.result(
        format!(
            "Portal server on http://{address}, data in {}",
            args.data.display()
        ),
        &json!({ "listening": format!("http://{address}") }),
    );
    portal_server::serve(app, listener, super::asked_to_stop()).await?;
    store.close().await;
    Ok(())
}

/// The server's database and its key, both made on first start.
pub(crate) async fn open_store(data: &Path) -> anyhow::Result<Arc<SqliteStore>> {
    key_file::private_dir(data)?;
    let database = data.join("portal.db");
    let key = key_file::sealing_key(&data.join("portal.key"), &database)?;
    Ok(Arc::new(SqliteStore::open(&database, key).await?))
}
