//! `portal custodian key`

use std::sync::Arc;

use anyhow::Context as _;
use portal_api::Time;
use portal_lifecycle::ids::EnvironmentId;
use portal_server::clock::SystemClock;
use portal_server::{CustodianKey, Operator, WebhookPolicy};
use serde_json::{Value, json};

use crate::args::{CustodianKeyArgs, CustodianKeyCommand};
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(command: CustodianKeyCommand, output: Output) -> anyhow::Result<()> {
    let (args, revoked) = match &command {
        CustodianKeyCommand::Create(args) | CustodianKeyCommand::List(args) => (args, None),
        CustodianKeyCommand::Revoke { args, key } => (args, Some(key)),
    };
    let environment = environment(args)?;
    let store = storage::open(&args.storage).await?;
    let policy = WebhookPolicy::default();
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let done = match (&command, revoked) {
        (_, Some(key)) => revoke(&operator, environment, key, output).await,
        (CustodianKeyCommand::List(_), None) => list(&operator, environment, output).await,
        _ => create(&operator, environment, output).await,
    };
    store.close().await;
    done
}

fn environment(args: &CustodianKeyArgs) -> anyhow::Result<EnvironmentId> {
    args.environment.parse().with_context(|| {
        format!(
            "expected the id of an environment, as `portal custodian list` shows it, got {:?}",
            args.environment
        )
    })
}

async fn create(
    operator: &Operator,
    environment: EnvironmentId,
    output: Output,
) -> anyhow::Result<()> {
    let (api_key, name) = operator.create_custodian_key(environment).await?;
    output.result(
        format!("API key {name}, shown only now:\n{api_key}"),
        &json!({ "name": name, "apiKey": api_key }),
    );
    Ok(())
}

async fn list(
    operator: &Operator,
    environment: EnvironmentId,
    output: Output,
) -> anyhow::Result<()> {
    let keys = operator.custodian_keys(environment).await?;
    let lines: Vec<String> = keys.iter().map(line).collect();
    let shown: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "name": key.name,
                "createdAt": Time(key.created_at),
                "revokedAt": key.revoked_at.map(Time),
            })
        })
        .collect();
    output.result(lines.join("\n"), &json!({ "keys": shown }));
    Ok(())
}

async fn revoke(
    operator: &Operator,
    environment: EnvironmentId,
    key: &str,
    output: Output,
) -> anyhow::Result<()> {
    operator.revoke_custodian_key(environment, key).await?;
    output.result(
        format!("API key {key} is revoked"),
        &json!({ "revoked": key }),
    );
    Ok(())
}

fn line(key: &CustodianKey) -> String {
    let time = |time| Time(time).to_rfc3339().unwrap_or_default();
    let made = time(key.created_at);
    match key.revoked_at {
        Some(revoked_at) => format!("{}  made {made}, revoked {}", key.name, time(revoked_at)),
        None => format!("{}  made {made}, in force", key.name),
    }
}
