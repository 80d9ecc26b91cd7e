//! The OpenAPI document: it is the one that is committed and served, and it leaves nothing out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::World;

/// The methods under which a path has operations.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) described: Value,
}

/// Every operation of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&portal_server::openapi()).expect("JSON");
    let paths = document.get("paths").and_then(Value::as_object);
    let mut operations = Vec::new();
    for (path, item) in paths.expect("paths") {
        for method in METHODS {
            if let Some(described) = item.get(method) {
                operations.push(Operation {
                    method,
                    path: path.clone(),
                    described: described.clone(),
                });
            }
        }
    }
    assert!(!operations.is_empty(), "expected operations");
    operations
}

#[test]
fn the_committed_document_is_the_one_of_this_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).expect("docs/openapi.json");
    assert!(
        committed == portal_server::openapi(),
        "docs/openapi.json is out of date; `cargo xtask openapi` writes it anew"
    );
}

#[tokio::test]
async fn the_served_document_is_the_one_of_this_code() {
    let world = World::start().await;
    let served = reqwest::get(format!("{}/openapi.json", world.url())).await;
    let served = served.expect("an answer");
    let media_type = served.headers().get("content-type").cloned();
    assert_eq!(media_type.expect("a type"), "application/json");
    let text = served.text().await.expect("text");
    assert_eq!(text, portal_server::openapi());
}

/// The page that `type` names in the repository is given by the server itself.
#[tokio::test]
async fn each_error_has_its_page_here() {
    let world = World::start().await;
    let get = async |id: &str| {
        let answer = reqwest::get(format!("{}/errors/{id}", world.url())).await;
        answer.expect("an answer")
    };
    for id in portal_lifecycle::ErrorId::ALL {
        let served = get(id.as_str()).await;
        assert_eq!(served.status(), 200, "{id}");
        let media_type = served.headers().get("content-type").cloned();
        assert_eq!(
            media_type.expect("a type"),
            "text/markdown; charset=utf-8",
            "{id}"
        );
        let page = served.text().await.expect("text");
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
        let committed = std::fs::read_to_string(format!("{committed}/{id}.md")).expect("a page");
        assert!(committed.starts_with(&page), "{id}: seen {page}");
    }
    let problem = get("NO_SUCH_ID").await;
    assert_eq!(problem.status(), 404);
    let problem: Value = problem.json().await.expect("a problem");
    let named = problem["type"].as_str().expect("a type");
    assert!(
        named.ends_with("/docs/errors/NOT_FOUND.md"),
        "expected the page of its id, seen {named}"
    );
}

/// What stands in the document is what is on the wire.
#[test]
fn names_are_those_of_the_wire() {
    let document: Value = serde_json::from_str(&portal_server::openapi()).expect("JSON");
    let listed = |schema: &str| -> Vec<String> {
        let names = document.pointer(&format!("/components/schemas/{schema}/enum"));
        serde_json::from_value(names.cloned().expect("names")).expect("texts")
    };
    let ids = portal_lifecycle::ErrorId::ALL.iter().map(|id| id.as_str());
    assert_eq!(listed("ErrorId"), ids.collect::<Vec<_>>());
    let statuses = portal_lifecycle::SigningStatus::ALL.iter();
    let statuses = statuses.map(|status| status.as_str());
    assert_eq!(listed("SigningStatus"), statuses.collect::<Vec<_>>());
}

/// References lead somewhere, names are given once, and every answer but a good one is a problem
/// that lists its ids.
#[test]
fn the_document_is_whole() {
    let document: Value = serde_json::from_str(&portal_server::openapi()).expect("JSON");
    assert_eq!(document.get("openapi"), Some(&Value::from("3.1.0")));
    let mut references = BTreeSet::new();
    references_in(&document, &mut references);
    for reference in &references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut names = BTreeSet::new();
    for Operation {
        method,
        path,
        described,
    } in operations()
    {
        let when = format!("{method} {path}");
        let name = described.get("operationId").and_then(Value::as_str);
        assert!(names.insert(name.expect("a name").to_owned()), "{when}");
        assert!(described.get("tags").is_some(), "{when}: expected a tag");
        let responses = described.get("responses").and_then(Value::as_object);
        for (status, response) in responses.expect("responses") {
            let when = format!("{when}: {status}");
            let trace = response.pointer("/headers/X-Portal-Trace-Id");
            assert!(trace.is_some(), "{when}: expected a trace id");
            // `/ready` tells what it found, also where that is not good.
            if status.starts_with(['4', '5']) && when != "get /ready: 503" {
                let ids = response.get("x-error-ids").and_then(Value::as_array);
                assert!(!ids.expect("ids").is_empty(), "{when}");
                let content = response.pointer("/content/application~1problem+json/schema");
                assert!(content.is_some(), "{when}: expected a problem");
            }
        }
    }
}

/// What is answered beside what a route's annotation names, and when to come again.
#[test]
fn what_any_route_may_answer_is_described() {
    let operations = operations();
    let answers = |name: &str| {
        let operation = operations
            .iter()
            .find(|operation| operation.described["operationId"] == name);
        operation.expect("an operation").described["responses"].clone()
    };
    let says_when = |answer: &Value| answer.pointer("/headers/Retry-After").is_some();
    let create = answers("createClient");
    for (status, may_say_when) in [
        ("408", false),
        ("409", true),
        ("413", false),
        ("429", true),
        ("503", true),
    ] {
        let answer = create.get(status);
        let answer = answer.unwrap_or_else(|| panic!("expected {status} in {create}"));
        assert_eq!(says_when(answer), may_say_when, "{status}");
    }
    // Another 409 says nothing of when.
    assert!(!says_when(&answers("eject")["409"]));
    assert!(answers("testWebhook").get("502").is_some());
    assert!(
        answers("redeemWebOtp").get("422").is_some(),
        "it takes a key"
    );
}

fn references_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object
                .values()
                .for_each(|value| references_in(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references_in(value, found)),
        _ => {}
    }
}
