//! Tasks of the workspace: `cargo xtask` lists them.

mod command;
mod constant_time;
mod crash;
mod debian;
mod errors;
mod fuzz;
mod lint;
mod model;
mod openapi;
mod peers;
mod python;
mod schemathesis;
mod siege;
mod simulate;
mod tally;
mod test;

use std::process::ExitCode;

use command::{Command, TaskError};

/// A task: its name, what it does in one line, and how it runs on its arguments.
struct Task {
    name: &'static str,
    what: &'static str,
    run: fn(&[String]) -> Result<(), TaskError>,
}

const TASKS: [Task; 13] = [
    Task {
        name: "test",
        what: "install what the tests need, run all of them, and count",
        run: |arguments| no_arguments(arguments).and_then(|()| test::run()),
    },
    Task {
        name: "lint",
        what: "formatting, clippy, documentation and licences, each without a warning",
        run: |arguments| no_arguments(arguments).and_then(|()| lint::run()),
    },
    Task {
        name: "errors",
        what: "write docs/errors.md and its pages from the code; --check fails where it differs",
        run: errors::run,
    },
    Task {
        name: "openapi",
        what: "write docs/openapi.json from the code; --check fails where it differs",
        run: openapi::run,
    },
    Task {
        name: "schemathesis",
        what: "call a real server in every way its description allows; --examples N, 500 unless told",
        run: schemathesis::run,
    },
    Task {
        name: "demo",
        what: "run the demonstration: a wallet's whole life on this machine",
        run: |arguments| no_arguments(arguments).and_then(|()| demo()),
    },
    Task {
        name: "simulate",
        what: "run the whole on a simulated network and clock, with faults; --seeds N, or --seed N",
        run: simulate::run,
    },
    Task {
        name: "peers",
        what: "measure the engine beside its peers; --json FILE, --runs N, --check as it says",
        run: peers::run,
    },
    Task {
        name: "constant-time",
        what: "run the protocols under valgrind with every secret marked",
        run: |arguments| no_arguments(arguments).and_then(|()| constant_time::run()),
    },
    Task {
        name: "model",
        what: "check the rules in every state of a small system; --small, --endless and others as it says",
        run: model::run,
    },
    Task {
        name: "fuzz",
        what: "run every fuzz target; --seconds N for each, 600 unless told",
        run: fuzz::run,
    },
    Task {
        name: "crash",
        what: "kill processes at random moments; --kills N on each database, 1000 unless told",
        run: crash::run,
    },
    Task {
        name: "siege",
        what: "besiege a server with slow, idle, giant and malformed requests; show what it costs",
        run: |arguments| no_arguments(arguments).and_then(|()| siege::run()),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // The task has said already what failed.
        Err(TaskError::TestsFailed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), TaskError> {
    let Some((name, rest)) = arguments.split_first() else {
        println!("cargo xtask <task>\n");
        for task in &TASKS {
            println!("  {:<15}{}", task.name, task.what);
        }
        return Ok(());
    };
    match TASKS.iter().find(|task| task.name == name) {
        Some(task) => (task.run)(rest),
        None => Err(TaskError::UnknownTask {
            given: name.clone(),
        }),
    }
}

fn no_arguments(arguments: &[String]) -> Result<(), TaskError> {
    match arguments {
        [] => Ok(()),
        [given, ..] => Err(TaskError::UnknownArgument {
            given: given.clone(),
        }),
    }
}

fn demo() -> Result<(), TaskError> {
    Command::cargo(&["run", "--release", "--", "demo"]).run()
}
