//! `portal custodian webhook …`

use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_api::Time;
use portal_api::rest::{WebhookDelivery, WebhookSettings};
use portal_lifecycle::ids::EnvironmentId;
use portal_server::clock::SystemClock;
use portal_server::{HttpWebhooks, Operator, SecretChange, WebhookChange, WebhookPolicy};
use serde_json::json;

use crate::args::{WebhookArgs, WebhookCommand};
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(command: WebhookCommand, output: Output) -> anyhow::Result<()> {
    let (args, action) = read(command);
    let environment: EnvironmentId = args
        .environment
        .parse()
        .context("expected the id of an environment, as `portal custodian list` shows it")?;
    let store = storage::open(&args.storage).await?;
    let policy = WebhookPolicy::from(&args.policy);
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let done = act(&operator, policy, environment, action, output).await;
    store.close().await;
    done
}

enum Action {
    Show,
    Test,
    Change(WebhookChange),
}

fn read(command: WebhookCommand) -> (WebhookArgs, Action) {
    let keep = WebhookChange {
        base_url: None,
        secret: SecretChange::Keep,
        ends_former: false,
    };
    match command {
        WebhookCommand::Show(args) => (args, Action::Show),
        WebhookCommand::Test(args) => (args, Action::Test),
        WebhookCommand::Move { webhook, url } => {
            let change = WebhookChange {
                base_url: Some(url),
                ..keep
            };
            (webhook, Action::Change(change))
        }
        WebhookCommand::Rotate {
            webhook,
            former_lifetime_s: former_life_s,
        } => {
            let change = WebhookChange {
                secret: SecretChange::Rotate { former_life_s },
                ..keep
            };
            (webhook, Action::Change(change))
        }
        WebhookCommand::EndFormer(args) => {
            let change = WebhookChange {
                ends_former: true,
                ..keep
            };
            (args, Action::Change(change))
        }
    }
}

async fn act(
    operator: &Operator,
    policy: WebhookPolicy,
    environment: EnvironmentId,
    action: Action,
    output: Output,
) -> anyhow::Result<()> {
    match action {
        Action::Show => show(&operator.webhook(environment).await?, output),
        Action::Test => return test(operator, policy, environment, output).await,
        Action::Change(change) => {
            show(
                &operator.change_webhook(environment, &change).await?,
                output,
            );
        }
    }
    Ok(())
}

async fn test(
    operator: &Operator,
    policy: WebhookPolicy,
    environment: EnvironmentId,
    output: Output,
) -> anyhow::Result<()> {
    let transport = Arc::new(HttpWebhooks::new(policy)?);
    let tested = operator.test_webhook(environment, transport).await?;
    output.result(call(&tested.delivery), &json!(tested));
    match tested.detail {
        Some(detail) => bail!(detail),
        None => Ok(()),
    }
}

fn show(webhook: &WebhookSettings, output: Output) {
    let mut lines = vec![format!("Webhook {}", webhook.base_url)];
    for secret in &webhook.secrets {
        let end = secret.expires_at.map(|end| format!(", ends {}", time(end)));
        let (id, since) = (secret.id, time(secret.created_at));
        lines.push(format!(
            "  secret {id} since {since}{}",
            end.unwrap_or_default()
        ));
    }
    if let Some(last) = &webhook.last_delivery {
        lines.push(format!("  last: {}", call(last)));
    }
    if let (Some(secret), Some(shown)) = (&webhook.secret, &webhook.static_secret) {
        lines.push(format!(
            "New secret, shown only now (a backend without signatures compares X-Webhook-Secret \
             with {}):\n{}",
            shown.expose(),
            secret.expose()
        ));
    }
    output.result(lines.join("\n"), &json!(webhook));
}

fn call(call: &WebhookDelivery) -> String {
    let status = call.status_code.map(|status| format!(" ({status})"));
    format!(
        "{} {}{} in {} ms at {}, {}",
        call.kind.as_str(),
        call.outcome.as_str(),
        status.unwrap_or_default(),
        call.latency_ms,
        time(call.created_at),
        call.webhook_id
    )
}

fn time(time: Time) -> String {
    time.to_rfc3339().unwrap_or_default()
}
