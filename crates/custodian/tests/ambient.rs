//! Time and randomness are what the builder was given, for everything that a receiver does.

use std::sync::Arc;

use portal_api::TRACE_HEADER;
use portal_api::custodian_app::Recovery;
use portal_custodian::{BackendSecret, Receiver, Sealing, SealingKeys};
use portal_lifecycle::ids::TraceId;
use portal_seal::recipient::OpeningKey;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use zeroize::Zeroizing;

use crate::backend::{Backend, client};
use crate::signatures::now;

const BACKEND: &str = "the secret of a backend";

fn rng() -> StdRng {
    StdRng::from_seed([7; 32])
}

#[tokio::test]
async fn a_receiver_goes_by_the_clock_and_the_randomness_that_it_was_given() {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    let backend = Backend::start_with(dir, |store, _, secret| {
        let key = OpeningKey::from_bytes(Zeroizing::new([4; 32]));
        let keys = SealingKeys::new(vec![key]).expect("a key");
        let backend = BackendSecret::new(BACKEND).expect("a long secret");
        Receiver::builder(Arc::clone(&store) as _, secret)
            .sealing(Sealing::new(keys, store, backend))
            .clock(now)
            .entropy(|| Box::new(rng()))
            .build()
    })
    .await;
    let path = format!("/backend/clients/{}/recoveries", client(1));
    let opened = backend
        .request(Method::POST, &path)
        .bearer_auth(BACKEND)
        .json(&serde_json::json!({}));
    let opened = opened.send().await.expect("an answer");
    let mut random = [0; 10];
    rng().fill_bytes(&mut random);
    let expected = TraceId::make(now(), random).to_string();
    let seen = opened.headers().get(TRACE_HEADER).expect("a trace id");
    assert_eq!(seen.to_str().expect("ASCII"), expected);
    let opened: Recovery = opened.json().await.expect("a window");
    assert_eq!(opened.opened_at.0, now());
}
