//! The audit log over REST: whose lines one sees, and that they can be verified without our code.

use std::path::Path;
use std::process::{Command, Output};

use portal_lifecycle::Curve;
use portal_sdk::ErrorId;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::alive::assert_signs;
use crate::expect::refused;
use crate::world::World;

const EVENTS: &str = "/api/v3/custodians/me/audit-events";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

async fn read(world: &World, key: &str, query: &str) -> Value {
    let path = format!("{EVENTS}{query}");
    let answer = world.call(Method::GET, &path, key, None).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.body
}

fn total(page: &Value) -> u64 {
    let total = page.pointer("/metadata/total").and_then(Value::as_u64);
    total.expect("a total")
}

fn results(page: &Value) -> &Vec<Value> {
    page.get("results")
        .and_then(Value::as_array)
        .expect("a list")
}

fn acts(page: &Value) -> Vec<&str> {
    let lines = results(page).iter();
    lines
        .map(|line| line.get("act").and_then(Value::as_str).expect("an act"))
        .collect()
}

/// The whole chain, in pages of three lines.
async fn pages(world: &World, key: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = read(world, key, &format!("?take=3{cursor}")).await;
        let next = page.pointer("/metadata/cursor").and_then(Value::as_str);
        let next = next.map(|next| format!("&cursor={next}"));
        pages.push(page);
        match next {
            Some(next) => cursor = next,
            None => return pages,
        }
    }
}

/// Runs the script of the documentation on these pages.
fn script(pages: &[Value], since: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let files = pages.iter().enumerate().map(|(number, page)| {
        let path = directory.path().join(format!("{number}.json"));
        std::fs::write(&path, page.to_string()).expect("a file");
        path
    });
    let files: Vec<_> = files.collect();
    let script = root().join("docs/verify_audit_log.py");
    let mut python = Command::new("python3");
    python.args(["-B".as_ref(), script.as_os_str()]);
    python.args(since).args(files);
    python.output().expect("Python 3")
}

/// Lines are of the key's environment alone, whatever is asked for; no other credential reads any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_ones_own_environment_is_read() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let other = world.operator();
    let other =
        other.create_custodian("Another", "test", None, portal_lifecycle::BackupMode::Plain);
    let other = other.await.expect("a customer");
    let (own, foreign) = (&world.customer.api_key, &other.api_key);
    let client = wallet.user.id;
    let state = crate::wallet::state_of(&wallet.portal).await;
    let wallet_id = state.wallets.first().expect("a wallet").id;
    let mine = read(&world, own, &format!("?clientId={client}")).await;
    assert_eq!(
        acts(&mine),
        ["CLIENT_MADE", "SIGNING_PAIR_MADE", "SIGNING_PAIR_CONFIRMED"]
    );
    let by_wallet = read(&world, own, &format!("?walletId={wallet_id}")).await;
    assert_eq!(results(&by_wallet), results(&mine));
    for query in [
        format!("?clientId={client}"),
        format!("?walletId={wallet_id}"),
        format!("?clientId={}", Uuid::nil()),
        format!("?walletId={}", Uuid::nil()),
    ] {
        assert_eq!(total(&read(&world, foreign, &query).await), 0, "{query}");
    }
    let theirs = read(&world, foreign, "").await;
    assert_eq!(acts(&theirs), ["ENVIRONMENT_MADE"]);
    for token in ["", "ptl_cust_x", &wallet.user.token, &wallet.user.api_key] {
        let answer = world.call(Method::GET, EVENTS, token, None).await;
        answer.is_problem(401, "AUTH_FAILED", "without a customer's key");
    }
}

