//! A limit for each of many callers, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Most callers that are told apart at once; those beyond share one limit.
const CALLERS: usize = 1 << 18;

/// A caller, or all that are too many to be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot<K> {
    Of(K),
    Others,
}

type Limiter<K, C> =
    RateLimiter<Slot<K>, HashMapStateStore<Slot<K>>, C, StateInformationMiddleware>;

/// The same limit for each caller.
pub(super) struct Keyed<K: Hash + Eq + Copy, C: Clock> {
    limiter: Limiter<K, C>,
    clock: C,
    /// Until when those have to wait who have used theirs up.
    waiting: Mutex<HashMap<Slot<K>, C::Instant>>,
}

impl<K: Hash + Eq + Copy, C: Clock + Clone> Keyed<K, C> {
    pub(super) fn new(per_minute: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_minute(per_minute);
        let limiter = RateLimiter::hashmap_with_clock(quota, clock.clone());
        Self {
            limiter: limiter.with_middleware(),
            clock,
            waiting: Mutex::default(),
        }
    }

    /// Counts one call, or says how long to wait.
    pub(super) fn count(&self, caller: K) -> Result<(), Duration> {
        let slot = self.slot(caller);
        let now = self.clock.now();
        match self.limiter.check_key(&slot) {
            Ok(state) if state.remaining_burst_capacity() > 0 => Ok(()),
            Ok(state) => {
                let next = now + state.quota().replenish_interval().into();
                self.waiting().insert(slot, next);
                Ok(())
            }
            Err(until) => Err(until.wait_time_from(now)),
        }
    }

    /// Whether a call would be counted; or how long to wait.
    pub(super) fn is_free(&self, caller: K) -> Result<(), Duration> {
        let now = self.clock.now();
        let waiting = self.waiting();
        match waiting.get(&self.slot(caller)) {
            Some(until) if *until > now => Err(until.duration_since(now).into()),
            _ => Ok(()),
        }
    }

    /// Forgets whoever has all of theirs again.
    pub(super) fn prune(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        let now = self.clock.now();
        let mut waiting = self.waiting();
        waiting.retain(|_, until| *until > now);
        waiting.shrink_to_fit();
    }

    fn slot(&self, caller: K) -> Slot<K> {
        if self.limiter.len() < CALLERS {
            Slot::Of(caller)
        } else {
            Slot::Others
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Slot<K>, C::Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// However many call, only so many are remembered, and those beyond share what one has.
    #[test]
    fn memory_is_bounded_and_given_back() {
        let clock = FakeRelativeClock::default();
        let keyed = Keyed::<usize, _>::new(NonZeroU32::new(2).unwrap(), clock.clone());
        for caller in 0..CALLERS {
            assert_eq!(keyed.count(caller), Ok(()));
        }
        assert_eq!(keyed.count(CALLERS), Ok(()));
        assert_eq!(keyed.count(CALLERS + 1), Ok(()));
        assert!(keyed.count(CALLERS + 2).is_err(), "the share of all others");
        assert_eq!(keyed.limiter.len(), CALLERS + 1);
        // The limiter forgets a caller one whole quota after it has everything again.
        clock.advance(Duration::from_secs(181));
        keyed.prune();
        assert_eq!(keyed.limiter.len(), 0);
        assert_eq!(keyed.waiting().len(), 0);
        assert_eq!(keyed.count(CALLERS + 2), Ok(()));
    }
}
