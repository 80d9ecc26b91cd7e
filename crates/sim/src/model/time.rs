//! Time as the model knows it: how often each of three steps has been taken.

use portal_lifecycle::Timestamp;

/// A lease is given out for so long.
pub(crate) const LEASE_MS: u64 = 15 * 60 * 1_000;

const LEASE_STEP_MS: u64 = LEASE_MS + 60_000;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Longer than the seven days of E9 and E18.
const WEEK_STEP_MS: u64 = 8 * DAY_MS;
/// Longer than the thirty days of E10 and E18, and than three weeks' steps.
const MONTH_STEP_MS: u64 = 31 * DAY_MS;

/// How far the clock moves at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Any lease that was taken before has run out.
    Lease,
    /// What was unfinished has been so for more than 7 days.
    Week,
    /// What was overtaken has been so for more than 30 days.
    Month,
}

/// Two bits for each kind of step, the longest first: so they order as the times do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Time(u8);

impl Time {
    pub(crate) const START: Self = Self(0);

    const fn shift(step: Step) -> u32 {
        match step {
            Step::Lease => 0,
            Step::Week => 2,
            Step::Month => 4,
        }
    }

    pub(crate) const fn is_start(self) -> bool {
        self.0 == 0
    }

    /// How often a step was taken; three times at most.
    pub(crate) const fn taken(self, step: Step) -> u8 {
        (self.0 >> Self::shift(step)) & 3
    }

    /// The time after a step, if it may be taken once more.
    pub(crate) const fn after(self, step: Step) -> Option<Self> {
        if self.taken(step) == 3 {
            return None;
        }
        Some(Self(self.0 + (1 << Self::shift(step))))
    }

    pub(crate) const fn timestamp(self) -> Timestamp {
        Timestamp::from_ms(
            self.taken(Step::Lease) as u64 * LEASE_STEP_MS
                + self.taken(Step::Week) as u64 * WEEK_STEP_MS
                + self.taken(Step::Month) as u64 * MONTH_STEP_MS,
        )
    }

    /// The time that has this timestamp; another one comes back as another timestamp.
    pub(crate) fn of(at: Timestamp) -> Self {
        let ms = at.as_ms();
        let count = |ms: u64| u8::try_from(ms.min(3)).unwrap_or(3);
        let months = count(ms / MONTH_STEP_MS);
        let rest = ms % MONTH_STEP_MS;
        let weeks = count(rest / WEEK_STEP_MS);
        let leases = count(rest % WEEK_STEP_MS / LEASE_STEP_MS);
        Self(months << 4 | weeks << 2 | leases)
    }
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let taken = |step| self.taken(step);
        write!(
            f,
            "{} months, {} weeks, {} leases",
            taken(Step::Month),
            taken(Step::Week),
            taken(Step::Lease)
        )
    }
}
