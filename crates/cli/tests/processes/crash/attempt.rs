//! One run of `portal wallet …` in a process of its own, and how it ended.

use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::finding::Finding;
use crate::installation::{Installation, error_in};

/// How long an operation is run again while it fails with errors that may pass by themselves:
/// longer than a lease lasts that a killed server left.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two runs.
const PAUSE: Duration = Duration::from_millis(200);

/// How a run ended.
pub(super) enum Ended {
    Done(Value),
    Refused(Refused),
    /// By SIGKILL.
    Killed,
}

/// The error that a run ended with.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) id: String,
    pub(super) is_retryable: bool,
    detail: String,
}

impl Refused {
    /// What this is, if it is nothing that may have happened.
    pub(super) fn forbidden(&self, what: &str) -> Finding {
        Finding::Forbidden(format!("{what}: {} ({})", self.id, self.detail))
    }
}

/// A run under way.
pub(super) struct Attempt(Child);

impl Attempt {
    pub(super) fn begin(installation: &Installation, device: &str, arguments: &[&str]) -> Self {
        let mut command = installation.wallet_command(device, arguments);
        command.arg("--json").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(super) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    pub(super) fn end(self) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = self.0.wait_with_output().unwrap();
        if status.success() {
            return Ended::Done(serde_json::from_slice(&stdout).unwrap());
        }
        if status.code().is_none() {
            return Ended::Killed;
        }
        let error = error_in(&String::from_utf8_lossy(&stderr));
        Ended::Refused(Refused {
            // One without an id would be an error that the reference does not know.
            id: error["id"].as_str().unwrap_or("(none)").to_owned(),
            is_retryable: error["retryable"] == true,
            detail: error["detail"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// Runs a command until it ends otherwise than with an error that may pass by itself; tells how
/// often it was run again.
pub(super) fn insist(
    installation: &Installation,
    device: &str,
    arguments: &[&str],
) -> (Result<Value, Refused>, usize) {
    let begun = Instant::now();
    let mut retries = 0;
    loop {
        match Attempt::begin(installation, device, arguments).end() {
            Ended::Done(told) => return (Ok(told), retries),
            Ended::Killed => panic!("nobody kills {arguments:?} on {device} now"),
            Ended::Refused(refused) if !refused.is_retryable || begun.elapsed() > PATIENCE => {
                return (Err(refused), retries);
            }
            Ended::Refused(_) => {}
        }
        retries += 1;
        std::thread::sleep(PAUSE);
    }
}
