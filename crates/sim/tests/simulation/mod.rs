//! Some seeds of the simulation, on every run of the tests; `cargo xtask simulate` runs more.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use portal_lifecycle::BackupMode;
use portal_sim::simulation::{self, Catastrophe, Outcome};

const SEEDS: u64 = 240;

#[test]
fn no_seed_loses_a_wallet() {
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let outcome = simulation::run(seed);
                    outcomes.lock().unwrap().push((seed, outcome));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let failures: Vec<_> = outcomes
        .iter()
        .filter_map(|(seed, outcome)| Some((seed, outcome.failure.as_ref()?)))
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
    // What the seeds must come across, or nothing was held against much.
    let met = |what: fn(&Outcome) -> bool| {
        let met = outcomes.iter().filter(|(_, outcome)| what(outcome));
        met.count()
    };
    for (what, times) in [
        ("wallets", met(|outcome| outcome.has_wallet)),
        (
            "sealed backups",
            met(|outcome| outcome.backup_mode == BackupMode::Sealed && outcome.is_backed_up),
        ),
        (
            "plain backups",
            met(|outcome| outcome.backup_mode == BackupMode::Plain && outcome.is_backed_up),
        ),
        ("faults", met(|outcome| outcome.faults > 0)),
        ("crashes", met(|outcome| outcome.crashes > 0)),
        (
            "databases put back",
            met(|outcome| outcome.catastrophe == Catastrophe::Database),
        ),
        (
            "lost devices with a sealed backup",
            met(|outcome| {
                let is_sealed = outcome.backup_mode == BackupMode::Sealed;
                outcome.catastrophe == Catastrophe::Phone && is_sealed && outcome.is_backed_up
            }),
        ),
    ] {
        assert!(
            times >= 5,
            "expected {what} in at least 5 seeds, saw {times}"
        );
    }
}

/// Whatever ran before, and however many tasks it left behind in Tokio's count of them.
#[test]
fn a_seed_repeats() {
    // The number of the task that Tokio makes next, in this process.
    let next_task = || -> u64 {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let task = runtime.unwrap().spawn(async {});
        task.id().to_string().parse().unwrap()
    };
    let mut modes = BTreeSet::new();
    for seed in [3, 13, 14, 159] {
        let first = simulation::run(seed);
        if first.is_backed_up {
            modes.insert(first.backup_mode.as_str());
        }
        for rest in 0..4 {
            while next_task() % 4 != rest {}
            assert_eq!(
                simulation::run(seed),
                first,
                "seed {seed}, tasks from {rest}"
            );
        }
    }
    assert_eq!(
        modes.len(),
        2,
        "expected backups of both modes, saw {modes:?}"
    );
}
