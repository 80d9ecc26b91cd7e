//! Arguments of the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portal_store::audit::Checkpoint;
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the chains of the audit log, while servers go on, and tell where lines were removed,
    /// altered, reordered or inserted, or the end cut off. Needs no key.
    Verify(AuditVerifyArgs),
}

#[derive(Args)]
pub(crate) struct AuditVerifyArgs {
    /// Where the SQLite file lies.
    #[arg(
        long,
        env = "PORTAL_SERVER_DATA",
        default_value = "portal-data/server",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// The Postgres database, instead.
    #[arg(
        long,
        env = "PORTAL_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Walk this environment's chain only.
    #[arg(long, value_name = "ID")]
    pub(crate) environment: Option<Uuid>,
    /// Begin at a checkpoint that was kept elsewhere, and see that its line is still the same.
    #[arg(long, value_name = "NUMBER:HASH", requires = "environment")]
    pub(crate) since: Option<Checkpoint>,
    /// Print each whole chain's checkpoint, to be kept elsewhere: environment, number:hash.
    #[arg(long)]
    pub(crate) checkpoint: bool,
}