/// Who did it, in which request, to what.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_says_who_did_what() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    assert_signs(&wallet.portal, &wallet.keys, "backed up").await;
    let key = &world.customer.api_key;
    let client = wallet.user.id.to_string();
    let of = async |act: &str| {
        let page = read(&world, key, &format!("?act={act}")).await;
        results(&page).first().cloned().unwrap_or_default()
    };
    let actor = |line: &Value| {
        let text = |name| {
            line.pointer(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        (text("/actor/kind").unwrap_or_default(), text("/actor/id"))
    };
    let by_operator = ("OPERATOR".to_owned(), None);
    assert_eq!(actor(&of("ENVIRONMENT_MADE").await), by_operator);
    let (kind, id) = actor(&of("CLIENT_MADE").await);
    assert_eq!(
        (kind.as_str(), id.map(|id| id.len())),
        ("CUSTODIAN_KEY", Some(16))
    );
    let by_client = ("CLIENT".to_owned(), Some(client.clone()));
    for act in [
        "SIGNING_PAIR_MADE",
        "SIGNING_PAIR_CONFIRMED",
        "BACKUP_PAIR_MADE",
        "BACKUP_PAIR_DELIVERED",
        "BACKUP_KEY_STORED",
        "BACKUP_PAIR_COMPLETED",
        "SIGNATURE",
    ] {
        let line = of(act).await;
        assert_eq!(actor(&line), by_client, "{act}");
        assert_eq!(line.get("clientId"), Some(&json!(client)), "{act}");
    }
    for (query, detail) in [
        (
            "?act=NOTHING",
            "expected `act` to be one of ENVIRONMENT_MADE",
        ),
        ("?take=101", "expected `take` from 1 to 100"),
        ("?cursor=x", "expected the `cursor` of a former page"),
        ("?since=yesterday", "the query string"),
        ("?clientID=x", "the query string"),
    ] {
        let path = format!("{EVENTS}{query}");
        let answer = world.call(Method::GET, &path, key, None).await;
        answer.is_problem(400, "BAD_REQUEST", query);
        let said = answer.body.get("detail").and_then(Value::as_str);
        assert!(
            said.is_some_and(|said| said.starts_with(detail)),
            "{said:?}"
        );
    }
}

/// The documentation alone is enough: what it says of the hash is what the server does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_verified_by_the_script_of_the_documentation() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    assert_signs(&wallet.portal, &wallet.keys, "backed up").await;
    let key = &world.customer.api_key;
    let pages = pages(&world, key).await;
    let whole = script(&pages, &[]);
    let said = String::from_utf8_lossy(&whole.stdout).into_owned();
    assert!(whole.status.success(), "{whole:?}");
    let lines: usize = pages.iter().map(|page| results(page).len()).sum();
    assert!(
        lines > 8 && said.starts_with(&format!("{lines}:")),
        "{said}"
    );

    // Every field of a line, each altered alone.
    let line = |pages: &[Value]| pages[1]["results"][1].clone();
    let fields = line(&pages);
    let fields = fields.as_object().expect("a line");
    for (field, value) in fields {
        let mut altered = pages.clone();
        altered[1]["results"][1][field] = match value {
            Value::Number(number) => json!(number.as_u64().unwrap_or_default() + 1),
            Value::Object(_) if field == "actor" => json!({ "kind": "WORKER", "id": null }),
            Value::Object(_) => json!({}),
            _ if field == "createdAt" => json!("2020-01-01T00:00:00Z"),
            _ if field.to_lowercase().ends_with("hash") => json!("00".repeat(32)),
            _ if field == "act" => json!("CLIENT_MADE_NOT"),
            _ => json!(Uuid::nil()),
        };
        assert_ne!(line(&altered), line(&pages), "{field}");
        assert!(!script(&altered, &[]).status.success(), "{field} altered");
    }
    let mut removed = pages.clone();
    removed.remove(1);
    assert!(!script(&removed, &[]).status.success(), "lines removed");
    let mut reordered = pages.clone();
    reordered.swap(1, 2);
    assert!(!script(&reordered, &[]).status.success(), "lines reordered");

    // The end is missing: the last page with a line, or its lines alone.
    let last = pages.iter().rposition(|page| !results(page).is_empty());
    let last = last.expect("lines");
    let cut = &pages[..last];
    assert!(!script(cut, &[]).status.success(), "a page cut off");
    let mut cut = pages.clone();
    let lines = cut[last]["results"].as_array_mut().expect("lines");
    lines.clear();
    assert!(!script(&cut, &[]).status.success(), "lines cut off");

    // From a checkpoint on, whose own line comes first, and is the one that it was taken of.
    let kept = &pages[1]["results"][0];
    let hash = kept["hash"].as_str().expect("a hash");
    let checkpoint = format!("{}:{hash}", kept["sequence"]);
    let other = format!("{}:{}", kept["sequence"], "00".repeat(32));
    let mut without = pages.clone();
    let first = without[1]["results"].as_array_mut().expect("lines");
    first.remove(0);
    let empty = json!({ "results": [], "metadata": pages[0]["metadata"] });
    for (pages, checkpoint, is_well, what) in [
        (&pages[1..], &checkpoint, true, "as it was written"),
        (&pages[1..], &other, false, "another line"),
        (
            &without[1..],
            &checkpoint,
            false,
            "without the checkpoint's line",
        ),
        (&[empty][..], &checkpoint, false, "no line at all"),
    ] {
        let seen = script(pages, &["--since", checkpoint]);
        assert_eq!(seen.status.success(), is_well, "{what}: {seen:?}");
    }
}

