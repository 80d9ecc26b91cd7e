//! Recovery windows: opened by the app's backend alone, and used so many times.

use super::{Backend, at, client, opened};
use crate::{Digest, RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore as _};

const POLICY: RecoveryPolicy = RecoveryPolicy {
    window_ms: 1_000,
    uses: 2,
};

pub(super) fn request(n: u32) -> RecoveryRequest {
    RecoveryRequest {
        request: Digest::of(&n.to_be_bytes()),
        blinds: Digest::of(&[b"blinds".as_slice(), &n.to_be_bytes()].concat()),
    }
}

/// Before, for another client, and from its end on. By a clock that is behind the one that opened
/// it, too.
pub async fn nothing_is_open_unless_it_was_opened(backend: &impl Backend) {
    let store = opened(backend).await;
    let before = store.use_recovery(client(1), request(1), at(0)).await;
    assert!(matches!(before, Err(RecoveryError::NotOpen)), "{before:?}");
    let window = store.open_recovery(client(1), POLICY, at(10)).await;
    let window = window.expect("opened");
    assert_eq!((window.opened_at, window.closes_at), (at(10), at(1_010)));
    for (client_id, ms) in [(client(2), 10), (client(1), 1_010)] {
        let used = store.use_recovery(client_id, request(1), at(ms)).await;
        assert!(
            matches!(used, Err(RecoveryError::NotOpen)),
            "{client_id} at {ms}: {used:?}"
        );
    }
    for (n, ms) in [(1, 0), (2, 1_009)] {
        let used = store.use_recovery(client(1), request(n), at(ms)).await;
        used.unwrap_or_else(|error| panic!("at {ms}: {error}"));
    }
    let closed = store.close_recovery(client(1), at(5)).await;
    closed.expect("closed");
    let window = store.recovery_in_force(client(1), at(11)).await;
    assert!(matches!(window, Err(RecoveryError::NotOpen)), "{window:?}");
}

/// The same request is one use.
pub async fn uses_are_counted_and_repeats_are_not(backend: &impl Backend) {
    let store = opened(backend).await;
    let window = store.open_recovery(client(1), POLICY, at(0)).await;
    assert_eq!(window.expect("opened").uses_allowed, 2);
    for n in [1, 1, 2, 1, 2] {
        let used = store.use_recovery(client(1), request(n), at(1)).await;
        used.unwrap_or_else(|error| panic!("request {n}: {error}"));
    }
    let third = store.use_recovery(client(1), request(3), at(1)).await;
    assert!(matches!(third, Err(RecoveryError::NotOpen)), "{third:?}");
    let windows = store.recoveries(client(1)).await.expect("read");
    let seen: Vec<_> = windows
        .iter()
        .map(|window| (window.uses, window.uses_allowed))
        .collect();
    assert_eq!(seen, [(2, 2)]);
}

/// What a client sealed for one request answers no other.
pub async fn blinds_serve_one_request(backend: &impl Backend) {
    let store = opened(backend).await;
    let window = store.open_recovery(client(1), POLICY, at(0)).await;
    window.expect("opened");
    let used = store.use_recovery(client(1), request(1), at(1)).await;
    used.expect("open");
    let replayed = RecoveryRequest {
        request: request(2).request,
        ..request(1)
    };
    let used = store.use_recovery(client(1), replayed, at(1)).await;
    assert!(matches!(used, Err(RecoveryError::Replayed)), "{used:?}");
}

/// A second one does not add to the first.
pub async fn the_newest_window_counts(backend: &impl Backend) {
    let store = opened(backend).await;
    let once = RecoveryPolicy { uses: 1, ..POLICY };
    for policy in [POLICY, once] {
        let window = store.open_recovery(client(1), policy, at(0)).await;
        window.expect("opened");
    }
    let used = store.use_recovery(client(1), request(1), at(1)).await;
    used.expect("open");
    let second = store.use_recovery(client(1), request(2), at(1)).await;
    assert!(matches!(second, Err(RecoveryError::NotOpen)), "{second:?}");
    let windows = store.recoveries(client(1)).await.expect("read");
    let seen: Vec<_> = windows.iter().map(|window| window.uses_allowed).collect();
    assert_eq!(seen, [1, 2], "the newest first");
}

/// Closed before its time, nothing is answered in it; the next one is another.
pub async fn a_closed_window_stays_closed(backend: &impl Backend) {
    let store = opened(backend).await;
    store.close_recovery(client(1), at(0)).await.expect("none");
    let window = store.open_recovery(client(1), POLICY, at(0)).await;
    let former = window.expect("opened").ticket;
    let window = store.recovery_in_force(client(1), at(1)).await;
    assert_eq!(window.expect("open").ticket, former, "the same ticket");
    let used = store.use_recovery(client(1), request(1), at(1)).await;
    used.expect("open");
    for _ in 0..2 {
        let closed = store.close_recovery(client(1), at(2)).await;
        closed.expect("closed");
    }
    for n in [1, 2] {
        let used = store.use_recovery(client(1), request(n), at(3)).await;
        assert!(matches!(used, Err(RecoveryError::NotOpen)), "{used:?}");
    }
    let window = store.recovery_in_force(client(1), at(3)).await;
    assert!(matches!(window, Err(RecoveryError::NotOpen)), "{window:?}");
    let window = store.open_recovery(client(1), POLICY, at(0)).await;
    assert_ne!(window.expect("opened").ticket, former, "another ticket");
    let windows = store.recoveries(client(1)).await.expect("read");
    let closed: Vec<_> = windows.iter().map(|window| window.closed_at).collect();
    assert_eq!(closed, [None, Some(at(2))]);
}
