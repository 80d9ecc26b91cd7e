//! What holds for every route, added to the annotations of each.

use std::collections::{BTreeMap, BTreeSet};

use portal_api::session::PATH as SESSION_PATH;
use portal_api::{PROBLEM_MEDIA_TYPE, Problem};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::TraceId;
use serde_json::{Map, Value, json};

use super::problems::{ERROR_IDS, Occurrence};
use super::{frames, names};
use crate::idempotency::KEY_BYTES;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The ids of the problems of each status.
type Problems = BTreeMap<u16, BTreeSet<ErrorId>>;

pub(super) fn complete(document: &mut Value) {
    if let Some(components) = object_at(document, "/components") {
        components.insert("securitySchemes".to_owned(), security_schemes());
        components.insert("headers".to_owned(), headers());
        components.insert("parameters".to_owned(), parameters());
        let schemas = components
            .entry("schemas")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(schemas) = schemas.as_object_mut() {
            schemas.insert("Problem".to_owned(), schema_of::<Problem>());
            schemas.insert("ErrorId".to_owned(), schema_of::<ErrorId>());
            schemas.insert("TraceId".to_owned(), schema_of::<TraceId>());
            frames::describe(schemas);
            names::describe(schemas);
        }
    }
    let paths = document
        .pointer_mut("/paths")
        .and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                complete_operation(operation);
                if path == SESSION_PATH {
                    frames::refer(operation);
                }
            }
        }
    }
}

fn complete_operation(operation: &mut Map<String, Value>) {
    let problems = problems_of(operation);
    let parameters = operation
        .entry("parameters")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Some(parameters) = parameters.as_array_mut() {
        for parameter in parameters.iter_mut() {
            if is_key(parameter) {
                *parameter = json!({ "$ref": "#/components/parameters/IdempotencyKey" });
            }
        }
        parameters.push(json!({ "$ref": "#/components/parameters/TraceId" }));
    }
    if let Some(body) = operation.get_mut("requestBody") {
        without_null(body);
    }
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (status, ids) in problems {
        let own = responses.get(&status.to_string());
        if own.is_some_and(|response| response.get("content").is_some()) {
            // `/ready` says in its own words that it is not.
            continue;
        }
        responses.insert(status.to_string(), problem_response(status, &ids));
    }
    for (status, response) in responses.iter_mut() {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        let is_told_when = says_when(response);
        let headers = response
            .entry("headers")
            .or_insert_with(|| Value::Object(Map::new()));
        let mut add = |name: &str, component: &str| {
            if let Some(headers) = headers.as_object_mut() {
                let reference = format!("#/components/headers/{component}");
                headers.insert(name.to_owned(), json!({ "$ref": reference }));
            }
        };
        add("X-Portal-Trace-Id", "TraceId");
        if status == "401" {
            add("WWW-Authenticate", "Challenge");
        }
        if is_told_when {
            add("Retry-After", "RetryAfter");
        }
    }
}

/// Whether an answer may say when to come again.
fn says_when(response: &Map<String, Value>) -> bool {
    let ids = response.get(ERROR_IDS).and_then(Value::as_array);
    let mut ids = ids.into_iter().flatten();
    ids.any(|id| {
        let id = id.as_str().and_then(ErrorId::from_wire);
        matches!(
            id,
            Some(
                ErrorId::RateLimited | ErrorId::IdempotentRequestInProgress | ErrorId::Unavailable
            )
        )
    })
}

/// A body that may be left out is none, not `null`.
fn without_null(body: &mut Value) {
    let schema = body.pointer_mut("/content/application~1json/schema");
    let Some(schema) = schema else { return };
    let kinds = schema.get("oneOf").and_then(Value::as_array);
    let kind = kinds.and_then(|kinds| {
        let is_null = |kind: &&Value| kind.get("type").and_then(Value::as_str) == Some("null");
        kinds.iter().find(|kind| !is_null(kind)).cloned()
    });
    if let Some(kind) = kind {
        *schema = kind;
    }
}

fn is_key(parameter: &Value) -> bool {
    parameter.get("name").and_then(Value::as_str) == Some("Idempotency-Key")
}

fn has_key(operation: &Map<String, Value>) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.is_some_and(|parameters| parameters.iter().any(is_key))
}

