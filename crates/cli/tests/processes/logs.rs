//! Lines of the log lead to each other: each of an operation has the operation's trace id, at the
//! server, at the customer's backend and on the device.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::expect::until;
use crate::installation::{Installation, Setup};
use crate::signing::{SIGN_EVM, SIGN_SOLANA};

const BACKUP: [&str; 3] = ["backup", "--password-file", "password"];

fn installation(log: &'static str, log_format: &'static str) -> Installation {
    let installation = Installation::start_with(Setup {
        log,
        log_format,
        ..Setup::default()
    });
    fs::write(installation.path("password"), "a password of these tests").unwrap();
    installation.client("phone", &["create"]);
    installation
}

fn lines(installation: &Installation, log: &str) -> Vec<Value> {
    let text = fs::read_to_string(installation.path(log)).unwrap();
    let lines = text.lines().map(|line| {
        let parsed = serde_json::from_str::<Value>(line);
        parsed.unwrap_or_else(|_| panic!("{log}: expected JSON, seen {line}"))
    });
    lines.collect()
}

/// The trace ids of a line: of itself and of its spans.
fn trace_ids(line: &Value) -> BTreeSet<&str> {
    let spans = line["spans"].as_array().into_iter().flatten();
    let fields = spans.chain([&line["fields"], &line["span"]]);
    fields
        .filter_map(|fields| fields["trace_id"].as_str())
        .collect()
}

fn of_report(told: &Value) -> String {
    told["report"]["traceId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_line_of_an_operation_has_its_trace_id() {
    let mut installation = installation("trace", "json");
    let mut operations = Vec::new();
    for (kind, calls_webhook, arguments) in [
        ("generate", false, &["create"][..]),
        ("backup", true, &BACKUP),
        ("sign_secp256k1", false, &SIGN_EVM),
        ("sign_ed25519", false, &SIGN_SOLANA),
        ("refresh", false, &["refresh"]),
    ] {
        let told = installation.wallet("phone", arguments);
        operations.push((kind, calls_webhook, of_report(&told)));
    }
    // One that ends with a problem, whose delivery the outbox takes up.
    installation.kill_custodian();
    let failed = installation.wallet_error("phone", &BACKUP);
    assert_eq!(failed["id"], "WEBHOOK_FAILED");
    let failed = failed["traceId"].as_str().unwrap().to_owned();
    installation.start_custodian();
    let log = installation.path("custodian.log");
    until("a delivery from the outbox under the same id", async || {
        fs::read_to_string(&log)
            .unwrap()
            .contains(&failed)
            .then_some(())
    })
    .await;
    installation.stop_server(0);

    let server = lines(&installation, "server.log");
    let custodian = lines(&installation, "custodian.log");
    for (log, at_least, lines) in [("server", 20, &server), ("custodian", 5, &custodian)] {
        let of_requests = lines
            .iter()
            .filter(|line| line["target"].as_str().unwrap().starts_with("portal_"))
            .filter(|line| {
                !line["target"]
                    .as_str()
                    .unwrap()
                    .starts_with("portal_serving")
            });
        let of_requests: Vec<_> = of_requests.collect();
        assert!(of_requests.len() >= at_least, "{log}: {of_requests:?}");
        for line in of_requests {
            // One, and the same in every span.
            assert_eq!(trace_ids(line).len(), 1, "{log}: {line}");
        }
    }
    let about = |lines: &[Value], trace_id: &str| -> Vec<Value> {
        let about = lines
            .iter()
            .filter(|line| trace_ids(line).contains(trace_id));
        about.cloned().collect()
    };
    let mut seen = BTreeSet::new();
    for (kind, calls_webhook, trace_id) in &operations {
        assert!(seen.insert(trace_id), "{kind}: expected an id of its own");
        let there = about(&server, trace_id);
        let ended = there
            .iter()
            .find(|line| line["fields"]["message"] == "operation ended");
        let ended = ended.unwrap_or_else(|| panic!("{kind}: expected its end in {there:?}"));
        assert_eq!(ended["span"]["kind"], *kind, "{ended}");
        let answered = there
            .iter()
            .filter(|line| line["fields"]["message"] == "answered");
        assert!(answered.count() >= 1, "{kind}: {there:?}");
        let heard = !about(&custodian, trace_id).is_empty();
        assert_eq!(heard, *calls_webhook, "{kind} at the customer's backend");
    }
    // What fails is found by the id that its caller is told.
    let there = about(&server, &failed);
    for expected in ["operation ended", "session ended with a problem"] {
        assert!(
            there
                .iter()
                .any(|line| line["fields"]["message"] == expected),
            "expected {expected:?} in {there:?}"
        );
    }
}

#[tokio::test]
async fn a_line_of_text_has_it_too_and_at_the_usual_level() {
    let mut installation = installation("warn", "text");
    installation.wallet("phone", &["create"]);
    installation.kill_custodian();
    let failed = installation.wallet_error("phone", &BACKUP);
    let trace_id = failed["traceId"].as_str().unwrap().to_owned();
    // The outbox tries again, under the same id, and says that it failed.
    let log = installation.path("server.log");
    let line = until("a line about it", async || {
        let text = fs::read_to_string(&log).unwrap();
        let line = text.lines().find(|line| line.contains("not delivered"));
        line.map(str::to_owned)
    })
    .await;
    assert!(line.contains(&trace_id), "expected {trace_id} in {line}");
}
