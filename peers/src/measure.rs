//! How a run is measured, and how the runs of an operation follow one another.
//!
//! Measured: the wall-clock time of each party's computing, one party after the other on one
//! thread, and what passes between them. Left out: the network, storage, the decoding of a
//! share at rest, and the verification of the result by others.
//!
//! The contenders of one operation take turns, so that the machine's noise hits all alike. One
//! that runs less often than the others has its runs spread evenly among theirs.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// What is done; rows are grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Generate,
    Recover,
    Refresh,
    ReshareToBackup,
    SignEcdsa,
    VerifyEcdsa,
    SignEd25519,
    VerifyEd25519,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Generate => "generate",
            Self::Recover => "recover",
            Self::Refresh => "refresh",
            Self::ReshareToBackup => "reshare to backup",
            Self::SignEcdsa => "sign ECDSA",
            Self::VerifyEcdsa => "verify ECDSA",
            Self::SignEd25519 => "sign Ed25519",
            Self::VerifyEd25519 => "verify Ed25519",
        })
    }
}

impl Serialize for Operation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One of the two parties; ours calls the first the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    One,
    Two,
}

impl Party {
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

/// The parties in the order of their numbers.
pub(crate) const PARTIES: [Party; 2] = [Party::One, Party::Two];

/// Collects what one run costs.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    times: [Duration; 2],
    flights: usize,
    messages: usize,
    bytes: usize,
    state_bytes: Option<[usize; 2]>,
}

impl Meter {
    /// Does a party's `work`, and adds the time to its account.
    pub(crate) fn time<T>(&mut self, party: Party, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        let taken = start.elapsed();
        self.times[party as usize] += taken;
        result
    }

    /// Counts messages that cross at once, given by their lengths: none waits for another.
    pub(crate) fn flight(&mut self, lengths: &[usize]) {
        self.flights += 1;
        self.messages += lengths.len();
        self.bytes += lengths.iter().sum::<usize>();
    }

    /// Notes what each party keeps for as long as the key lives.
    pub(crate) fn state(&mut self, party_one: usize, party_two: usize) {
        self.state_bytes = Some([party_one, party_two]);
    }
}

type Run = Box<dyn FnMut(&mut Meter) -> Result<()>>;

/// An implementation of an operation.
pub(crate) struct Contender {
    operation: Operation,
    name: &'static str,
    runs: u32,
    run: Run,
}

impl Contender {
    /// `runs` as it is where `--runs` is not given.
    pub(crate) fn new(
        operation: Operation,
        name: &'static str,
        runs: u32,
        run: impl FnMut(&mut Meter) -> Result<()> + 'static,
    ) -> Self {
        Self {
            operation,
            name,
            runs,
            run: Box::new(run),
        }
    }

    pub(crate) const fn operation(&self) -> Operation {
        self.operation
    }

    fn once(&mut self) -> Result<Meter> {
        let mut meter = Meter::default();
        (self.run)(&mut meter).with_context(|| format!("{}: {}", self.operation, self.name))?;
        Ok(meter)
    }
}

/// What an implementation of an operation costs; times and bytes are medians.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) implementation: &'static str,
    pub(crate) runs: u32,
    pub(crate) both_ms: f64,
    pub(crate) party_1_ms: f64,
    /// None where there is one party.
    pub(crate) party_2_ms: Option<f64>,
    pub(crate) flights: Option<usize>,
    pub(crate) messages: Option<usize>,
    pub(crate) bytes: Option<usize>,
    /// Of party 1 and of party 2.
    pub(crate) state_bytes: Option<[usize; 2]>,
    /// This row's time of both parties in ours; none where ours has no such operation.
    pub(crate) ratio_to_ours: Option<f64>,
}

/// Runs the contenders of one operation in turns.
///
/// Each runs as often as it says, times `runs / of`, but at least three times.
///
/// # Errors
///
/// If a protocol fails, or makes a signature that does not verify.
pub(crate) fn measure(mut contenders: Vec<Contender>, runs: u32, of: u32) -> Result<Vec<Row>> {
    for contender in &mut contenders {
        let scaled = u64::from(contender.runs) * u64::from(runs) / u64::from(of);
        contender.runs = u32::try_from(scaled).unwrap_or(u32::MAX).max(3);
        for _ in 0..(contender.runs / 20).max(1) {
            contender.once()?;
        }
    }
    let most = contenders.iter().map(|it| it.runs).max().unwrap_or(0);
    let mut meters: Vec<Vec<Meter>> = contenders.iter().map(|_| Vec::new()).collect();
    for turn in 0..u64::from(most) {
        for (contender, meters) in contenders.iter_mut().zip(&mut meters) {
            let done_after = |turns| turns * u64::from(contender.runs) / u64::from(most);
            if done_after(turn + 1) > done_after(turn) {
                meters.push(contender.once()?);
            }
        }
    }
    let measured = contenders.iter().zip(&meters);
    let mut rows: Vec<Row> = measured.map(|(it, meters)| summary(it, meters)).collect();
    let ours = rows
        .iter()
        .find(|row| row.implementation == crate::ours::NAME);
    if let Some(ours) = ours.map(|row| row.both_ms) {
        for row in &mut rows {
            row.ratio_to_ours = Some(row.both_ms / ours);
        }
    }
    Ok(rows)
}

fn summary(contender: &Contender, meters: &[Meter]) -> Row {
    let milliseconds = |time: fn(&Meter) -> Duration| {
        median(meters.iter().map(time))
            .unwrap_or_default()
            .as_secs_f64()
            * 1000.0
    };
    let two_parties = meters.iter().any(|meter| meter.messages > 0);
    let count = |count: fn(&Meter) -> usize| {
        two_parties.then(|| median(meters.iter().map(count)).unwrap_or_default())
    };
    Row {
        operation: contender.operation,
        implementation: contender.name,
        runs: contender.runs,
        both_ms: milliseconds(|meter| meter.times.iter().sum()),
        party_1_ms: milliseconds(|meter| meter.times[0]),
        party_2_ms: two_parties.then(|| milliseconds(|meter| meter.times[1])),
        flights: count(|meter| meter.flights),
        messages: count(|meter| meter.messages),
        bytes: count(|meter| meter.bytes),
        state_bytes: meters.iter().filter_map(|meter| meter.state_bytes).max(),
        ratio_to_ours: None,
    }
}

/// The middle value; of an even number, the upper of the two.
fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
