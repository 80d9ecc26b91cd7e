//! What our engine has to reach, judged by the rows of this run alone.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::measure::{Operation, Row};
use crate::{dkls23, frost, ours};

/// One target, and what was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    what: &'static str,
    limit: f64,
    /// Whether the limit is the least that is enough, rather than the most that is allowed.
    at_least: bool,
    measured: f64,
    pub(crate) met: bool,
}

impl Target {
    fn at_most(what: &'static str, limit: f64, measured: f64) -> Self {
        Self {
            what,
            limit,
            at_least: false,
            measured,
            met: measured <= limit,
        }
    }

    fn at_least(what: &'static str, limit: f64, measured: f64) -> Self {
        Self {
            what,
            limit,
            at_least: true,
            measured,
            met: measured >= limit,
        }
    }
}

/// Judges the rows.
///
/// # Errors
///
/// If a row is missing.
pub(crate) fn judge(rows: &[Row]) -> Result<Vec<Target>> {
    let row = |operation, implementation| {
        rows.iter()
            .find(|row| row.operation == operation && row.implementation == implementation)
            .with_context(|| format!("expected a row {operation} of {implementation}"))
    };
    let generate = row(Operation::Generate, ours::NAME)?;
    let sign = row(Operation::SignEcdsa, ours::NAME)?;
    let backup = row(Operation::ReshareToBackup, ours::NAME)?;
    let ed25519 = row(Operation::SignEd25519, ours::NAME)?;
    let dkls_generate = row(Operation::Generate, dkls23::NAME)?;
    let dkls_sign = row(Operation::SignEcdsa, dkls23::NAME)?;
    let frost = row(Operation::SignEd25519, frost::NAME)?;
    let state = generate.state_bytes.context("expected a pair's state")?;
    Ok(vec![
        Target::at_most("sign ECDSA, both parties, ms", 2.2, sign.both_ms),
        Target::at_most("sign ECDSA, bytes", 100_000.0, number(sign.bytes)?),
        Target::at_least(
            "sign ECDSA, times faster than dkls23-core",
            5.0,
            dkls_sign.both_ms / sign.both_ms,
        ),
        Target::at_most("generate, both parties, ms", 50.0, generate.both_ms),
        Target::at_least(
            "generate, times faster than dkls23-core",
            20.0,
            dkls_generate.both_ms / generate.both_ms,
        ),
        Target::at_most("reshare to backup, both parties, ms", 1.0, backup.both_ms),
        Target::at_most("reshare to backup, bytes", 1_000.0, number(backup.bytes)?),
        Target::at_most(
            "state of a signing pair, larger party, bytes",
            8_192.0,
            number(state.into_iter().max())?,
        ),
        Target::at_most(
            "sign Ed25519, times the time of frost-ed25519",
            1.05,
            ed25519.both_ms / frost.both_ms,
        ),
    ])
}

fn number(bytes: Option<usize>) -> Result<f64> {
    let bytes = u32::try_from(bytes.context("expected a number of bytes")?)?;
    Ok(f64::from(bytes))
}

/// Prints each target with what was measured.
pub(crate) fn print(targets: &[Target]) {
    println!("Targets");
    for target in targets {
        println!(
            "  {:<8} {:<48} {:>10}  ({} {})",
            if target.met { "met" } else { "not met" },
            target.what,
            rounded(target.measured),
            if target.at_least { ">=" } else { "<=" },
            target.limit,
        );
    }
}

fn rounded(value: f64) -> String {
    if value.fract() == 0.0 {
        value.to_string()
    } else {
        format!("{value:.3}")
    }
}