/// A part of the log is no export of it: what a filter left, or a chain that was given another
/// beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_without_its_first_line_is_refused() {
    let world = World::start().await;
    world.wallet().await;
    let key = &world.customer.api_key;
    let whole = read(&world, key, "").await;
    assert!(script(std::slice::from_ref(&whole), &[]).status.success());
    let no_line = format!("?clientId={}", Uuid::nil());
    for (page, told) in [
        (
            read(&world, key, "?act=CLIENT_MADE").await,
            "expected number 1",
        ),
        (
            read(&world, key, &no_line).await,
            "a chain that begins with",
        ),
        (without_the_first(&whole), "a chain that begins with"),
    ] {
        let seen = script(std::slice::from_ref(&page), &[]);
        let said = String::from_utf8_lossy(&seen.stderr).into_owned();
        assert!(
            !seen.status.success() && said.contains(told),
            "{told}: {seen:?} of {page}"
        );
    }
}

/// The lines after the first, numbered and hashed anew by the script's own function.
fn without_the_first(page: &Value) -> Value {
    const PROGRAM: &str = "
import json, sys
sys.path.insert(0, sys.argv[1])
from verify_audit_log import line_hash
lines, previous = json.load(open(sys.argv[2]))['results'][1:], '00' * 32
for number, line in enumerate(lines, 1):
    line.update(sequence=number, previousHash=previous)
    line['hash'] = previous = line_hash(line)
print(json.dumps({'results': lines, 'metadata': {'total': len(lines)}}))
";
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("page.json");
    std::fs::write(&file, page.to_string()).expect("a file");
    let mut python = Command::new("python3");
    python.args(["-B", "-c", PROGRAM]);
    let made = python.arg(root().join("docs")).arg(file).output();
    let made = made.expect("Python 3");
    serde_json::from_slice(&made.stdout).unwrap_or_else(|error| panic!("{error}: {made:?}"))
}

/// The example of the page, with the script of the page.
#[test]
fn the_worked_example_is_right() {
    let page = root().join("docs/audit-log.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let example = page.split("```json\n").nth(1).expect("an example");
    let example = example.split("```").next().expect("its end");
    let line: Value = serde_json::from_str(example).expect("JSON");
    let hash = line.get("hash").and_then(Value::as_str);
    let since = format!("42:{}", hash.expect("a hash"));
    let page = json!({ "results": [line], "metadata": { "total": 42 } });
    let seen = script(&[page], &["--since", &since]);
    assert!(seen.status.success(), "{seen:?}");
    let golden = include_str!("../../../../vectors/audit-line-v1.txt");
    let hash = golden.lines().find_map(|line| line.strip_prefix("hash = "));
    let expected = format!("42:{}\n", hash.expect("a hash"));
    assert_eq!(String::from_utf8_lossy(&seen.stdout), expected);
}

/// E11: no line, no signature. The device is told so, and signs when lines can be written again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_signature_leaves_without_its_line() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let rename = |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        let program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])";
        let done = Command::new("python3")
            .args(["-c", program])
            .arg(world.database())
            .arg(sql)
            .output()
            .expect("Python 3");
        assert!(done.status.success(), "{done:?}");
    };
    rename("audit_events", "away");
    for (curve, payload) in [(Curve::Secp256k1, [7_u8; 32]), (Curve::Ed25519, [7; 32])] {
        let signed = wallet.portal.raw_sign(curve, &payload).await;
        refused(signed, ErrorId::InternalError, "without an audit log");
    }
    rename("away", "audit_events");
    assert_signs(&wallet.portal, &wallet.keys, "with it again").await;
}
