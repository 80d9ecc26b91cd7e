//! `portal custodian create`

use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_api::signing_policy::SigningPolicy;
use portal_lifecycle::BackupMode;
use portal_seal::SecretBytes;
use portal_server::clock::SystemClock;
use portal_server::{Operator, WebhookPolicy, WebhookSettings};
use serde_json::json;

use crate::args::CustodianCreateArgs;
use crate::key_file;
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(args: CustodianCreateArgs, output: Output) -> anyhow::Result<()> {
    let webhook = match args.webhook_url.zip(args.webhook_secret_file) {
        Some((base_url, secret_file)) => {
            let text = key_file::text(&secret_file)?;
            // A second one is of before, for a backend that knows both.
            let secret = text.lines().next().unwrap_or_default();
            Some(WebhookSettings {
                base_url,
                secret: SecretBytes::new(secret.as_bytes().to_vec()),
            })
        }
        None if args.backup_mode == BackupMode::Managed => None,
        None => bail!(
            "expected --webhook-url and --webhook-secret-file: in {} mode the custodian's shares \
             go to its backend",
            args.backup_mode
        ),
    };
    let store = storage::open_for(&args.storage, args.backup_mode).await?;
    let policy = WebhookPolicy::from(&args.webhooks);
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let created = operator
        .create_custodian(&args.name, &args.environment, webhook, args.backup_mode)
        .await?;
    if args.allow_raw_signing {
        let raw = SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        };
        operator
            .put_signing_policy(created.environment_id, &raw)
            .await
            .context("the customer was made, but not its signing policy; make another one")?;
    }
    store.close().await;
    output.result(
        format!(
            "Custodian {} ({}), environment {} ({})\nAPI key, shown only now:\n{}",
            args.name,
            created.custodian_id,
            args.environment,
            created.environment_id,
            created.api_key
        ),
        &json!({
            "custodianId": created.custodian_id,
            "environmentId": created.environment_id,
            "apiKey": created.api_key,
        }),
    );
    Ok(())
}
