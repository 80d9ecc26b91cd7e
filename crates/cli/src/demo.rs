//! `portal demo`: a wallet's whole life, on real sockets, databases and files of this machine.

mod services;
mod state;
mod table;
mod verify;
mod walk;

use std::path::PathBuf;

use crate::args::DemoArgs;
use crate::key_file;
use crate::output::Output;
use services::Services;
use state::DemoState;
use walk::Walk;

pub(crate) async fn run(args: DemoArgs, output: Output) -> anyhow::Result<()> {
    // Kept until the end: dropping it deletes the directory.
    let mut temporary = None;
    let data: PathBuf = match args.data {
        Some(data) => data,
        None => temporary.insert(tempfile::tempdir()?).path().to_owned(),
    };
    key_file::private_dir(&data)?;
    output.say("Portal demo: a wallet's whole life on this machine\n");

    let services = Services::start(&data, output).await?;
    let state = DemoState::open(&data, &services, output).await?;
    let walked = Walk::new(&data, &services, state, output).run().await;
    services.stop().await?;
    let rows = walked?;

    table::print(&rows, output);
    if temporary.is_none() {
        output.say(format!(
            "\nEverything is kept in {}; run it again to go on.",
            data.display()
        ));
    }
    Ok(())
}
