//! `portal serve`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portal_server::clock::SystemClock;
use portal_server::{App, Limits, WebhookPolicy};
use serde_json::json;
use tokio::net::TcpListener;

use crate::args::ServeArgs;
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(args: ServeArgs, output: Output) -> anyhow::Result<()> {
    let alone = storage::serve_alone(&args.storage)?;
    let store = storage::open(&args.storage).await?;
    let policy = WebhookPolicy::from(&args.webhooks);
    let limits = Limits {
        session_timeout: Duration::from_secs(args.session_timeout_s),
        drain_timeout: Duration::from_secs(args.drain_timeout_s),
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
            args.storage.data.display()
        ),
        &json!({ "listening": format!("http://{address}") }),
    );
    portal_server::serve(app, listener, super::asked_to_stop()).await?;
    store.close().await;
    drop(alone);
    Ok(())
}
