//! What a run did, in numbers.

use std::fmt;
use std::time::Instant;

use super::finding::Finding;

pub(super) struct Tally {
    engine: &'static str,
    begun: Instant,
    pub(super) server_kills: usize,
    pub(super) device_kills: usize,
    pub(super) custodian_kills: usize,
    /// Operations that were begun while a process was to be killed.
    pub(super) operations: usize,
    /// Those that a kill kept from ending well.
    pub(super) interrupted: usize,
    /// Runs after the first one, of any operation.
    pub(super) retries: usize,
    pub(super) wallets: usize,
    /// Recoveries on a device of their own at the end of the run.
    pub(super) recovered: usize,
    /// Those of them from a sealed backup.
    pub(super) recovered_sealed: usize,
    pub(super) findings: Vec<Finding>,
}

impl Tally {
    pub(super) fn new(engine: &'static str) -> Self {
        Self {
            engine,
            begun: Instant::now(),
            server_kills: 0,
            device_kills: 0,
            custodian_kills: 0,
            operations: 0,
            interrupted: 0,
            retries: 0,
            wallets: 0,
            recovered: 0,
            recovered_sealed: 0,
            findings: Vec::new(),
        }
    }

    pub(super) const fn kills(&self) -> usize {
        self.server_kills + self.device_kills + self.custodian_kills
    }

    /// Takes in how often something was run again, or why it may not have ended as it did.
    pub(super) fn add(&mut self, done: Result<usize, Finding>) {
        match done {
            Ok(retries) => self.retries += retries,
            Err(finding) => self.findings.push(finding),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost = |finding: &&Finding| matches!(finding, Finding::Lost(_));
        let mismatched = |finding: &&Finding| matches!(finding, Finding::Mismatched(_));
        write!(
            f,
            "{}: {} kills ({} server, {} device, {} backend), {} operations, {} interrupted, \
             {} retries, {} wallets, {} recovered at the end ({} sealed), {} lost, \
             {} mismatched, {:.1} s",
            self.engine,
            self.kills(),
            self.server_kills,
            self.device_kills,
            self.custodian_kills,
            self.operations,
            self.interrupted,
            self.retries,
            self.wallets,
            self.recovered,
            self.recovered_sealed,
            self.findings.iter().filter(lost).count(),
            self.findings.iter().filter(mismatched).count(),
            self.begun.elapsed().as_secs_f64(),
        )
    }
}
