//! Counts over the lines in which each test binary sums up its run.

/// How many tests passed, failed, and were ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Adds what `line` says, if it is one that sums up a run.
    ///
    /// Such a line is `test result: ok. 3 passed; 0 failed; 1 ignored; …`. A
    /// number stands before its word, whatever colour codes stand around the
    /// verdict.
    pub(crate) fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        let mut number = None;
        for word in counts.split([' ', ';']) {
            match (word, number) {
                ("passed", Some(count)) => self.passed += count,
                ("failed", Some(count)) => self.failed += count,
                ("ignored", Some(count)) => self.ignored += count,
                _ => {}
            }
            number = word.parse::<u64>().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> (u64, u64, u64) {
        let mut tally = Tally::default();
        for line in lines {
            tally.add(line);
        }
        (tally.passed, tally.failed, tally.ignored)
    }

    #[test]
    fn sums_over_all_binaries() {
        let lines = [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s",
            "",
            "test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ];
        assert_eq!(tally(&lines), (43, 2, 1));
    }

    #[test]
    fn colours_hide_nothing() {
        let line = "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 7 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(tally(&[line]), (7, 0, 2));
    }

    #[test]
    fn only_lines_that_sum_up_count() {
        let lines = [
            "test names::passed ... ok",
            "all doctests ran in 0.18s; merged doctests compilation took 0.18s",
            "assertion failed: expected test result: ok. 3 passed; 0 failed",
            "5 passed; 5 failed",
        ];
        assert_eq!(tally(&lines), (0, 0, 0));
    }
}
