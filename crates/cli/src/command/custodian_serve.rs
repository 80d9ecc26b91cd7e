//! `portal custodian serve`

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_custodian::{AppTokens, Receiver, RecoveryPolicy, WebhookAuth, WebhookSecret};
use portal_serving::{HttpMetrics, listen};
use serde_json::json;
use zeroize::Zeroizing;

use super::custodian_store;
use super::door::{door, scheme};
use super::metrics::Counting;
use super::sealing;
use crate::args::CustodianServeArgs;
use crate::key_file;
use crate::output::Output;
use crate::telemetry::DroppedSpans;

/// The customer's files in its data directory.
pub(crate) const WEBHOOK_SECRET: &str = "webhook-secret";
const APP_SECRET: &str = "app-secret";

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
    let store = Arc::new(custodian_store::open(&args.data, args.database.as_deref()).await?);
    let policy = RecoveryPolicy {
        window_ms: args.recovery_window_min.saturating_mul(60_000),
        uses: args.recovery_uses,
    };
    let webhook_auth = webhook_auth(
        &webhook_secrets(&args.data)?,
        args.require_webhook_signatures,
    )?;
    let router = Receiver::builder(Arc::clone(&store) as _, webhook_auth)
        .app_auth(Arc::new(app_tokens(&args.data)?))
        .sealing(sealing::of_backend(&args.data, &store, policy)?)
        .plain_backups(args.plain_backups)
        .body_bytes(args.door.max_body_bytes)
        .build();
    let listener =
        listen(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let stop = super::asked_to_stop()?;
    let url = format!("{}://{}", scheme(&door), listener.local_addr()?);
    let secret_file = args.data.join(WEBHOOK_SECRET);
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

/// The tokens that the customer's backend gives to its app.
pub(crate) fn app_tokens(data: &Path) -> anyhow::Result<AppTokens> {
    key_file::private_dir(data)?;
    Ok(AppTokens::new(key_file::secret(&data.join(APP_SECRET))?))
}

/// What Portal's calls are known by.
pub(crate) struct WebhookSecrets {
    pub(crate) present: Zeroizing<String>,
    /// Still good, while Portal changes from this one to the present one.
    former: Option<Zeroizing<String>>,
}

/// The secret in its file, and a former one on the line below it; made on first use.
pub(crate) fn webhook_secrets(data: &Path) -> anyhow::Result<WebhookSecrets> {
    key_file::private_dir(data)?;
    let path = data.join(WEBHOOK_SECRET);
    let text = key_file::webhook_secret(&path)?;
    let mut lines = text.lines().map(|line| Zeroizing::new(line.to_owned()));
    let secrets = WebhookSecrets {
        present: lines.next().unwrap_or_default(),
        former: lines.next(),
    };
    if lines.next().is_some() {
        bail!(
            "expected the webhook's secret in {}, and a former one below it, got more lines",
            path.display()
        );
    }
    Ok(secrets)
}

/// Whom to take for Portal: whoever signs by one of these, and where that is not required,
/// whoever shows one.
pub(crate) fn webhook_auth(
    secrets: &WebhookSecrets,
    require_signatures: Option<bool>,
) -> anyhow::Result<WebhookAuth> {
    let mut auth = WebhookAuth::new(WebhookSecret::new(&secrets.present)?);
    if let Some(former) = &secrets.former {
        let former = WebhookSecret::new(former);
        auth = auth.or(former.context("the second line of the webhook's secrets")?);
    }
    Ok(match require_signatures {
        Some(required) => auth.require_signatures(required),
        None => auth,
    })
}
