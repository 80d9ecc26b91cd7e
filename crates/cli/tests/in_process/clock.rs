//! A clock that tests can put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portal_lifecycle::Timestamp;
use portal_server::clock::{Clock, SystemClock};

/// The machine's clock, put forward.
#[derive(Default)]
pub(crate) struct MovableClock {
    ahead_ms: AtomicU64,
}

impl MovableClock {
    pub(crate) fn put_forward(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).expect("a short time");
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        SystemClock
            .now()
            .plus_ms(self.ahead_ms.load(Ordering::SeqCst))
    }
}
