//! Spans at a collector: one trace from the device's call to the customer's backend.

use std::collections::BTreeSet;

use tokio::net::TcpListener;

use crate::collector::{Collected, Collector};
use crate::installation::{Installation, Setup};
use crate::signing::SIGN_EVM;

const BACKUP: [&str; 3] = ["backup", "--password-file", "password"];

fn installation(otlp: String) -> Installation {
    let installation = Installation::start_with(Setup {
        // Spans are recorded whatever is logged.
        log: "off",
        otlp: Some(otlp),
        ..Setup::default()
    });
    std::fs::write(installation.path("password"), "a password of these tests").unwrap();
    installation.client("phone", &["create"]);
    installation
}

/// What was recorded, of which one can ask.
struct Recorded(Vec<Collected>);

impl Recorded {
    fn of(&self, service: &str, name: &str) -> Vec<&Collected> {
        let found = self.0.iter();
        found
            .filter(|found| found.service == service && found.span.name == name)
            .collect()
    }

    /// The span around another, of the same trace.
    #[track_caller]
    fn around(&self, inner: &Collected) -> &Collected {
        let around = self
            .0
            .iter()
            .find(|outer| outer.span.span_id == inner.span.parent_span_id)
            .unwrap_or_else(|| panic!("expected a span around {:?}", inner.span));
        assert_eq!(around.trace(), inner.trace(), "{:?}", inner.span);
        around
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_device_to_the_customers_backend() {
    let collector = Collector::start().await;
    let mut installation = installation(collector.url.clone());
    let mut reported = Vec::new();
    for arguments in [&["create"][..], &BACKUP, &SIGN_EVM] {
        let told = installation.wallet("phone", arguments);
        let trace_id = told["report"]["traceId"].as_str().unwrap();
        reported.push(trace_id.parse().unwrap());
    }
    // What is left is sent at the end.
    installation.stop_server(0);
    installation.stop_custodian();

    let recorded = Recorded(collector.spans());
    let operations = recorded.of("portal-server", "operation");
    let seen: Vec<_> = operations
        .iter()
        .map(|operation| {
            let kind = operation.attribute("kind").unwrap();
            assert_eq!(operation.attribute("outcome").as_deref(), Some("ok"));
            // The trace is the one that the device, the logs and the audit log name.
            (kind, operation.trace())
        })
        .collect();
    let kinds = ["generate", "backup", "sign_secp256k1"];
    let expected: Vec<_> = kinds.map(str::to_owned).into_iter().zip(reported).collect();
    assert_eq!(seen, expected);

    // Customer's backend ← webhook ← operation ← session ← request.
    for call in ["backup", "backup/fetch"] {
        let webhooks = recorded.of("portal-server", "webhook");
        let webhook = webhooks
            .iter()
            .find(|webhook| webhook.attribute("call").as_deref() == Some(call));
        let webhook = webhook.unwrap_or_else(|| panic!("expected a call {call}"));
        let received = recorded.of("portal-custodian", "request");
        let received = received
            .iter()
            .find(|received| received.span.parent_span_id == webhook.span.span_id);
        let received = received.unwrap_or_else(|| panic!("expected the receiver's span of {call}"));
        assert_eq!(received.trace(), webhook.trace());
        let operation = recorded.around(webhook);
        assert_eq!(operation.attribute("kind").as_deref(), Some("backup"));
        let session = recorded.around(operation);
        assert_eq!(session.span.name, "session");
        let request = recorded.around(session);
        assert_eq!(request.span.name, "request");
        assert!(request.span.parent_span_id.is_empty(), "{:?}", request.span);
    }
    for name in ["step", "transaction"] {
        let inner = recorded.of("portal-server", name);
        assert!(
            inner.len() >= 8,
            "expected each {name}, seen {}",
            inner.len()
        );
    }
    assert_nobody_is_named(&recorded.0);
}

/// Names are words of the program, and no id of anybody is an attribute.
fn assert_nobody_is_named(recorded: &[Collected]) {
    let names: BTreeSet<_> = recorded
        .iter()
        .map(|found| found.span.name.as_str())
        .collect();
    let expected = [
        "operation",
        "request",
        "session",
        "step",
        "transaction",
        "webhook",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    for found in recorded {
        assert!(found.span.events.is_empty(), "{:?}", found.span);
        for attribute in &found.span.attributes {
            let named = found.attribute(&attribute.key).unwrap_or_default();
            let is_id = named.parse::<uuid::Uuid>().is_ok();
            assert_eq!(is_id, attribute.key == "trace_id", "{attribute:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_changes_no_answer() {
    // The operating system takes the connections, and nobody ever answers.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let mut installation = installation(url);
    for arguments in [&["create"][..], &BACKUP, &SIGN_EVM] {
        installation.wallet("phone", arguments);
    }
    // Both end well, though the last spans reach nobody.
    installation.stop_server(0);
    installation.stop_custodian();
}
