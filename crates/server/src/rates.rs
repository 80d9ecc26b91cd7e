//! How often a caller may call. Kept in memory by each node: a limit is one node's.
//!
//! Whoever shows a credential is counted by whom it belongs to, in tables that a stranger adds
//! nothing to. Strangers are counted by their address, and only what they guess wrongly.

mod address;
mod keyed;
mod recent;

use std::num::NonZeroU32;
use std::sync::Once;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::{ClientId, CustodianId};

use crate::ApiError;
pub(crate) use address::Address;
use keyed::Keyed;

/// Calls a minute; all of a minute's may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests of one client.
    pub client_requests_per_minute: NonZeroU32,
    /// Requests of one customer's backends.
    pub custodian_requests_per_minute: NonZeroU32,
    /// MPC operations that one client begins.
    pub client_operations_per_minute: NonZeroU32,
    /// Credentials from one address that are none; while it is over, none from there is looked at.
    pub failed_authentications_per_minute: NonZeroU32,
}

impl RateLimits {
    /// As good as none.
    pub const NONE: Self = Self::all(NonZeroU32::MAX);

    const fn all(per_minute: NonZeroU32) -> Self {
        Self {
            client_requests_per_minute: per_minute,
            custodian_requests_per_minute: per_minute,
            client_operations_per_minute: per_minute,
            failed_authentications_per_minute: per_minute,
        }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        const fn number(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            client_requests_per_minute: number(200),
            custodian_requests_per_minute: number(200),
            client_operations_per_minute: number(50),
            failed_authentications_per_minute: number(60),
        }
    }
}

/// Who has called how often.
pub(crate) struct Rates<C: Clock = MonotonicClock> {
    clients: Keyed<ClientId, C>,
    custodians: Keyed<CustodianId, C>,
    operations: Keyed<ClientId, C>,
    failures: Keyed<Address, C>,
    proxy_is_told: Once,
}

impl Rates {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self::with_clock(limits, &MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(limits: RateLimits, clock: &C) -> Self {
        Self {
            clients: Keyed::new(limits.client_requests_per_minute, clock.clone()),
            custodians: Keyed::new(limits.custodian_requests_per_minute, clock.clone()),
            operations: Keyed::new(limits.client_operations_per_minute, clock.clone()),
            failures: Keyed::new(limits.failed_authentications_per_minute, clock.clone()),
            proxy_is_told: Once::new(),
        }
    }

    /// Tells the operator, once, that all who come through a proxy are taken for one address.
    pub(crate) fn proxy_is_unknown(&self) {
        self.proxy_is_told.call_once(|| {
            tracing::warn!(
                "a request came with X-Forwarded-For, which is not believed: all who come through \
                 one proxy count as its one address. If it is yours, say how many there are \
                 (--proxies, PORTAL_PROXIES)"
            );
        });
    }

    /// Counts a request of a client.
    pub(crate) fn client(&self, client: ClientId) -> Result<(), ApiError> {
        let counted = self.clients.count(client);
        counted.map_err(|wait| limited("requests of this client", wait))
    }

    /// Counts a request of a customer's backend.
    pub(crate) fn custodian(&self, custodian: CustodianId) -> Result<(), ApiError> {
        let counted = self.custodians.count(custodian);
        counted.map_err(|wait| limited("requests of this custodian", wait))
    }

    /// Counts an MPC operation of a client.
    pub(crate) fn operation(&self, client: ClientId) -> Result<(), ApiError> {
        let counted = self.operations.count(client);
        counted.map_err(|wait| limited("MPC operations of this client", wait))
    }

    /// Whether a credential from this address is looked at.
    pub(crate) fn may_authenticate(&self, address: Address) -> Result<(), ApiError> {
        let free = self.failures.is_free(address);
        free.map_err(|wait| limited("wrong credentials from this address", wait))
    }

    /// Counts a credential that was none.
    pub(crate) fn failed(&self, address: Address) {
        // The next one from there will hear of it.
        let _ = self.failures.count(address);
    }

    /// Forgets who has not called for as long as it counts.
    pub(crate) fn prune(&self) {
        self.clients.prune();
        self.custodians.prune();
        self.operations.prune();
        self.failures.prune();
    }
}

fn limited(of_what: &str, wait: Duration) -> ApiError {
    let wait_s = u64::try_from(wait.as_millis().div_ceil(1000))
        .unwrap_or(u64::MAX)
        .max(1);
    ApiError::new(
        ErrorId::RateLimited,
        format!("too many {of_what}; try again in {wait_s} s"),
    )
    .retry_after(wait_s)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use portal_lifecycle::Timestamp;

    use super::*;

    fn client(n: u8) -> ClientId {
        ClientId::make(Timestamp::from_ms(1), [n; 10])
    }

    fn address(n: u8) -> Address {
        Address::of([192, 0, 2, n].into())
    }

    /// Each client has its own minute's worth, and gets it back as the minute goes by.
    #[test]
    fn a_minutes_worth_comes_back_in_a_minute() {
        let clock = FakeRelativeClock::default();
        let limits = RateLimits {
            client_requests_per_minute: NonZeroU32::new(6).unwrap(),
            ..RateLimits::NONE
        };
        let rates = Rates::with_clock(limits, &clock);
        for _ in 0..6 {
            assert_eq!(rates.client(client(1)), Ok(()));
        }
        let refused = rates.client(client(1)).unwrap_err();
        assert_eq!(refused.id(), ErrorId::RateLimited);
        assert_eq!(refused.retry_after_s(), Some(10), "{refused:?}");
        assert_eq!(rates.client(client(2)), Ok(()), "another client");
        assert_eq!(rates.operation(client(1)), Ok(()), "another limit");
        clock.advance(Duration::from_secs(10));
        assert_eq!(rates.client(client(1)), Ok(()));
        assert!(rates.client(client(1)).is_err());
        clock.advance(Duration::from_secs(60));
        for _ in 0..6 {
            assert_eq!(rates.client(client(1)), Ok(()));
        }
        assert!(rates.client(client(1)).is_err());
    }

    /// Who guesses is not listened to any more, and who does not is none the worse.
    #[test]
    fn an_address_that_guesses_is_not_listened_to() {
        let clock = FakeRelativeClock::default();
        let limits = RateLimits {
            failed_authentications_per_minute: NonZeroU32::new(3).unwrap(),
            ..RateLimits::NONE
        };
        let rates = Rates::with_clock(limits, &clock);
        for _ in 0..3 {
            assert_eq!(rates.may_authenticate(address(1)), Ok(()));
            rates.failed(address(1));
        }
        let refused = rates.may_authenticate(address(1)).unwrap_err();
        assert_eq!(refused.retry_after_s(), Some(20), "{refused:?}");
        assert_eq!(rates.may_authenticate(address(2)), Ok(()));
        clock.advance(Duration::from_secs(21));
        assert_eq!(rates.may_authenticate(address(1)), Ok(()));
        rates.failed(address(1));
        assert!(rates.may_authenticate(address(1)).is_err());
    }
}
