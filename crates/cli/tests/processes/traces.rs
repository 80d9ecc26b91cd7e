//! Spans at a collector: one trace from the device's call to the customer's backend.

use std::collections::BTreeSet;
use std::fs;

use tokio::net::{TcpListener, TcpSocket};
use uuid::Uuid;

use crate::collector::{Collected, Collector};
use crate::end_user::http;
use crate::expect::until;
use crate::installation::{Installation, Setup};
use crate::metrics::{scrape, value};
use crate::signing::SIGN_EVM;

const BACKUP: [&str; 3] = ["backup", "--password-file", "password"];

fn installation(otlp: String, log: &'static str) -> Installation {
    let installation = Installation::start_with(Setup {
        log,
        otlp: Some(otlp),
        ..Setup::default()
    });
    fs::write(installation.path("password"), "a password of these tests").unwrap();
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
    let mut installation = installation(collector.url.clone(), "info");
    let mut reported: Vec<Uuid> = Vec::new();
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
    let kinds = kinds.map(str::to_owned).into_iter();
    let expected: Vec<_> = kinds.zip(reported.iter().copied()).collect();
    assert_eq!(seen, expected);
    let [_, backup, _] = reported[..] else {
        panic!("expected three operations, seen {reported:?}");
    };
    for log in ["server.log", "custodian.log"] {
        let lines = fs::read_to_string(installation.path(log)).unwrap();
        assert!(lines.contains(&backup.to_string()), "{log}: {lines}");
    }
    let calls = recorded.of("portal-server", "request");
    for operation in reported {
        assert_each_call_has_its_parent(&calls, operation);
    }

    // Customer's backend ← webhook ← operation ← session ← request ← device.
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
        assert_eq!(webhook.trace(), backup);
        let operation = recorded.around(webhook);
        assert_eq!(operation.attribute("kind").as_deref(), Some("backup"));
        let session = recorded.around(operation);
        assert_eq!(session.span.name, "session");
        let request = recorded.around(session);
        assert_eq!(request.span.name, "request");
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

/// A device's calls of one operation name a span each, which is nobody's here.
#[track_caller]
fn assert_each_call_has_its_parent(calls: &[&Collected], operation: Uuid) {
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| call.trace() == operation)
        .collect();
    let parents: BTreeSet<_> = calls.iter().map(|call| &call.span.parent_span_id).collect();
    assert!(!calls.is_empty(), "expected calls of {operation}");
    assert_eq!(parents.len(), calls.len(), "{parents:?}");
    assert!(
        parents.iter().all(|parent| parent.len() == 8),
        "{parents:?}"
    );
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
async fn a_stranger_decides_nothing_of_what_is_recorded() {
    let collector = Collector::start().await;
    // Spans are recorded whatever is logged.
    let mut installation = installation(collector.url.clone(), "off");
    let url = format!("{}/api/v3/clients/me", installation.server(0).url);
    let flags = ["00", "01", "ff"];
    let trace = |flags: &str| format!("0af7651916cd43dd8448eb211c8031{flags}");
    for flags in flags {
        let parent = format!("00-{}-b7ad6b7169203331-{flags}", trace(flags));
        let asked = http().get(&url).header("traceparent", parent);
        assert_eq!(asked.send().await.unwrap().status(), 401);
    }
    installation.stop_server(0);

    let recorded = Recorded(collector.spans());
    let requests = recorded.of("portal-server", "request");
    for flags in flags {
        let theirs = trace(flags).parse::<Uuid>().unwrap();
        let recorded = requests.iter().filter(|request| request.trace() == theirs);
        let recorded: Vec<_> = recorded.collect();
        assert_eq!(recorded.len(), 1, "a caller that says {flags}");
        assert_eq!(recorded[0].span.parent_span_id.len(), 8);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_changes_no_answer() {
    // The operating system takes the connections, and nobody ever answers.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let mut installation = installation(url, "off");
    for arguments in [&["create"][..], &BACKUP, &SIGN_EVM] {
        installation.wallet("phone", arguments);
    }
    // Both end well, though the last spans reach nobody.
    installation.stop_server(0);
    installation.stop_custodian();
}

/// Calls a server that keeps eight spans for a collector, and gives what its metrics say of those
/// that it dropped for this reason, once that is at least so much.
async fn dropped(otlp: String, reason: &str, at_least: f64) -> f64 {
    const CALLS: usize = 32;
    let serve = ["--metrics-listen", "127.0.0.1:0"];
    let installation = Installation::start_with(Setup {
        log: "off",
        otlp: Some(otlp),
        serve: serve.map(str::to_owned).to_vec(),
        environment: vec![
            ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ],
        ..Setup::default()
    });
    let (http, live) = (http(), format!("{}/live", installation.server(0).url));
    for _ in 0..CALLS {
        assert_eq!(http.get(&live).send().await.unwrap().status(), 204);
    }
    let series = format!("portal_trace_spans_dropped_total{{reason=\"{reason}\"}}");
    until(&series, async || {
        let seen = value(&scrape(&installation).await, &series);
        seen.filter(|seen| *seen >= at_least)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_reach_no_collector_are_counted() {
    // One that takes the first and never answers: the others find the queue full.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let seen = dropped(url, "queue_full", 1.0).await;
    assert!(seen <= 24.0, "eight wait, seen {seen}");

    // One that is down: each batch fails.
    let down = TcpSocket::new_v4().unwrap();
    down.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", down.local_addr().unwrap());
    let seen = dropped(url, "not_sent", 1.0).await;
    assert!(seen <= 32.0, "no more than there were, seen {seen}");
}
