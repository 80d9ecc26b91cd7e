//! The model in its small searches: they hold, they come across what they should, and each
//! mistake that is sown is seen.

use std::collections::BTreeSet;
use std::time::Duration;

use portal_sim::model::{Bounds, Mutation, Scenario, milestones, properties, search};

const BOUNDS: Bounds = Bounds {
    states: 1_000_000,
    time: Duration::from_secs(60),
    threads: 2,
    looks_out: true,
};

#[test]
fn every_property_holds_in_every_state() {
    let mut passed = BTreeSet::new();
    for scenario in Scenario::small() {
        let report = search(&scenario, None, BOUNDS);
        assert!(report.violations.is_empty(), "{report}");
        assert!(report.is_exhausted, "expected every state, got {report}");
        passed.extend(report.milestones);
    }
    let missed: Vec<_> = milestones().filter(|name| !passed.contains(name)).collect();
    assert_eq!(missed, Vec::<&str>::new(), "milestones never passed");
}

#[test]
fn every_mistake_is_seen() {
    let mut broken = BTreeSet::new();
    for mutation in Mutation::ALL {
        let scenario = Scenario::showing(mutation);
        let without = search(&scenario, None, BOUNDS);
        assert!(
            without.violations.is_empty() && without.is_exhausted,
            "without {mutation:?}: {without}"
        );
        let report = search(&scenario, Some(mutation), BOUNDS);
        assert!(
            !report.violations.is_empty(),
            "expected {mutation:?} to be seen, got {report}"
        );
        broken.extend(report.violations.iter().map(|broken| broken.property));
    }
    let unbroken: Vec<_> = properties().filter(|name| !broken.contains(name)).collect();
    assert_eq!(
        unbroken,
        Vec::<&str>::new(),
        "properties that no mistake breaks"
    );
}
