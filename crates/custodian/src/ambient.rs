//! Time and randomness of the system: the one place of this crate where they are taken.
//! From here they go on as arguments.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use portal_lifecycle::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

#[expect(
    clippy::disallowed_methods,
    reason = "the clock of this crate; from here the time is an argument"
)]
pub(crate) fn now() -> Timestamp {
    // A clock before 1970 is a clock that was never set: the epoch says as much.
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// For latencies, which a clock that is being set must not disturb.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// A generator of its own for one request; unlike a thread's, it may move between threads.
#[expect(
    clippy::disallowed_methods,
    reason = "the randomness of this crate; from here the generator is an argument"
)]
pub(crate) fn rng() -> StdRng {
    StdRng::from_rng(&mut rand::rng())
}
