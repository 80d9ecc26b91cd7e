//! `portal custodian serve`

use std::sync::Arc;

use anyhow::Context as _;
use portal_custodian::{KeptSecret, Receiver, RecoveryPolicy, Sealing};
use portal_serving::{HttpMetrics, listen};
use serde_json::json;

use super::custodian_secrets;
use super::door::{door, scheme};
use super::metrics::Counting;
use crate::args::CustodianServeArgs;
use crate::output::Output;
use crate::telemetry::DroppedSpans;

pub(crate) async fn run(
    args: CustodianServeArgs,
    output: Output,
    dropped: &DroppedSpans,
) -> anyhow::Result<()> {
    let mut door = door(&args.door)?;
    let mut counting = Counting::begin(args.door.metrics_listen, dropped).await?;
    if let Some(counting) = &mut counting {
        door.metrics = Some(HttpMetrics::register(counting.registry()));
    }
    let replaced: Vec<_> = args
        .replace_secret
        .iter()
        .copied()
        .map(Into::into)
        .collect();
    let opened = custodian_secrets::open(&args.data, args.database.as_deref(), &replaced).await?;
    let store = Arc::clone(&opened.store);
    let policy = RecoveryPolicy {
        window_ms: args.recovery_window_min.saturating_mul(60_000),
        uses: args.recovery_uses,
    };
    let mut webhook_auth = opened.webhook_auth;
    if let Some(required) = args.require_webhook_signatures {
        webhook_auth = webhook_auth.require_signatures(required);
    }
    let sealing = Sealing::new(
        opened.sealing_keys,
        Arc::clone(&store) as _,
        opened.backend_secret,
    );
    let router = Receiver::builder(Arc::clone(&store) as _, webhook_auth)
        .app_auth(Arc::new(opened.app_tokens))
        .sealing(sealing.recovery_policy(policy))
        .plain_backups(args.plain_backups)
        .body_bytes(args.door.max_body_bytes)
        .build();
    let listener =
        listen(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let stop = super::asked_to_stop()?;
    let url = format!("{}://{}", scheme(&door), listener.local_addr()?);
    let secret_file = args.data.join(KeptSecret::WebhookSecret.as_str());
    output.result(
        format!(
            "Custodian backend on {url}; its webhook secret is in {}",
            secret_file.display()
        ),
        &json!({ "listening": url, "webhookSecretFile": secret_file,
            "metrics": counting.as_ref().map(|counting| &counting.url) }),
    );
    if let Some(counting) = counting {
        counting.serve(|| std::future::ready(()));
    }
    portal_custodian::serve_through(&door, listener, router, stop).await?;
    store.close().await;
    Ok(())
}
