//! Portal's question before a signature, and the app's own rules that answer it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portal_api::webhook::{ApproveSignature, RequestToApprove, WebhookRoute};
use portal_custodian::{Approver, Decision, Receiver, WebhookSecret};
use portal_lifecycle::ids::{SigningSharePairId, WalletId};
use portal_lifecycle::{Curve, ErrorId};
use reqwest::{Method, Response};
use uuid::Uuid;

use crate::backend::{Backend, client, problem};
use crate::signatures::{Caught, NEW, NOW_S, now};

/// Answers as the request's method says, and remembers what it was asked.
#[derive(Default)]
struct Rules {
    asked: Mutex<Vec<ApproveSignature>>,
}

#[async_trait]
impl Approver for Rules {
    async fn approve(&self, request: &ApproveSignature) -> Decision {
        self.asked.lock().expect("no panic").push(request.clone());
        match request.request.as_ref().map(|asked| asked.method.as_str()) {
            Some("allowed") => Decision::Allow,
            Some("broken") => Decision::Unavailable,
            _ => Decision::Deny {
                reason: "over the limit of the day".to_owned(),
            },
        }
    }
}

fn question(method: &str) -> ApproveSignature {
    ApproveSignature {
        client_id: client(1),
        wallet_id: WalletId(Uuid::from_u128(7)),
        curve: Curve::Secp256k1,
        signing_share_pair_id: SigningSharePairId(Uuid::from_u128(8)),
        request: Some(RequestToApprove {
            chain: "eip155:1".to_owned(),
            method: method.to_owned(),
            params: serde_json::json!([{"to": "0x35"}]),
            reading: serde_json::json!({"kind": "EVM_TRANSACTION", "to": "0x35"}),
            summary: "one coin".to_owned(),
            payload_index: 0,
            payload_count: 1,
        }),
        payload: portal_api::Base64Bytes(vec![7; 32]),
    }
}

fn signed(id: &str, question: &ApproveSignature) -> Caught {
    let body = serde_json::to_vec(question).expect("JSON");
    Caught::new(WebhookRoute::Approve, id, NOW_S, NEW, body)
}

async fn backend(approver: Option<Arc<Rules>>) -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    let secret = WebhookSecret::new(NEW).expect("a secret");
    Backend::start_with(dir, |store, _, _| {
        let builder = Receiver::builder(store, secret).clock(now);
        match approver {
            Some(rules) => builder.approver(rules).build(),
            None => builder.build(),
        }
    })
    .await
}

fn status(answer: &Response) -> u16 {
    answer.status().as_u16()
}

#[tokio::test]
async fn the_apps_own_rules_answer() {
    let rules = Arc::new(Rules::default());
    let backend = backend(Some(Arc::clone(&rules))).await;
    let allowed = signed("approve_1", &question("allowed"))
        .send(&backend)
        .await;
    assert_eq!(status(&allowed), 204);
    let denied = signed("approve_2", &question("denied"))
        .send(&backend)
        .await;
    let told = problem(denied, 403, ErrorId::Forbidden).await;
    assert_eq!(told.detail, "over the limit of the day");
    let broken = signed("approve_3", &question("broken"))
        .send(&backend)
        .await;
    problem(broken, 503, ErrorId::Unavailable).await;
    let mut raw = question("none");
    raw.request = None;
    let denied = signed("approve_4", &raw).send(&backend).await;
    problem(denied, 403, ErrorId::Forbidden).await;
    let asked = rules.asked.lock().expect("no panic").clone();
    let expected = ["allowed", "denied", "broken"].map(question);
    assert_eq!(asked[..3], expected, "what Portal asked, whole");
    assert_eq!(asked[3], raw);
}

/// A question holds a request as it came and as it was read: more than other calls.
#[tokio::test]
async fn a_question_may_be_as_large_as_a_request() {
    let rules = Arc::new(Rules::default());
    let backend = backend(Some(Arc::clone(&rules))).await;
    let mut large = question("allowed");
    let request = large.request.as_mut().expect("a request");
    request.reading = "x".repeat(900 * 1024).into();
    let allowed = signed("approve_1", &large).send(&backend).await;
    assert_eq!(status(&allowed), 204);
    let request = large.request.as_mut().expect("a request");
    request.reading = "x".repeat(1024 * 1024).into();
    let refused = signed("approve_2", &large).send(&backend).await;
    problem(refused, 413, ErrorId::PayloadTooLarge).await;
}

/// Whoever can ask can learn nothing, and whoever caught a yes cannot have it again.
#[tokio::test]
async fn only_portal_is_answered_and_once() {
    let rules = Arc::new(Rules::default());
    let backend = backend(Some(Arc::clone(&rules))).await;
    let caught = signed("approve_1", &question("allowed"));
    let mut altered = caught.clone();
    altered.body = serde_json::to_vec(&question("other")).expect("JSON");
    let unsigned = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let unsigned = unsigned
        .into_iter()
        .fold(caught.clone(), |call, name| call.without(name));
    let other_path = signed("fetch_1", &question("allowed"));
    for call in [altered, unsigned, other_path] {
        problem(call.send(&backend).await, 401, ErrorId::AuthFailed).await;
    }
    assert_eq!(rules.asked.lock().expect("no panic").len(), 0);
    assert_eq!(status(&caught.send(&backend).await), 204);
    problem(caught.send(&backend).await, 401, ErrorId::AuthFailed).await;
    assert_eq!(rules.asked.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_question_that_is_none_is_told_by_its_field() {
    let rules = Arc::new(Rules::default());
    let backend = backend(Some(Arc::clone(&rules))).await;
    let mut body = serde_json::to_value(question("allowed")).expect("JSON");
    body.as_object_mut().expect("an object").remove("payload");
    let body = serde_json::to_vec(&body).expect("JSON");
    let call = Caught::new(WebhookRoute::Approve, "approve_1", NOW_S, NEW, body);
    let told = problem(call.send(&backend).await, 400, ErrorId::BadRequest).await;
    assert_eq!(told.detail, "the field payload is missing");
    assert_eq!(rules.asked.lock().expect("no panic").len(), 0);
}

/// A receiver that only stores has neither rules nor a login for apps, and no such paths.
#[tokio::test]
async fn what_was_not_given_to_the_builder_is_no_path() {
    let backend = backend(None).await;
    let asked = signed("approve_1", &question("allowed"))
        .send(&backend)
        .await;
    problem(asked, 404, ErrorId::NotFound).await;
    let texts = backend.app(client(1), Method::GET, client(1)).send().await;
    let told = problem(texts.expect("an answer"), 404, ErrorId::NotFound).await;
    assert_eq!(told.detail, "there is no such path");
}
