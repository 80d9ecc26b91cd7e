//! `portal custodian create` and `portal custodian environment create`

use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_api::signing_policy::SigningPolicy;
use portal_lifecycle::BackupMode;
use portal_seal::SecretBytes;
use portal_server::clock::SystemClock;
use portal_server::{CustodianCreated, Operator, OperatorError, WebhookPolicy, WebhookSettings};
use serde_json::json;

use crate::args::{
    CustodianCreateArgs, CustodianEnvironmentCommand, NewEnvironmentArgs, StorageArgs,
};
use crate::key_file;
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(args: CustodianCreateArgs, output: Output) -> anyhow::Result<()> {
    let CustodianCreateArgs {
        storage,
        name,
        environment,
        new,
    } = args;
    let created = create(&storage, &new, async |operator, webhook| {
        let made = operator.create_custodian(&name, &environment, webhook, new.backup_mode);
        made.await
    });
    let created = created.await?;
    let custodian = format!("Custodian {name} ({})", created.custodian_id);
    tell(&custodian, &environment, &created, output);
    Ok(())
}

pub(crate) async fn environment(
    command: CustodianEnvironmentCommand,
    output: Output,
) -> anyhow::Result<()> {
    let CustodianEnvironmentCommand::Create(args) = command;
    let created = create(&args.storage, &args.new, async |operator, webhook| {
        let mode = args.new.backup_mode;
        let made = operator.create_environment(args.custodian, &args.name, webhook, mode);
        made.await
    });
    let created = created.await?;
    let custodian = format!("Custodian {}", created.custodian_id);
    tell(&custodian, &args.name, &created, output);
    Ok(())
}

/// Makes an environment by `make`, with all that the settings say of it.
async fn create(
    storage: &StorageArgs,
    new: &NewEnvironmentArgs,
    make: impl AsyncFnOnce(
        &Operator,
        Option<WebhookSettings>,
    ) -> Result<CustodianCreated, OperatorError>,
) -> anyhow::Result<CustodianCreated> {
    let webhook = webhook(new)?;
    let store = storage::open_for(storage, new.backup_mode).await?;
    let policy = WebhookPolicy::from(&new.webhooks);
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let created = make(&operator, webhook).await?;
    if new.allow_raw_signing {
        let raw = SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        };
        operator
            .put_signing_policy(created.environment_id, &raw)
            .await
            .context("the environment was made, but not its signing policy; make another one")?;
    }
    store.close().await;
    Ok(created)
}

fn webhook(new: &NewEnvironmentArgs) -> anyhow::Result<Option<WebhookSettings>> {
    match (&new.webhook_url, &new.webhook_secret_file) {
        (Some(base_url), Some(secret_file)) => {
            let text = key_file::text(secret_file)?;
            // A second one is of before, for a backend that knows both.
            let secret = text.lines().next().unwrap_or_default();
            Ok(Some(WebhookSettings {
                base_url: base_url.clone(),
                secret: SecretBytes::new(secret.as_bytes().to_vec()),
            }))
        }
        _ if new.backup_mode == BackupMode::Managed => Ok(None),
        _ => bail!(
            "expected --webhook-url and --webhook-secret-file: in {} mode the custodian's shares \
             go to its backend",
            new.backup_mode
        ),
    }
}

fn tell(custodian: &str, environment: &str, created: &CustodianCreated, output: Output) {
    output.result(
        format!(
            "{custodian}, environment {environment} ({})\nAPI key, shown only now:\n{}",
            created.environment_id, created.api_key
        ),
        &json!({
            "custodianId": created.custodian_id,
            "environmentId": created.environment_id,
            "apiKey": created.api_key,
        }),
    );
}
