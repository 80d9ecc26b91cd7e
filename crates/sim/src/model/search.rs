//! Running a search, and what came of it.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use super::mutation::Mutation;
use super::scenario::Scenario;
use super::{milestone, property};

/// How long a search may go on.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Distinct states.
    pub states: usize,
    /// Time.
    pub time: Duration,
    /// Threads.
    pub threads: usize,
    /// Whether to note the milestones that are passed; that takes time.
    pub looks_out: bool,
}

/// What came of a search.
#[derive(Debug, Clone)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// Distinct states.
    pub states: usize,
    /// Steps from the beginning to the farthest of them.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// Whether there is no state that was not seen.
    pub is_exhausted: bool,
    /// The properties that do not hold, each with the way there.
    pub violations: Vec<Violation>,
    /// The milestones that were passed, if they were looked out for.
    pub milestones: Vec<&'static str>,
}

/// A property that does not hold.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which.
    pub property: &'static str,
    /// What leads there.
    pub steps: Vec<String>,
}

const POLL: Duration = Duration::from_millis(5);

/// Looks at every state of the scenario, breadth first, until one breaks a property, there are no
/// more, or a bound is reached.
#[must_use]
pub fn search(scenario: &Scenario, mutation: Option<Mutation>, bounds: Bounds) -> Report {
    let began = Instant::now();
    let world = scenario.world(mutation, bounds.looks_out);
    let stop = world.stop.clone();
    let checker = world
        .checker()
        .threads(bounds.threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs();
    let mut is_exhausted = true;
    while !checker.is_done() {
        if checker.unique_state_count() >= bounds.states || began.elapsed() >= bounds.time {
            // What waits is looked at still, and leads nowhere.
            stop.store(true, Ordering::Relaxed);
            is_exhausted = false;
            break;
        }
        std::thread::sleep(POLL);
    }
    let checker = checker.join();
    let (mut violations, mut milestones) = (Vec::new(), Vec::new());
    for (name, path) in checker.discoveries() {
        if milestone::ALL
            .iter()
            .any(|(milestone, _)| *milestone == name)
        {
            milestones.push(name);
            continue;
        }
        let steps = path.into_actions();
        violations.push(Violation {
            property: name,
            steps: steps.iter().map(|step| format!("{step:?}")).collect(),
        });
    }
    milestones.sort_unstable();
    violations.sort_by_key(|violation| violation.property);
    Report {
        scenario: scenario.name,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time: began.elapsed(),
        is_exhausted: is_exhausted && violations.is_empty(),
        violations,
        milestones,
    }
}

/// The name of every milestone.
pub fn milestones() -> impl Iterator<Item = &'static str> {
    milestone::ALL.into_iter().map(|(name, _)| name)
}

/// The name of every property of the contract.
pub fn properties() -> impl Iterator<Item = &'static str> {
    property::ALL.into_iter().map(|(name, _)| name)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} states, depth {}, {:.1} s, {}",
            self.scenario,
            self.states,
            self.depth,
            self.time.as_secs_f64(),
            if self.is_exhausted {
                "all of them"
            } else {
                "cut off"
            }
        )?;
        for violation in &self.violations {
            write!(f, "\n  broken: {}", violation.property)?;
            for step in &violation.steps {
                write!(f, "\n    {step}")?;
            }
        }
        Ok(())
    }
}
