//! Whoever watches the process.

use portal_lifecycle::ErrorId;
use reqwest::Method;

use crate::backend::{Backend, client, problem, share_of};

#[tokio::test]
async fn it_is_live_without_its_store_and_ready_only_with_it() {
    let backend = Backend::start().await;
    let status = async |path| {
        let answer = backend.request(Method::GET, path).send().await;
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(status("/live").await, 200);
    assert_eq!(status("/ready").await, 200);

    backend.store.close().await;
    assert_eq!(status("/live").await, 200);
    let ready = backend.request(Method::GET, "/ready").send().await;
    let told = problem(ready.expect("an answer"), 503, ErrorId::Unavailable).await;
    assert!(told.retryable);
    let share = backend.deliver(&share_of(client(1), 1, "text")).await;
    problem(share, 503, ErrorId::Unavailable).await;
}
