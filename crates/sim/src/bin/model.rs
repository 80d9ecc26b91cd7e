//! The model checker: `cargo xtask model`.

use std::process::ExitCode;
use std::time::Duration;

use portal_sim::model::{Bounds, Mutation, Scenario, search};

const USAGE: &str = "\
arguments, each optional:
  --small        the searches of the tests
  --endless      searches without an end, as far as the bounds let them; 3000000 states each unless told
  --states N     stop a search at N distinct states
  --seconds N    stop a search after N seconds
  --threads N    2 unless told";

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Small,
    Full,
    Endless,
}

#[derive(Debug, Clone, Copy)]
struct Arguments {
    which: Which,
    states: Option<usize>,
    seconds: u64,
    threads: usize,
}

/// States of a search without an end.
const ENDLESS_STATES: usize = 3_000_000;
/// More states than the memory of a small machine holds.
const MOST_STATES: usize = 60_000_000;
const DAY_S: u64 = 24 * 3_600;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let Some(arguments) = parse(&given) else {
        eprintln!("unknown arguments {given:?}\n{USAGE}");
        return ExitCode::FAILURE;
    };
    let holds = properties_hold(&arguments);
    let seen = mistakes_are_seen(&arguments);
    if let Some(peak) = peak_memory() {
        println!("peak memory {peak}");
    }
    if holds && seen {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn parse(given: &[String]) -> Option<Arguments> {
    let mut arguments = Arguments {
        which: Which::Full,
        states: None,
        seconds: DAY_S,
        threads: 2,
    };
    let mut given = given.iter();
    while let Some(flag) = given.next() {
        match flag.as_str() {
            "--small" => arguments.which = Which::Small,
            "--endless" => arguments.which = Which::Endless,
            "--states" => arguments.states = Some(given.next()?.parse().ok()?),
            "--seconds" => arguments.seconds = given.next()?.parse().ok()?,
            "--threads" => arguments.threads = given.next()?.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some(arguments)
}

/// Searches every scenario, and says what it saw.
fn properties_hold(arguments: &Arguments) -> bool {
    let (scenarios, states) = match arguments.which {
        Which::Small => (Scenario::small(), MOST_STATES),
        Which::Full => (Scenario::full(), MOST_STATES),
        Which::Endless => (Scenario::endless(), ENDLESS_STATES),
    };
    let bounds = Bounds {
        states: arguments.states.unwrap_or(states),
        time: Duration::from_secs(arguments.seconds),
        threads: arguments.threads,
        looks_out: false,
    };
    let (mut states, mut time, mut holds, mut cut_off) = (0, Duration::ZERO, true, 0);
    for scenario in scenarios {
        let report = search(&scenario, None, bounds);
        println!("{report}");
        states += report.states;
        time += report.time;
        holds &= report.violations.is_empty();
        cut_off += usize::from(!report.is_exhausted);
    }
    println!(
        "{states} distinct states in {:.0} s; {cut_off} searches cut off",
        time.as_secs_f64()
    );
    holds
}

/// Sows every mistake, and says which property saw it.
fn mistakes_are_seen(arguments: &Arguments) -> bool {
    let bounds = Bounds {
        states: MOST_STATES,
        time: Duration::from_secs(arguments.seconds),
        // With one thread the way there is hardly longer than the shortest.
        threads: 1,
        looks_out: false,
    };
    let mut unseen = 0;
    for mutation in Mutation::ALL {
        let report = search(&Scenario::showing(mutation), Some(mutation), bounds);
        let seen = report.violations.iter();
        let seen: Vec<_> = seen
            .map(|broken| format!("{} after {} steps", broken.property, broken.steps.len()))
            .collect();
        unseen += usize::from(seen.is_empty());
        let seen = if seen.is_empty() {
            "NOT SEEN".to_owned()
        } else {
            seen.join("; ")
        };
        println!("{mutation:?}: {} states, {seen}", report.states);
    }
    println!(
        "{} of {} mistakes seen",
        Mutation::ALL.len() - unseen,
        Mutation::ALL.len()
    );
    unseen == 0
}

/// Where the operating system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
