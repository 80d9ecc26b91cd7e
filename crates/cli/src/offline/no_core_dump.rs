//! Keeps keys out of core dumps.

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};

/// This process leaves no core dump from now on, whatever ends it.
pub(crate) fn forbid_core_dumps() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("core dumps cannot be turned off")?;
    // A dump that is piped to a program does not ask for the limit.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("core dumps cannot be turned off")?;
    Ok(())
}
