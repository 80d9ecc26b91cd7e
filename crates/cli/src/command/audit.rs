//! `audit verify`: walks the chains of the audit log.

use anyhow::{Context as _, bail};
use portal_lifecycle::ids::EnvironmentId;
use portal_store::audit::{AuditFinding, WalkedChain, verify_chain};
use portal_store::{AuditStore as _, SqlStore};
use serde_json::{Value, json};

use crate::args::AuditVerifyArgs;
use crate::output::Output;
use crate::storage;

/// Findings of one chain that are shown; the others are counted.
const SHOWN_FINDINGS: usize = 100;
const PAGE_ENVIRONMENTS: u32 = 100;

/// A chain that was walked.
struct Seen {
    environment: EnvironmentId,
    walked: WalkedChain,
    shown: Vec<AuditFinding>,
}

pub(crate) async fn verify(args: AuditVerifyArgs, output: Output) -> anyhow::Result<()> {
    let store = storage::open_to_read(&args.data, args.database.as_deref()).await?;
    let environments = match args.environment {
        Some(environment) => vec![EnvironmentId(environment)],
        None => environments(&store).await?,
    };
    let (mut chains, mut findings, mut documents) = (0_u64, 0_u64, Vec::new());
    for environment in environments {
        let seen = walk(&store, environment, &args).await?;
        chains = chains.saturating_add(u64::from(seen.walked.findings > 0));
        findings = findings.saturating_add(seen.walked.findings);
        show(&seen, args.checkpoint, output);
        documents.push(seen.document());
    }
    store.close().await;
    if output.is_json() {
        let is_whole = findings == 0;
        let document = json!({ "isWhole": is_whole, "environments": documents });
        output.result("", &document);
    }
    if findings > 0 {
        bail!(
            "the audit log is not as it was written: {findings} findings in {chains} of {} chains; \
             keep this database as it is, and compare it with its backups",
            documents.len()
        );
    }
    Ok(())
}

async fn environments(store: &SqlStore) -> anyhow::Result<Vec<EnvironmentId>> {
    let mut all: Vec<EnvironmentId> = Vec::new();
    loop {
        let after = all.last().copied();
        let page = store.audited_environments(after, PAGE_ENVIRONMENTS).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn walk(
    store: &SqlStore,
    environment: EnvironmentId,
    args: &AuditVerifyArgs,
) -> anyhow::Result<Seen> {
    let mut shown = Vec::new();
    let walked = verify_chain(store, environment, args.since, |finding| {
        if shown.len() < SHOWN_FINDINGS {
            shown.push(finding);
        }
    });
    let walked = walked
        .await
        .with_context(|| format!("cannot read the chain of environment {environment}"))?;
    Ok(Seen {
        environment,
        walked,
        shown,
    })
}

fn show(seen: &Seen, checkpoint: bool, output: Output) {
    let (environment, walked) = (seen.environment, &seen.walked);
    for finding in &seen.shown {
        output.say(finding.to_string());
    }
    if walked.findings > 0 {
        output.say(format!(
            "environment {environment}: {} lines, {} findings",
            walked.lines, walked.findings
        ));
    } else if checkpoint {
        output.say(format!("{environment} {}", walked.end));
    } else {
        output.say(format!(
            "environment {environment}: {} lines, whole; checkpoint {}",
            walked.lines, walked.end
        ));
    }
}

impl Seen {
    fn document(&self) -> Value {
        let findings: Vec<_> = self
            .shown
            .iter()
            .map(|finding| {
                json!({
                    "sequence": finding.sequence,
                    "kind": finding.kind.name(),
                    "detail": finding.to_string(),
                })
            })
            .collect();
        let is_whole = self.walked.findings == 0;
        json!({
            "environmentId": self.environment,
            "lines": self.walked.lines,
            "isWhole": is_whole,
            "checkpoint": is_whole.then(|| self.walked.end.to_string()),
            "findings": findings,
            "findingsTotal": self.walked.findings,
        })
    }
}
