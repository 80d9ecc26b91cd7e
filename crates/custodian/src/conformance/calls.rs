//! Calls that are answered once, among all processes.

use super::{Backend, at, opened};
use crate::CustodianStore as _;

/// By any process, and after a new start.
pub async fn a_call_is_heard_once(backend: &impl Backend) {
    let first = opened(backend).await;
    let second = opened(backend).await;
    assert!(first.hear("fetch_1", at(0), at(0)).await.expect("noted"));
    assert!(!first.hear("fetch_1", at(1), at(0)).await.expect("read"));
    assert!(!second.hear("fetch_1", at(1), at(0)).await.expect("read"));
    assert!(second.hear("fetch_2", at(1), at(0)).await.expect("noted"));
    drop((first, second));
    let third = opened(backend).await;
    assert!(!third.hear("fetch_2", at(2), at(0)).await.expect("read"));
}

/// Not before.
pub async fn an_id_is_forgotten_in_time(backend: &impl Backend) {
    let store = opened(backend).await;
    assert!(store.hear("fetch_1", at(5), at(0)).await.expect("noted"));
    assert!(!store.hear("fetch_1", at(9), at(5)).await.expect("read"));
    assert!(store.hear("fetch_1", at(9), at(6)).await.expect("noted"));
}
