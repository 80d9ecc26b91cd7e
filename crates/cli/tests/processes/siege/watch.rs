//! The server's memory while it is besieged, and whether others are answered.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinHandle;

use super::attackers::Target;
use crate::expect::until;
use crate::installation::Installation;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait of somebody who only wants to know their wallet's state.
const PATIENCE: Duration = Duration::from_secs(15);

/// Files that a process has open besides its sockets.
const OTHER_FILES: usize = 500;

/// Raises this process's limit to the highest it may have, and with it that of the server, which
/// begins as its child. A scene with fewer sockets than it says would show nothing.
#[track_caller]
pub(super) fn raise_open_files(sockets: usize) {
    let limit = getrlimit(Resource::Nofile);
    let needed = u64::try_from(sockets + OTHER_FILES).unwrap();
    let maximum = limit.maximum.map(|allowed| allowed.max(needed));
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let done = setrlimit(Resource::Nofile, raised);
    assert!(
        done.is_ok(),
        "{sockets} sockets need {needed} open files, and the hard limit is {:?} ({done:?}). Raise \
         it and run the test again: `ulimit -Hn {needed}` as root, `--ulimit nofile={needed}` of a \
         container, `LimitNOFILE={needed}` of a systemd unit, or limits.conf",
        limit.maximum
    );
}

/// Looks at the server until it is told to stop.
pub(super) struct Watch {
    what: String,
    process: u32,
    before: u64,
    looking: JoinHandle<()>,
    looks: tokio::sync::watch::Receiver<Looks>,
}

#[derive(Clone, Copy, Default)]
struct Looks {
    peak: u64,
    answers: usize,
    slowest: Duration,
}

/// What was seen.
pub(super) struct Seen {
    what: String,
    before: u64,
    peak: u64,
}

/// What came of an attack, and what was seen meanwhile.
pub(super) struct Over<T> {
    pub(super) value: T,
    pub(super) seen: Seen,
}

impl Watch {
    pub(super) async fn begin(
        installation: &Installation,
        target: &Target,
        what: &str,
        number: usize,
    ) -> Self {
        let process = installation.server(0).id();
        // Whoever was there before has left.
        until("an answer before the attack", async || {
            target.ask().await.ok()
        })
        .await;
        let before = resident_bytes(process);
        let (told, looks) = tokio::sync::watch::channel(Looks::default());
        let other = target.clone();
        let looking = tokio::spawn(async move {
            loop {
                let peak = resident_bytes(process);
                let begun = Instant::now();
                let answered = tokio::time::timeout(PATIENCE, other.ask()).await;
                let answered = answered.unwrap_or_else(|_| Err("no answer in time".to_owned()));
                answered
                    .unwrap_or_else(|seen| panic!("expected an answer for others, seen {seen}"));
                let took = begun.elapsed();
                told.send_modify(|looks| {
                    looks.peak = looks.peak.max(peak).max(resident_bytes(process));
                    looks.answers += 1;
                    looks.slowest = looks.slowest.max(took);
                });
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self {
            what: format!("{number} {what}"),
            process,
            before,
            looking,
            looks,
        }
    }

    /// Goes on looking for so long.
    pub(super) async fn during(self, time: Duration) -> Seen {
        self.over(tokio::time::sleep(time)).await.seen
    }

    /// Looks until the attack is over, and once more at least.
    pub(super) async fn over<T>(mut self, attack: impl Future<Output = T>) -> Over<T> {
        let begun = Instant::now();
        let value = attack.await;
        let before_last = self.looks.borrow().answers;
        let looked = self
            .looks
            .wait_for(|looks| looks.answers > before_last + 1)
            .await;
        let looks = looked.map(|looks| *looks);
        self.looking.abort();
        let Ok(looks) = looks else {
            let died = self.looking.await;
            panic!("{}: others were not answered: {died:?}", self.what);
        };
        let after = resident_bytes(self.process);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "{:<32} {:>7.1} MiB before, {:>7.1} at the peak, {:>7.1} after; {:>4} answers to others, \
             the slowest after {:>4} ms; {:>5.1} s",
            self.what,
            mib(self.before),
            mib(looks.peak),
            mib(after),
            looks.answers,
            looks.slowest.as_millis(),
            begun.elapsed().as_secs_f64(),
        );
        Over {
            value,
            seen: Seen {
                what: self.what,
                before: self.before,
                peak: looks.peak,
            },
        }
    }
}

impl Seen {
    /// What the attack cost, at the most.
    pub(super) fn expect_below(&self, bytes: u64) {
        let cost = self.peak.saturating_sub(self.before);
        assert!(
            cost < bytes,
            "{}: expected that it costs less than {bytes} bytes, seen {cost}",
            self.what
        );
    }
}

/// The memory that a process has of the machine's (proc_pid_status(5): VmRSS).
fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mut lines = status.lines();
    let resident = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}
