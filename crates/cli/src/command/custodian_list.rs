//! `portal custodian list`

use std::sync::Arc;

use portal_server::clock::SystemClock;
use portal_server::{Operator, WebhookPolicy};
use portal_store::Tenant;
use serde_json::{Value, json};

use crate::args::CustodianListArgs;
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(args: CustodianListArgs, output: Output) -> anyhow::Result<()> {
    let store = storage::open(&args.storage).await?;
    let policy = WebhookPolicy::default();
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let listed = operator.tenants().await;
    store.close().await;
    let mut tenants = listed?;
    // Ids tell the order in which things were made.
    tenants.sort_by_key(|tenant| (tenant.custodian_id, tenant.environment_id));
    let lines: Vec<String> = tenants
        .chunk_by(|one, next| one.custodian_id == next.custodian_id)
        .flat_map(lines)
        .collect();
    let environments: Vec<Value> = tenants.iter().map(shown).collect();
    output.result(lines.join("\n"), &json!({ "environments": environments }));
    Ok(())
}

/// A custodian, and its environments below it.
fn lines(of_one: &[Tenant]) -> Vec<String> {
    let custodian = of_one
        .iter()
        .take(1)
        .map(|tenant| format!("{} ({})", tenant.custodian_name, tenant.custodian_id));
    let environments = of_one.iter().map(|tenant| {
        format!(
            "  {}  {}  {}",
            tenant.environment_id, tenant.backup_mode, tenant.environment_name
        )
    });
    custodian.chain(environments).collect()
}

fn shown(tenant: &Tenant) -> Value {
    json!({
        "custodianId": tenant.custodian_id,
        "custodianName": tenant.custodian_name,
        "environmentId": tenant.environment_id,
        "environmentName": tenant.environment_name,
        "backupMode": tenant.backup_mode,
    })
}
