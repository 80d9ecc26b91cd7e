//! Expectations that say what was expected and what was seen.

use std::time::{Duration, Instant};

use portal_sdk::{Error, ErrorId};

/// Longest wait for something that must happen.
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// The error of a call that must fail with `expected`.
#[track_caller]
pub(crate) fn refused<T>(outcome: Result<T, Error>, expected: ErrorId, when: &str) -> Error {
    one_of(outcome, &[expected], when)
}

/// The error of a call that must fail with one of `expected`.
#[track_caller]
pub(crate) fn one_of<T>(outcome: Result<T, Error>, expected: &[ErrorId], when: &str) -> Error {
    match outcome {
        Err(error) if expected.contains(&error.id()) => error,
        Err(error) => panic!("{when}: expected {expected:?}, seen {error}"),
        Ok(_) => panic!("{when}: expected {expected:?}, seen a success"),
    }
}

/// The value of a call that must succeed.
#[track_caller]
pub(crate) fn granted<T>(outcome: Result<T, Error>, when: &str) -> T {
    outcome.unwrap_or_else(|error| panic!("{when}: expected a success, seen {error}"))
}

/// Asks until there is an answer, up to a deadline.
pub(crate) async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            begun.elapsed() < DEADLINE,
            "expected {what} within {DEADLINE:?}, seen nothing of it"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
