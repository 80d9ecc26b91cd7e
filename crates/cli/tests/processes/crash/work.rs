//! What one end user does in a round, from the first run of it until it has ended well.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;

use super::attempt::{Attempt, Ended, insist};
use super::finding::Finding;
use super::user::{Operation, User};
use crate::installation::Installation;

pub(super) struct Work {
    pub(super) operation: Operation,
    /// What the device that is to be replaced does meanwhile.
    beside: Option<Operation>,
    /// Whether the wallet is looked at before the operation is run again. It changes what that
    /// finds: a device that comes back finishes what was interrupted.
    looks_first: bool,
    /// Whether the former device is asked to sign after a recovery.
    asks_former: bool,
    attempts: Vec<(Operation, Attempt)>,
    is_done: bool,
}

/// What it took to end an operation well.
#[derive(Default)]
pub(super) struct Effort {
    pub(super) retries: usize,
    /// How long the last run took, if there was another than the first.
    pub(super) took: Option<Duration>,
}

impl Work {
    pub(super) fn choose(user: &User, rng: &mut StdRng) -> Self {
        let operation = user.choose(rng);
        // A refresh seldom: where it is killed with the server, the recovery waits for its lease.
        let beside = match rng.random_range(0..6) {
            0 => Some(Operation::Refresh),
            1..4 => Some(Operation::Sign),
            _ => None,
        };
        Self {
            operation,
            beside: beside.filter(|_| operation == Operation::Recover),
            looks_first: rng.random_ratio(1, 4),
            asks_former: rng.random_ratio(1, 4),
            attempts: Vec::new(),
            is_done: false,
        }
    }

    /// Starts the processes.
    pub(super) fn begin(&mut self, user: &User, installation: &Installation) -> usize {
        for operation in [Some(self.operation), self.beside].into_iter().flatten() {
            let (device, arguments) = user.command(operation);
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let attempt = Attempt::begin(installation, &device, &arguments);
            self.attempts.push((operation, attempt));
        }
        self.attempts.len()
    }

    /// Its processes that run still.
    pub(super) fn running(&mut self) -> impl Iterator<Item = &mut Attempt> {
        let attempts = self.attempts.iter_mut().map(|(_, attempt)| attempt);
        attempts.filter_map(|attempt| attempt.is_running().then_some(attempt))
    }

    /// Waits for the processes; tells how many did not end well.
    pub(super) fn wait(&mut self, user: &mut User) -> Result<usize, Finding> {
        let mut interrupted = 0;
        for (at, (operation, attempt)) in self.attempts.drain(..).enumerate() {
            match attempt.end() {
                Ended::Done(told) if at == 0 => {
                    user.note(operation, &told)?;
                    self.is_done = true;
                    continue;
                }
                Ended::Done(_) => continue,
                Ended::Killed => {}
                Ended::Refused(refused) if refused.is_retryable => {}
                // One of the two devices was faster.
                Ended::Refused(refused)
                    if self.beside.is_some() && refused.id == "SIGNING_SHARE_SUPERSEDED" => {}
                Ended::Refused(refused) => {
                    let what = format!("{} {operation:?}, with a kill", user.client);
                    return Err(refused.forbidden(&what));
                }
            }
            interrupted += 1;
        }
        Ok(interrupted)
    }

    /// Runs the operation until it ends well, and looks at the wallet then.
    pub(super) fn finish(
        &self,
        user: &mut User,
        installation: &Installation,
    ) -> Result<Effort, Finding> {
        let mut effort = Effort::default();
        if !self.is_done {
            if self.looks_first {
                effort.retries += self.look_first(user, installation)?;
            }
            self.run_again(user, installation, &mut effort)?;
        }
        let device = user.device();
        effort.retries += user.look(installation, &device)?;
        effort.retries += user.must_sign(installation, &device)?;
        if self.operation == Operation::Recover && self.asks_former {
            let former = user.former_device();
            match user.sign(installation, &former)? {
                Err(refused) if refused.id == "SIGNING_SHARE_SUPERSEDED" => {}
                Err(refused) => return Err(refused.forbidden("the former device")),
                Ok(_) => {
                    let what = format!("{}: two devices sign", user.client);
                    return Err(Finding::Forbidden(what));
                }
            }
        }
        Ok(effort)
    }

    /// Before anything is run again: some device signs, or a recovery will make one sign.
    fn look_first(&self, user: &mut User, installation: &Installation) -> Result<usize, Finding> {
        let recovers = self.operation == Operation::Recover;
        let mut devices = vec![user.device()];
        if recovers {
            devices.insert(0, user.next_device());
        }
        let mut retries = user.look(installation, &devices[0])?;
        if user.addresses.is_none() {
            return Ok(retries);
        }
        for device in &devices {
            if let Ok(again) = user.sign(installation, device)? {
                retries += again;
                return Ok(retries);
            }
        }
        if recovers {
            return Ok(retries);
        }
        let what = format!("{}: {devices:?} do not sign", user.client);
        Err(Finding::Lost(what))
    }

    fn run_again(
        &self,
        user: &mut User,
        installation: &Installation,
        effort: &mut Effort,
    ) -> Result<(), Finding> {
        if self.operation == Operation::Recover {
            // The device that was killed may have used, or closed, what was open.
            user.let_recover(installation);
        }
        let (device, arguments) = user.command(self.operation);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let (ended, retries) = insist(installation, &device, &arguments);
        effort.retries += retries + 1;
        let refused = match ended {
            Ok(told) => {
                effort.took = (retries == 0).then(|| begun.elapsed());
                return user.note(self.operation, &told);
            }
            Err(refused) => refused,
        };
        // The killed run had got as far as it goes; only its answer was lost.
        if self.operation == Operation::Create && refused.id == "WALLET_ALREADY_EXISTS" {
            let (status, _) = insist(installation, &device, &["status"]);
            if status.is_ok_and(|status: Value| status["isOnDevice"] == true) {
                return user.look(installation, &device).map(|_| ());
            }
            let what = format!("{}: a wallet that no device holds", user.client);
            return Err(Finding::Lost(what));
        }
        let what = format!("{} {:?}, after a kill", user.client, self.operation);
        Err(refused.forbidden(&what))
    }
}
