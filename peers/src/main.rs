//! Portal's two-party engine measured beside its peers and the floors, in one process and on
//! one thread: time of each party, flights, messages, bytes, and what is kept.
//!
//! ```text
//! cargo xtask peers [--json FILE] [--runs N] [--check]
//! ```

mod cait_sith;
mod dkls23;
mod drive;
mod floors;
mod frost;
mod givre;
mod measure;
mod ours;
mod random;
mod table;
mod targets;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use measure::{Contender, Row, measure};

const USAGE: &str = "\
usage: portal-peers [--json FILE] [--runs N] [--check]

  --json FILE  write the rows, the machine and the targets to FILE as well
  --runs N     run our ECDSA signature N times, and the rest in proportion, but each row at
               least 3 times; the default gives steady medians within some two minutes
  --check      exit with 1 if a target is not met";

struct Arguments {
    json: Option<PathBuf>,
    runs: u32,
    check: bool,
}

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let Some(arguments) = parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let rows = rows(arguments.runs)?;
    let targets = targets::judge(&rows)?;
    println!("{}\n", table::machine());
    table::print(&rows);
    println!();
    targets::print(&targets);
    if let Some(file) = arguments.json {
        std::fs::write(&file, table::json(&rows, &targets)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let all_met = targets.iter().all(|target| target.met);
    Ok(if arguments.check && !all_met {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// None where help is asked for.
fn parse(mut given: impl Iterator<Item = OsString>) -> Result<Option<Arguments>> {
    let mut arguments = Arguments {
        json: None,
        runs: ours::SIGNATURES,
        check: false,
    };
    while let Some(argument) = given.next() {
        let value = |next: Option<OsString>, what| {
            next.with_context(|| format!("expected {what} after {}", argument.display()))
        };
        match argument.to_str() {
            Some("--json") => arguments.json = Some(value(given.next(), "a file")?.into()),
            Some("--runs") => {
                let number = value(given.next(), "a number")?;
                arguments.runs = number
                    .to_str()
                    .and_then(|number| number.parse().ok())
                    .filter(|number| *number > 0)
                    .with_context(|| {
                        format!("expected a number above 0, got {}", number.display())
                    })?;
            }
            Some("--check") => arguments.check = true,
            Some("--help" | "-h") => return Ok(None),
            _ => bail!("unknown argument {}\n\n{USAGE}", argument.display()),
        }
    }
    Ok(Some(arguments))
}

/// Measures one operation after the other.
fn rows(runs: u32) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut group = |contenders: Vec<Contender>| -> Result<()> {
        if let Some(first) = contenders.first() {
            eprintln!("{}…", first.operation());
        }
        rows.extend(measure(contenders, runs, ours::SIGNATURES)?);
        Ok(())
    };
    group(vec![
        ours::generate(),
        dkls23::generate(),
        cait_sith::generate(),
    ])?;
    group(vec![ours::recover()?])?;
    group(vec![ours::refresh()?])?;
    group(vec![ours::reshare_to_backup()?])?;
    let mut ecdsa = vec![ours::sign_ecdsa()?, dkls23::sign()?];
    ecdsa.extend(cait_sith::sign()?);
    ecdsa.extend(floors::sign_ecdsa()?);
    group(ecdsa)?;
    group(floors::verify_ecdsa()?.into())?;
    group(vec![
        ours::sign_ed25519()?,
        frost::sign()?,
        givre::sign()?,
        floors::sign_ed25519(),
    ])?;
    group(vec![floors::verify_ed25519()])?;
    Ok(rows)
}
