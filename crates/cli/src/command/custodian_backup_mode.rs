//! `portal custodian backup-mode`

use std::sync::Arc;

use portal_server::clock::SystemClock;
use portal_server::{Operator, WebhookPolicy};
use serde_json::json;

use crate::args::CustodianBackupModeArgs;
use crate::output::Output;
use crate::storage;

pub(crate) async fn run(args: CustodianBackupModeArgs, output: Output) -> anyhow::Result<()> {
    let store = storage::open_for(&args.storage, args.backup_mode).await?;
    let policy = WebhookPolicy::default();
    let operator = Operator::new(Arc::clone(&store) as _, Arc::new(SystemClock), policy);
    let (environment, mode) = (args.environment, args.backup_mode);
    let done = operator.put_backup_mode(environment, mode).await;
    store.close().await;
    done?;
    output.result(
        format!(
            "Backups that are made from now on are {mode}. Those that are there are recovered as \
             they were made; a wallet's next backup brings it over."
        ),
        &json!({ "environmentId": environment, "backupMode": mode }),
    );
    Ok(())
}
