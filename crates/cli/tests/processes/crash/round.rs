//! A round: several operations, one kill, and everything run again until it ends well.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::end::check_at_the_end;
use super::ledger::Ledger;
use super::tally::Tally;
use super::user::{Operation, User, make_sealed_customer};
use super::work::Work;
use crate::installation::{Installation, Setup};

/// End users at work at once.
const USERS: usize = 4;
/// Operations after which an end user may make room for a new one.
const OPERATIONS: usize = 8;
/// Seconds until a lease that a killed server left is free for another device.
const SESSION_TIMEOUT_S: &str = "5";
/// How long an operation takes, before one was measured.
const USUAL: Duration = Duration::from_millis(400);

/// Who is killed.
enum Victim {
    Server,
    Device,
    Custodian,
}

pub(super) struct Rounds {
    installation: Installation,
    ledger: Ledger,
    rng: StdRng,
    users: Vec<User>,
    /// Those whose wallets are left alone until the end.
    retired: Vec<User>,
    usual: BTreeMap<Operation, Duration>,
    pub(super) tally: Tally,
}

impl Rounds {
    pub(super) fn start(engine: &'static str, database: Option<String>, seed: u64) -> Self {
        let timeout = ["--session-timeout-s", SESSION_TIMEOUT_S].map(str::to_owned);
        let installation = Installation::start_with(Setup {
            database,
            log: "warn",
            serve: timeout.to_vec(),
            ..Setup::default()
        });
        make_sealed_customer(&installation);
        let users = (0..USERS).map(|number| User::join(&installation, number));
        Self {
            users: users.collect(),
            ledger: Ledger::default(),
            installation,
            rng: StdRng::seed_from_u64(seed),
            retired: Vec::new(),
            usual: BTreeMap::new(),
            tally: Tally::new(engine),
        }
    }

    pub(super) fn round(&mut self) {
        self.retire();
        let choose = |user: &User| Work::choose(user, &mut self.rng);
        let mut works: Vec<Work> = self.users.iter().map(choose).collect();
        for (user, work) in self.users.iter().zip(&works) {
            if work.operation == Operation::Recover {
                user.log_in(&self.installation);
            }
        }
        for (user, work) in self.users.iter().zip(&mut works) {
            self.tally.operations += work.begin(user, &self.installation);
        }
        let usual = |work: &Work| self.usual.get(&work.operation).copied().unwrap_or(USUAL);
        let longest = works.iter().map(usual).max().unwrap_or(USUAL);
        // Waits for nothing: it is the moment of the kill that is drawn.
        std::thread::sleep(self.rng.random_range(Duration::ZERO..longest));
        let victim = self.kill(&mut works);
        for (user, work) in self.users.iter_mut().zip(&mut works) {
            match work.wait(user) {
                Ok(interrupted) => self.tally.interrupted += interrupted,
                Err(finding) => self.tally.findings.push(finding),
            }
        }
        let users = self.users.iter().map(|user| user.client.as_str());
        let findings = self.ledger.look(&self.installation, users);
        self.tally.findings.extend(findings);
        match victim {
            Victim::Server => self.installation.start_server(0),
            Victim::Custodian => self.installation.start_custodian(),
            Victim::Device => {}
        }
        self.finish(&works);
    }

    fn kill(&mut self, works: &mut [Work]) -> Victim {
        let chance = self.rng.random_range(0..20);
        let mut running: Vec<_> = works.iter_mut().flat_map(Work::running).collect();
        if chance < 6 && !running.is_empty() {
            let at = self.rng.random_range(0..running.len());
            running[at].kill();
            self.tally.device_kills += 1;
            Victim::Device
        } else if (6..9).contains(&chance) {
            self.installation.kill_custodian();
            self.tally.custodian_kills += 1;
            Victim::Custodian
        } else {
            self.installation.kill_server(0);
            self.tally.server_kills += 1;
            Victim::Server
        }
    }

    fn finish(&mut self, works: &[Work]) {
        let installation = &self.installation;
        let users = self.users.iter_mut();
        let done: Vec<_> = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (user, work) in users.zip(works) {
                threads.push(scope.spawn(move || work.finish(user, installation)));
            }
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect()
        });
        for (work, done) in works.iter().zip(done) {
            if let Ok(took) = done.as_ref().map(|effort| effort.took) {
                self.usual.extend(took.map(|took| (work.operation, took)));
            }
            self.tally.add(done.map(|effort| effort.retries));
        }
    }

    /// A wallet is made only once: now and then another end user comes.
    fn retire(&mut self) {
        for at in 0..self.users.len() {
            if self.users[at].completed >= OPERATIONS && self.rng.random_ratio(1, 3) {
                let number = self.users.len() + self.retired.len();
                let user = User::join(&self.installation, number);
                self.retired
                    .push(std::mem::replace(&mut self.users[at], user));
            }
        }
    }

    /// Every wallet that there ever was still signs, and every backup recovers.
    pub(super) fn end(mut self) -> Tally {
        self.retired.append(&mut self.users);
        check_at_the_end(&self.installation, &mut self.retired, &mut self.tally);
        self.tally
    }
}
