//! Runs seeds of the simulation: `simulate --seeds N [--from SEED] [--threads N]`, or one alone:
//! `simulate --seed SEED`.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use portal_lifecycle::BackupMode;
use portal_sim::simulation::{self, Outcome};

struct Arguments {
    from: u64,
    seeds: u64,
    threads: u64,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("expected --seeds N [--from SEED] [--threads N], or --seed SEED");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from.saturating_add(arguments.seeds);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    // A panic is a failure of its seed, and not of the run.
                    let outcome = std::panic::catch_unwind(|| simulation::run(seed));
                    if let Ok(mut totals) = totals.lock() {
                        totals.add(seed, outcome.ok());
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap_or_default();
    println!(
        "{} seeds from {} in {} s: {} with a wallet, {} of them backed up, {} of those sealed; {} operations done \
         amid {} faults and {} crashes; {} failures",
        totals.seeds,
        arguments.from,
        begun.elapsed().as_secs(),
        totals.wallets,
        totals.backed_up,
        totals.sealed,
        totals.done,
        totals.faults,
        totals.crashes,
        totals.failures
    );
    if totals.failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Default)]
struct Totals {
    seeds: u64,
    wallets: u64,
    backed_up: u64,
    sealed: u64,
    done: u64,
    faults: u64,
    crashes: u64,
    failures: u64,
}

impl Totals {
    fn add(&mut self, seed: u64, outcome: Option<Outcome>) {
        self.seeds += 1;
        let Some(outcome) = outcome else {
            println!("seed {seed}: panicked");
            self.failures += 1;
            return;
        };
        self.wallets += u64::from(outcome.has_wallet);
        self.backed_up += u64::from(outcome.is_backed_up);
        let is_sealed = outcome.backup_mode == BackupMode::Sealed;
        self.sealed += u64::from(outcome.is_backed_up && is_sealed);
        self.done += outcome.done;
        self.faults += outcome.faults;
        self.crashes += outcome.crashes;
        if let Some(failure) = outcome.failure {
            let (mode, catastrophe) = (outcome.backup_mode, outcome.catastrophe);
            println!("seed {seed} ({mode}, {catastrophe:?}): {failure}");
            self.failures += 1;
        }
    }
}

fn arguments() -> Option<Arguments> {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments {
        from: 0,
        seeds: 0,
        threads: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
    };
    while let Some(name) = given.next() {
        let value: u64 = given.next()?.parse().ok()?;
        match name.as_str() {
            "--seeds" => arguments.seeds = value,
            "--from" => arguments.from = value,
            "--threads" => arguments.threads = value.max(1),
            "--seed" => (arguments.from, arguments.seeds, arguments.threads) = (value, 1, 1),
            _ => return None,
        }
    }
    (arguments.seeds > 0).then_some(arguments)
}
