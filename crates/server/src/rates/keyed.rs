//! A limit for each of many callers, in bounded memory.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::recent::Recent;

/// Most callers that are remembered at once.
///
/// Nobody's limit is another's, however many there are: who is forgotten for the sake of others
/// has all of its own again. So a crowd makes limits wider for itself, and narrower for nobody.
const CALLERS: usize = 1 << 16;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// The same limit for each caller.
pub(super) struct Keyed<K: Hash + Eq + Copy, C: Clock> {
    quota: Quota,
    clock: C,
    callers: Mutex<Recent<K, Caller<C>>>,
}

struct Caller<C: Clock> {
    limiter: Limiter<C>,
    /// Until when it has to wait, having used its own up.
    waits_until: C::Instant,
    /// When it has all of its own again.
    is_full_at: C::Instant,
}

impl<K: Hash + Eq + Copy, C: Clock + Clone> Keyed<K, C> {
    pub(super) fn new(per_minute: NonZeroU32, clock: C) -> Self {
        Self::of_so_many(per_minute, clock, CALLERS)
    }

    fn of_so_many(per_minute: NonZeroU32, clock: C, callers: usize) -> Self {
        Self {
            quota: Quota::per_minute(per_minute),
            clock,
            callers: Mutex::new(Recent::of(callers)),
        }
    }

    /// Counts one call, or says how long to wait.
    pub(super) fn count(&self, caller: K) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut callers = self.callers();
        let caller = callers.get_or_insert_with(caller, || Caller {
            limiter: RateLimiter::direct_with_clock(self.quota, self.clock.clone())
                .with_middleware(),
            waits_until: now,
            is_full_at: now,
        });
        match caller.limiter.check() {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let each = self.quota.replenish_interval();
                let used = self.quota.burst_size().get().saturating_sub(left);
                caller.is_full_at = now + each.saturating_mul(used).into();
                if left == 0 {
                    caller.waits_until = now + each.into();
                }
                Ok(())
            }
            Err(until) => Err(until.wait_time_from(now)),
        }
    }

    /// Whether a call would be counted; or how long to wait.
    pub(super) fn is_free(&self, caller: K) -> Result<(), Duration> {
        let now = self.clock.now();
        match self.callers().get(&caller).map(|known| known.waits_until) {
            Some(until) if until > now => Err(until.duration_since(now).into()),
            _ => Ok(()),
        }
    }

    /// Forgets whoever has all of theirs again.
    pub(super) fn prune(&self) {
        let now = self.clock.now();
        self.callers().retain(|caller| caller.is_full_at > now);
    }

    fn callers(&self) -> MutexGuard<'_, Recent<K, Caller<C>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn twice_a_minute(clock: &FakeRelativeClock) -> Keyed<usize, FakeRelativeClock> {
        Keyed::of_so_many(NonZeroU32::new(2).unwrap(), clock.clone(), 100)
    }

    /// A crowd takes nothing from anybody else, however large it is.
    #[test]
    fn a_crowd_uses_up_nobodys_limit_but_its_own() {
        let keyed = twice_a_minute(&FakeRelativeClock::default());
        for stranger in 1..10_000 {
            while keyed.count(stranger).is_ok() {}
            assert!(keyed.is_free(stranger).is_err(), "{stranger} used its own");
            assert_eq!(keyed.is_free(0), Ok(()), "after {stranger} others");
            assert!(keyed.callers().len() <= 100);
        }
        assert_eq!(keyed.count(0), Ok(()));
    }

    /// Whoever calls all the time stays remembered, whoever else comes between.
    #[test]
    fn a_crowd_hides_nobody_who_goes_on_calling() {
        let keyed = twice_a_minute(&FakeRelativeClock::default());
        while keyed.count(0).is_ok() {}
        for stranger in 1..10_000 {
            assert_eq!(keyed.count(stranger), Ok(()));
            assert!(keyed.count(0).is_err(), "after {stranger} others");
        }
    }

    #[test]
    fn memory_is_given_back() {
        let clock = FakeRelativeClock::default();
        let keyed = twice_a_minute(&clock);
        for caller in 0..50 {
            assert_eq!(keyed.count(caller), Ok(()));
        }
        assert_eq!(keyed.count(0), Ok(()));
        keyed.prune();
        assert_eq!(keyed.callers().len(), 50);
        clock.advance(Duration::from_secs(31));
        keyed.prune();
        assert_eq!(keyed.callers().len(), 1, "the one that called twice");
        clock.advance(Duration::from_secs(30));
        keyed.prune();
        assert_eq!(keyed.callers().len(), 0);
    }
}
