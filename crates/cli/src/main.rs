//! `portal`: server, custodian backend, wallet and demo in one binary.
//!
//! The only place that names concrete backends: which database, keychain and backup storage
//! there are is decided here.

mod ambient;
mod args;
mod command;
mod config;
mod demo;
mod device;
mod key_file;
mod logging;
mod offline;
mod output;
mod process;
mod storage;
mod telemetry;
mod trust;

use std::process::ExitCode;

use args::{AuditCommand, Command, CustodianCommand, KeysCommand};
use output::Output;
use telemetry::{DroppedSpans, Telemetry};

fn main() -> ExitCode {
    // Both HTTP clients and both WebSocket sides take the process's provider; `ring` builds
    // without further tools.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match config::parse() {
        Ok(cli) => cli,
        Err(config::Stop::Clap(stop)) => stop.exit(),
        Err(config::Stop::File(error)) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let telemetry = Telemetry::begin(cli.command.service());
    let started = telemetry.and_then(|telemetry| {
        logging::start(&cli.log, cli.log_format, telemetry.tracer()).map(|()| telemetry)
    });
    let telemetry = match started {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let output = Output::new(cli.json);
    let done = run(cli.command, output, telemetry.dropped());
    telemetry.end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// What needs no network is run without the runtime that could reach one.
fn run(command: Command, output: Output, dropped: &DroppedSpans) -> anyhow::Result<()> {
    match command {
        Command::RecoverOffline(args) => command::offline::recover(&args, output),
        Command::OfflineSign(args) => command::offline::sign(args, output),
        online => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(dispatch(online, output, dropped)),
    }
}

async fn dispatch(command: Command, output: Output, dropped: &DroppedSpans) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(args, output).await,
        Command::Serve(args) => command::serve::run(args, output, dropped).await,
        Command::Custodian(CustodianCommand::Serve(args)) => {
            command::custodian_serve::run(args, output, dropped).await
        }
        Command::Custodian(CustodianCommand::Migrate(args)) => {
            command::custodian_migrate::run(args, output).await
        }
        Command::Custodian(CustodianCommand::Create(args)) => {
            command::custodian_create::run(args, output).await
        }
        Command::Custodian(CustodianCommand::List(args)) => {
            command::custodian_list::run(args, output).await
        }
        Command::Custodian(CustodianCommand::Environment(command)) => {
            command::custodian_create::environment(command, output).await
        }
        Command::Custodian(CustodianCommand::ExportShares(args)) => {
            command::custodian_export::run(args, output).await
        }
        Command::Custodian(CustodianCommand::SealingKey(command)) => {
            command::sealing::run(command, output)
        }
        Command::Custodian(CustodianCommand::CloseRecovery(args)) => {
            command::sealing::close(args, output).await
        }
        Command::Custodian(CustodianCommand::OpenRecovery(args)) => {
            command::sealing::open(args, output).await
        }
        Command::Custodian(CustodianCommand::Webhook(command)) => {
            command::custodian_webhook::run(command, output).await
        }
        Command::Custodian(CustodianCommand::BackupMode(args)) => {
            command::custodian_backup_mode::run(args, output).await
        }
        Command::Custodian(CustodianCommand::Key(command)) => {
            command::custodian_key::run(command, output).await
        }
        Command::Keys(KeysCommand::Rotate(args)) => command::maintain::rotate(args, output).await,
        Command::Audit(AuditCommand::Verify(args)) => command::audit::verify(args, output).await,
        Command::RestoreCheck(args) => command::maintain::restore_check(args, output).await,
        Command::Collect(args) => command::maintain::collect(args, output).await,
        Command::Openapi => {
            output.document(&portal_server::openapi());
            Ok(())
        }
        Command::Client(args) => command::client::run(args, output).await,
        Command::Wallet(args) => command::wallet::run(args, output).await,
        Command::RecoverOffline(_) | Command::OfflineSign(_) => {
            unreachable!("`run` takes what is offline")
        }
    }
}
