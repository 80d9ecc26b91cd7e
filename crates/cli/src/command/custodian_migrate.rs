//! `portal custodian migrate`

use anyhow::Context as _;
use portal_custodian::SqlCustodianStore;
use serde_json::json;

use super::custodian_store::NO_DATABASE;
use crate::args::CustodianMigrateArgs;
use crate::output::Output;

pub(crate) async fn run(args: CustodianMigrateArgs, output: Output) -> anyhow::Result<()> {
    let migrated = SqlCustodianStore::migrate_postgres(&args.database).await;
    migrated.context(NO_DATABASE)?;
    output.result(
        "The schema is up to date. A role that does not own it needs its grants now: \
         docs/operations.md",
        &json!({ "migrated": true }),
    );
    Ok(())
}