/// What the annotation names, and what any such route may answer.
fn problems_of(operation: &Map<String, Value>) -> Problems {
    let mut problems = Problems::new();
    let responses = operation.get("responses").and_then(Value::as_object);
    for (status, response) in responses.into_iter().flatten() {
        let (Ok(status), Some(ids)) = (status.parse(), response.get(ERROR_IDS)) else {
            continue;
        };
        let ids = ids.as_array().into_iter().flatten();
        let ids = ids.filter_map(Value::as_str).filter_map(ErrorId::from_wire);
        problems.entry(status).or_default().extend(ids);
    }
    let mut any = vec![
        Occurrence::of(ErrorId::BadRequest),
        Occurrence::of(ErrorId::InternalError),
        Occurrence::of(ErrorId::Unavailable),
    ];
    if operation.contains_key("security") {
        any.push(Occurrence::of(ErrorId::AuthFailed));
        any.push(Occurrence::of(ErrorId::RateLimited));
    }
    if has_key(operation) {
        any.push(Occurrence::of(ErrorId::IdempotentRequestInProgress));
        any.push(Occurrence::of(ErrorId::IdempotentRequestMismatch));
    }
    if operation.contains_key("requestBody") {
        any.push(Occurrence::of(ErrorId::PayloadTooLarge));
        any.push(Occurrence::of(ErrorId::BadRequest).at(408));
        any.push(Occurrence::of(ErrorId::BadRequest).at(415));
    }
    for Occurrence { id, status } in any {
        problems.entry(status).or_default().insert(id);
    }
    problems
}

fn problem_response(status: u16, ids: &BTreeSet<ErrorId>) -> Value {
    let titles: Vec<&str> = ids.iter().map(|id| id.page().title).collect();
    let example = |id: &ErrorId| {
        let problem = Problem::new(*id, id.page().meaning, example_trace()).with_status(status);
        (id.to_string(), json!({ "value": problem }))
    };
    let examples: Map<String, Value> = ids.iter().map(example).collect();
    let schema = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            {
                "type": "object",
                "properties": { "id": { "enum": ids }, "status": { "const": status } },
            },
        ],
    });
    json!({
        "description": format!("{}.", titles.join("; or: ")),
        "content": { (PROBLEM_MEDIA_TYPE): { "schema": schema, "examples": examples } },
        (ERROR_IDS): ids,
    })
}

fn example_trace() -> TraceId {
    let trace = "0192f0c1-2f5e-7c3a-9d41-5a0b8c7e6f10";
    trace.parse().unwrap_or(TraceId(uuid::Uuid::nil()))
}

fn security_schemes() -> Value {
    let bearer = |prefix: &str, what: &str| {
        json!({
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": format!("{prefix} and 256 random bits"),
            "description": what,
        })
    };
    json!({
        "custodianApiKey": bearer(
            "ptl_cust_",
            "The API key of an environment of the customer's; lives until it is revoked.",
        ),
        "clientApiKey": bearer("ptl_clnt_", "A client's API key; lives until it is revoked."),
        "clientSessionToken": bearer(
            "ptl_sess_",
            "A client's session token; ends after 24 idle hours, or 7 days.",
        ),
    })
}

fn headers() -> Value {
    json!({
        "TraceId": {
            "description": "The trace id of the request.",
            "schema": { "type": "string", "format": "uuid" },
        },
        "RetryAfter": {
            "description": "In how many seconds to try again.",
            "schema": { "type": "integer", "minimum": 1 },
        },
        "Challenge": {
            "description": "`Bearer` (RFC 6750 section 3).",
            "schema": { "type": "string" },
        },
    })
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Chosen by the caller for this request. The same request with the same \
                key is acted on once; for thirty days it gets the same answer again.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": KEY_BYTES,
                "pattern": "^[!-~]+$",
            },
        },
        "TraceId": {
            "name": "X-Portal-Trace-Id",
            "in": "header",
            "required": false,
            "description": "A UUID that the request is to be known by, in logs, MPC sessions and \
                webhooks. Anything else is replaced by a new one.",
            "schema": { "type": "string" },
        },
    })
}

fn schema_of<T: utoipa::PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

fn object_at<'a>(document: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    document.pointer_mut(pointer)?.as_object_mut()
}
