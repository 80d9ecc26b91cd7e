//! The ids of calls that were answered, for as long as they would be believed.

use std::collections::{HashSet, VecDeque};

use portal_api::webhook::signature::TOLERANCE_S;
use portal_lifecycle::Timestamp;

use super::NotPortals;

/// Most ids that are kept: a hundred calls a second.
const IDS: usize = 65_536;

/// How long an id is kept: a call may be stamped by a clock that is ahead, and is believed until
/// that one's time is past as well.
pub(super) const KEPT_S: u64 = 2 * TOLERANCE_S;

/// What was heard since a moment; it is forgotten when the process ends.
pub(super) struct Heard {
    since_s: u64,
    ids: HashSet<String>,
    /// In the order of their arrival, each with its time in seconds.
    arrivals: VecDeque<(u64, String)>,
}

impl Heard {
    pub(super) fn since(now: Timestamp) -> Self {
        Self {
            since_s: seconds(now),
            ids: HashSet::new(),
            arrivals: VecDeque::new(),
        }
    }

    /// Takes note of a call that is made once. One from before this process is refused, for a
    /// former one may have answered it; Portal makes another.
    pub(super) fn hear(
        &mut self,
        id: &str,
        timestamp_s: u64,
        now: Timestamp,
    ) -> Result<(), NotPortals> {
        let now_s = seconds(now);
        while let Some((arrived_s, _)) = self.arrivals.front() {
            if arrived_s.saturating_add(KEPT_S) >= now_s {
                break;
            }
            if let Some((_, id)) = self.arrivals.pop_front() {
                self.ids.remove(&id);
            }
        }
        if timestamp_s < self.since_s || self.ids.contains(id) {
            return Err(NotPortals::HeardBefore);
        }
        if self.ids.len() >= IDS {
            return Err(NotPortals::Overrun);
        }
        self.ids.insert(id.to_owned());
        self.arrivals.push_back((now_s, id.to_owned()));
        Ok(())
    }
}

const fn seconds(time: Timestamp) -> u64 {
    time.as_ms() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_S: u64 = 1_800_000_000;

    fn at(after_s: u64) -> Timestamp {
        Timestamp::from_ms((START_S + after_s) * 1_000)
    }

    /// A call is refused again as long as its time would be believed, whatever clock stamped it.
    #[test]
    fn nothing_is_forgotten_while_it_would_be_believed() {
        for ahead_s in 0..=TOLERANCE_S {
            let mut heard = Heard::since(at(0));
            let stamped_s = START_S + ahead_s;
            assert_eq!(heard.hear("id", stamped_s, at(0)), Ok(()));
            for later_s in [0, 1, ahead_s, ahead_s + TOLERANCE_S] {
                let again = heard.hear("id", stamped_s, at(later_s));
                let told = format!("stamped {ahead_s} s ahead, again after {later_s} s");
                assert_eq!(again, Err(NotPortals::HeardBefore), "{told}");
            }
        }
    }

    #[test]
    fn what_a_former_process_may_have_answered_is_refused() {
        let mut heard = Heard::since(at(10));
        let before = heard.hear("before", START_S + 9, at(10));
        assert_eq!(before, Err(NotPortals::HeardBefore));
        assert_eq!(heard.hear("after", START_S + 10, at(10)), Ok(()));
    }

    #[test]
    fn the_room_is_bounded_and_becomes_free_again() {
        let mut heard = Heard::since(at(0));
        for number in 0..IDS {
            let new = heard.hear(&number.to_string(), START_S, at(0));
            assert_eq!(new, Ok(()));
        }
        assert_eq!(
            heard.hear("one more", START_S, at(0)),
            Err(NotPortals::Overrun)
        );
        assert_eq!(
            heard.hear("0", START_S, at(0)),
            Err(NotPortals::HeardBefore)
        );
        let later_s = KEPT_S + 1;
        let later = heard.hear("one more", START_S + later_s, at(later_s));
        assert_eq!(later, Ok(()));
        assert_eq!((heard.ids.len(), heard.arrivals.len()), (1, 1));
    }
}
