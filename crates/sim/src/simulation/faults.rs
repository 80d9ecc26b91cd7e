//! When something fails, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How often things fail in one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// A call fails before it does anything.
    pub(crate) refused: f64,
    /// A call does what it was asked, and fails.
    pub(crate) unheard: f64,
    /// A call takes its time.
    pub(crate) slow: f64,
    /// The process ends at the call, before or after it.
    pub(crate) fatal: f64,
}

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Refused,
    Unheard,
    Fatal,
    FatalAfter,
}

/// The faults of one run; a clone shares them.
#[derive(Clone)]
pub(crate) struct Faults(Arc<Mutex<State>>);

struct State {
    rng: StdRng,
    rates: Option<Rates>,
    ended: Vec<&'static str>,
    injected: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64, rates: Rates) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: StdRng::seed_from_u64(seed),
            rates: Some(rates),
            ended: Vec::new(),
            injected: 0,
        })))
    }

    /// From now on nothing fails.
    pub(crate) fn cease(&self) {
        self.lock().rates = None;
    }

    /// Processes that are to end, since this was last asked.
    pub(crate) fn ended(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.lock().ended)
    }

    /// How many faults there were.
    pub(crate) fn injected(&self) -> u64 {
        self.lock().injected
    }

    /// Does `work` for the process `host`, or something worse. `failed` is what a failure looks
    /// like.
    pub(crate) async fn around<T, E>(
        &self,
        host: &'static str,
        failed: impl Fn() -> E,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (fault, wait) = self.draw();
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        // They may have ceased while it waited: then nobody ends a process any more.
        let fault = fault.filter(|_| self.lock().rates.is_some());
        match fault {
            None => work.await,
            Some(Fault::Refused) => Err(failed()),
            Some(Fault::Unheard) => {
                work.await?;
                Err(failed())
            }
            Some(Fault::Fatal) => self.end(host).await,
            Some(Fault::FatalAfter) => {
                let _ = work.await;
                self.end(host).await
            }
        }
    }

    /// Ends the process: nothing after this point happens in it.
    async fn end<T>(&self, host: &'static str) -> T {
        self.lock().ended.push(host);
        std::future::pending().await
    }

    fn draw(&self) -> (Option<Fault>, Option<Duration>) {
        let mut state = self.lock();
        let Some(rates) = state.rates else {
            return (None, None);
        };
        let wait = state.rng.random_bool(rates.slow).then(|| {
            let most_ms: u64 = if state.rng.random_bool(0.1) {
                20_000
            } else {
                300
            };
            Duration::from_millis(state.rng.random_range(1..most_ms))
        });
        let faults = [
            (rates.refused, Fault::Refused),
            (rates.unheard, Fault::Unheard),
            (rates.fatal, Fault::Fatal),
            (rates.fatal, Fault::FatalAfter),
        ];
        let fault = faults
            .into_iter()
            .find(|(rate, _)| state.rng.random_bool(*rate))
            .map(|(_, fault)| fault);
        state.injected += u64::from(fault.is_some());
        (fault, wait)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
