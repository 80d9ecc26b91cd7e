//! Settings from a TOML file, below flags and environment.
//!
//! A table for each command, its keys named like its flags:
//!
//! ```toml
//! [serve]
//! listen = "0.0.0.0:8080"
//!
//! [custodian.serve]
//! data = "/var/lib/custodian"
//! ```

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Command, CommandFactory as _, FromArgMatches as _};
use toml::{Table, Value};

use crate::args::Cli;

/// Why there is nothing to run.
pub(crate) enum Stop {
    /// Help was asked for, or a flag is wrong; clap says it.
    Clap(clap::Error),
    /// The file is wrong.
    File(anyhow::Error),
}

/// Reads flags, environment and file.
pub(crate) fn parse() -> Result<Cli, Stop> {
    let mut command = Cli::command();
    if let Some(path) = config_path() {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the settings in {}", path.display()));
        let applied = text.and_then(|text| {
            apply(command, &text).with_context(|| format!("in {}", path.display()))
        });
        command = applied.map_err(Stop::File)?;
    }
    let matches = command.try_get_matches().map_err(Stop::Clap)?;
    Cli::from_arg_matches(&matches).map_err(Stop::Clap)
}

/// `--config` must be known before the other flags are read.
fn config_path() -> Option<PathBuf> {
    let mut arguments = std::env::args_os();
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(PathBuf::from(path));
        }
    }
    std::env::var_os("PORTAL_CONFIG")
        .filter(|path: &OsString| !path.is_empty())
        .map(PathBuf::from)
}

/// Makes the file's values the defaults of the flags they are named after.
fn apply(command: Command, text: &str) -> anyhow::Result<Command> {
    let table: Table = text.parse().context("expected TOML")?;
    apply_table(command, table, "")
}

fn apply_table(mut command: Command, table: Table, path: &str) -> anyhow::Result<Command> {
    for (key, value) in table {
        let name = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let value = match value {
            Value::Table(inner) => {
                if command.find_subcommand(&key).is_none() {
                    bail!("there is no command [{name}]; `portal --help` lists them");
                }
                let found = command.find_subcommand(&key).cloned().unwrap_or_default();
                let changed = apply_table(found, inner, &name)?;
                command = command.mut_subcommand(&key, |_| changed);
                continue;
            }
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            other => bail!(
                "`{name}`: expected text, a number or true/false, got {}",
                other.type_str()
            ),
        };
        let id = key.replace('-', "_");
        if !command
            .get_arguments()
            .any(|argument| argument.get_id() == id.as_str())
        {
            bail!(
                "there is no setting `{name}`; `portal {} --help` lists them",
                path.replace('.', " ")
            );
        }
        command = command.mut_arg(&id, |argument| {
            argument.default_value(value).required(false)
        });
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(file: &str, flags: &[&str]) -> anyhow::Result<crate::args::ServeArgs> {
        let command = apply(Cli::command(), file)?;
        let line = ["portal", "serve"].iter().chain(flags);
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(line)?)?;
        match cli.command {
            crate::args::Command::Serve(args) => Ok(args),
            _ => bail!("another command"),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file =
            "[serve]\nlisten = \"127.0.0.1:1\"\nsession-timeout-s = 5\nallow-http-webhooks = true";
        let args = serve(file, &["--listen", "127.0.0.1:2"]).unwrap();
        assert_eq!(args.listen.port(), 2);
        assert_eq!(args.session_timeout_s, 5);
        assert!(args.webhooks.allow_http_webhooks);
    }

    #[test]
    fn a_setting_that_does_not_exist_is_told() {
        let told = |file: &str| format!("{:#}", serve(file, &[]).err().unwrap());
        assert!(told("[serve]\nlissten = \"x\"").contains("there is no setting `serve.lissten`"));
        assert!(told("[sreve]\nlisten = \"x\"").contains("there is no command [sreve]"));
        assert!(told("[serve]\nlisten = [1]").contains("expected text, a number or true/false"));
        assert!(told("serve = ").contains("expected TOML"));
    }
}
