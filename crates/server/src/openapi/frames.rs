//! The WebSocket's conversation: OpenAPI has no words for one, so its frames are schemas beside the
//! routes.

use std::borrow::Cow;

use portal_api::limits::FRAME_BYTES;
use portal_api::session::{ClientFrame, PROTOCOL_VERSION, ServerFrame, Start};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// What the WebSocket's route says of it.
pub(crate) fn conversation() -> String {
    let kib = FRAME_BYTES / 1024;
    format!(
        r#"The upgrade is the one of RFC 6455: `Connection: Upgrade`, `Upgrade: websocket`,
`Sec-WebSocket-Version: 13`, `Sec-WebSocket-Key`. A call without them is answered 426.
The credential is in `Authorization`, or, where a browser cannot set that header, in `token`
of the first frame; never in the URL.

One connection runs one operation: Generate, Backup, Recover, Refresh, Sign or CheckBackup. Frames
with JSON are text frames, MPC messages binary ones; none has more than {kib} KiB. What may be in a
text frame: `SessionServerFrame` and `SessionClientFrame` in the components.

1. server → client: `{{"type":"hello","protocolVersion":{PROTOCOL_VERSION},"serverNonce":…}}`
2. client → server: `{{"type":"start","protocolVersion":{PROTOCOL_VERSION},"token"?:…,"traceId"?:…,
   "deviceId":…,"operationId":…,"clientNonce":…,"deadlineMs"?:…,"operation":{{"kind":…}}}}`
3. server → client: `{{"type":"started",…}}` with the ids of what is being made (not for a
   signature)
4. in a sealed backup, client → server: `{{"type":"blinds","blinds":…}}`
5. MPC messages, client first, in turn
6. server → client: `{{"type":"done",…}}`; or, at any point instead,
   `{{"type":"problem","problem":{{…}}}}`, which ends the session

Then the server closes, with a close frame without a code: a client's library shows 1005. What was
wrong is in the `problem` frame, never in a code. A client that hears 1006, or nothing, has lost the
connection: `operationId` finds what was made by then. The server pings every ten seconds; a client
that closes, with whatever code, cancels what was not committed."#
    )
}

/// Adds the frames, and whatever they are made of.
pub(super) fn describe(schemas: &mut Map<String, Value>) {
    let mut found: Vec<(Cow<'_, str>, RefOr<Schema>)> = vec![
        (
            ServerFrame::name(),
            <ServerFrame as utoipa::PartialSchema>::schema(),
        ),
        (
            ClientFrame::name(),
            <ClientFrame as utoipa::PartialSchema>::schema(),
        ),
    ];
    let mut parts = Vec::new();
    ServerFrame::schemas(&mut parts);
    ClientFrame::schemas(&mut parts);
    found.extend(
        parts
            .into_iter()
            .map(|(name, schema)| (name.into(), schema)),
    );
    for (name, schema) in found {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        if let (true, Some(start)) = (name == Start::name(), schema.as_object_mut()) {
            // A frame is this and its `type`.
            start.remove("additionalProperties");
        }
        schemas.entry(name).or_insert(schema);
    }
}

/// Says at the route which frames each side sends.
pub(super) fn refer(operation: &mut Map<String, Value>) {
    let frames = json!({
        "server": { "$ref": "#/components/schemas/SessionServerFrame" },
        "client": { "$ref": "#/components/schemas/SessionClientFrame" },
    });
    operation.insert("x-websocket-text-frames".to_owned(), frames);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use portal_api::sealed::{BlindedRecovery, SealedBlind};
    use portal_api::session::{
        ClientFrame, Done, Operation, Outcome, PROTOCOL_VERSION, PairIds, ServerFrame, Start,
        Started, Wanted,
    };
    use portal_api::{Base64Bytes, Problem, Time};
    use portal_lifecycle::ids::{
        BackupSharePairId, DeviceId, OperationId, SigningSharePairId, TraceId, WalletId,
    };
    use portal_lifecycle::{
        BackupMethod, BackupMode, BackupStatus, Curve, ErrorId, PerCurve, SigningStatus, Timestamp,
    };
    use serde_json::{Map, Value, json};
    use uuid::Uuid;

    fn both<T: Clone>(value: T) -> PerCurve<T> {
        PerCurve::new(value.clone(), value)
    }

    fn bytes() -> Base64Bytes {
        Base64Bytes(vec![1; 32])
    }

    fn blind() -> SealedBlind {
        SealedBlind {
            key_id: bytes(),
            point: bytes(),
            encapsulated: bytes(),
            cipher_text: bytes(),
        }
    }

    fn json<T: serde::Serialize>(frames: Vec<T>) -> Vec<Value> {
        let frames = frames.into_iter();
        let frames = frames.map(|frame| serde_json::to_value(frame).expect("JSON"));
        frames.collect()
    }

    fn signing() -> PerCurve<SigningSharePairId> {
        both(SigningSharePairId(Uuid::nil()))
    }

    fn backup() -> PerCurve<BackupSharePairId> {
        both(BackupSharePairId(Uuid::nil()))
    }

    fn outcomes() -> Vec<Outcome> {
        vec![
            Outcome::SigningPair {
                ids: signing(),
                status: SigningStatus::StoredDatabase,
            },
            Outcome::BackupPair {
                ids: backup(),
                status: BackupStatus::Pending,
                proofs: Some(both(bytes())),
            },
            Outcome::Signature,
            Outcome::BackupProof {
                ids: backup(),
                proved_at: Time(Timestamp::from_ms(0)),
                proofs: None,
            },
        ]
    }

    fn server_frames() -> Vec<ServerFrame> {
        let started = |new_pair, source_pair| {
            ServerFrame::Started(Started {
                wallet_ids: both(WalletId(Uuid::nil())),
                generation: 1,
                new_pair,
                source_pair,
            })
        };
        let mut frames = vec![
            ServerFrame::Hello {
                protocol_version: PROTOCOL_VERSION,
                server_nonce: bytes(),
            },
            started(PairIds::Signing(signing()), None),
            started(PairIds::Backup(backup()), Some(PairIds::Signing(signing()))),
            ServerFrame::Problem {
                problem: Problem::new(ErrorId::NotFound, "…", TraceId(Uuid::nil())),
            },
        ];
        frames.extend(outcomes().into_iter().map(|outcome| {
            ServerFrame::Done(Done {
                outcome,
                server_us: 1,
            })
        }));
        frames
    }

    fn wanted() -> Vec<Wanted> {
        let request = Wanted::Request {
            chain: "sepolia".to_owned(),
            method: "personal_sign".to_owned(),
            params: json!(["0x00"]),
            payload_index: 0,
        };
        vec![request, Wanted::raw(vec![1])]
    }

    fn operations() -> Vec<Operation> {
        let mut operations = vec![
            Operation::Generate,
            Operation::Backup {
                backup_method: BackupMethod::Password,
                backup_mode: BackupMode::Sealed,
                signing_share_pair_ids: signing(),
            },
            Operation::Recover {
                backup_share_pair_ids: backup(),
                blinded: Some(Box::new(BlindedRecovery {
                    blinds: both(blind()),
                    proofs: both(bytes()),
                })),
            },
            Operation::Refresh {
                signing_share_pair_ids: signing(),
            },
            Operation::CheckBackup {
                backup_share_pair_ids: backup(),
                cipher_text_digest: bytes(),
                proofs: both(bytes()),
            },
        ];
        operations.extend(wanted().into_iter().map(|wanted| Operation::Sign {
            curve: Curve::Ed25519,
            signing_share_pair_id: SigningSharePairId(Uuid::nil()),
            wanted,
        }));
        operations
    }

    fn client_frames() -> Vec<ClientFrame> {
        let blinds = ClientFrame::Blinds {
            blinds: both(blind()),
        };
        let starts = operations().into_iter().map(|operation| {
            ClientFrame::Start(Start {
                protocol_version: PROTOCOL_VERSION,
                token: Some("ptl_sess_…".to_owned()),
                trace_id: Some(TraceId(Uuid::nil())),
                device_id: DeviceId(Uuid::nil()),
                operation_id: OperationId(Uuid::nil()),
                client_nonce: bytes(),
                deadline_ms: Some(1),
                operation,
            })
        });
        starts.chain([blinds]).collect()
    }

    /// What a schema of an object says, wherever it says it.
    #[derive(Default)]
    struct Object {
        properties: BTreeMap<String, Value>,
        required: BTreeSet<String>,
    }

    fn look_up<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.trim_start_matches('#');
                look_up(document, document.pointer(pointer).expect("a schema"))
            }
            None => schema,
        }
    }

    fn gather(document: &Value, schema: &Value, object: &mut Object) {
        let schema = look_up(document, schema);
        let listed = |name: &str| schema.get(name).and_then(Value::as_array).cloned();
        for part in listed("allOf").unwrap_or_default() {
            gather(document, &part, object);
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            object.properties.insert(name.clone(), property.clone());
        }
        let required = listed("required").unwrap_or_default();
        let names = required.iter().filter_map(Value::as_str);
        object.required.extend(names.map(str::to_owned));
    }

    /// Whether no part of a schema refuses a field that another part names.
    fn lets_in(document: &Value, schema: &Value, fields: &Map<String, Value>) -> bool {
        let schema = look_up(document, schema);
        let parts = schema.get("allOf").and_then(Value::as_array);
        let mut parts = parts.into_iter().flatten();
        let is_closed = schema.get("additionalProperties") == Some(&json!(false));
        let own = schema.get("properties").and_then(Value::as_object);
        let is_own = |name: &String| own.is_some_and(|own| own.contains_key(name));
        (!is_closed || fields.keys().all(is_own))
            && parts.all(|part| lets_in(document, part, fields))
    }

    /// Whether a value is what its schema says, and has no field that it does not name.
    fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
        let schema = look_up(document, schema);
        if let Some(forms) = schema.get("oneOf").and_then(Value::as_array) {
            return forms.iter().any(|form| fits(document, form, value));
        }
        let names = schema.get("enum").and_then(Value::as_array);
        if names.is_some_and(|names| !names.contains(value)) {
            return false;
        }
        let kinds = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is = |kind: &str| kinds.is_empty() || kinds.contains(&kind);
        match value {
            Value::Null => is("null"),
            Value::Bool(_) => is("boolean"),
            Value::Number(_) => is("integer"),
            Value::String(_) => is("string"),
            Value::Array(_) => is("array"),
            Value::Object(fields) => {
                let mut object = Object::default();
                gather(document, schema, &mut object);
                let is_known = |(name, value): (&String, &Value)| {
                    let property = object.properties.get(name);
                    property.is_some_and(|property| fits(document, property, value))
                };
                is("object")
                    && lets_in(document, schema, fields)
                    && object.required.iter().all(|name| fields.contains_key(name))
                    && fields.iter().all(is_known)
            }
        }
    }

    /// The names by which a component tells its forms apart.
    fn tags(document: &Value, component: &str, tag: &str) -> BTreeSet<String> {
        let pointer = format!("/components/schemas/{component}/oneOf");
        let forms = document.pointer(&pointer).and_then(Value::as_array);
        let forms = forms.unwrap_or_else(|| panic!("expected forms of {component}"));
        let tag_of = |form: &Value| {
            let mut object = Object::default();
            gather(document, form, &mut object);
            let names = object.properties.get(tag)?.get("enum")?.as_array()?;
            names.first()?.as_str().map(str::to_owned)
        };
        forms.iter().filter_map(tag_of).collect()
    }

    /// A frame that is new, or changed, is described, or this fails.
    #[test]
    fn every_frame_is_what_its_description_says() {
        let document: Value = serde_json::from_str(&crate::openapi()).expect("JSON");
        for (component, tag, samples) in [
            ("SessionServerFrame", "type", json(server_frames())),
            ("SessionClientFrame", "type", json(client_frames())),
            ("SessionOperation", "kind", json(operations())),
            ("SessionOutcome", "made", json(outcomes())),
            ("SessionWanted", "kind", json(wanted())),
        ] {
            let schema = json!({ "$ref": format!("#/components/schemas/{component}") });
            for sample in &samples {
                assert!(fits(&document, &schema, sample), "{component}: {sample}");
                let mut more = sample.clone();
                let fields = more.as_object_mut().expect("an object");
                fields.insert("more".to_owned(), json!(1));
                assert!(!fits(&document, &schema, &more), "{component}: {more}");
            }
            let tag_of = |sample: &Value| sample.get(tag)?.as_str().map(str::to_owned);
            let sampled: BTreeSet<_> = samples.iter().filter_map(tag_of).collect();
            assert_eq!(tags(&document, component, tag), sampled, "{component}");
        }
        let pointer = "/paths/~1api~1v3~1clients~1me~1mpc/get";
        let route = document.pointer(pointer).expect("the route");
        let told = route["description"].as_str().expect("a description");
        let version = format!("\"protocolVersion\":{PROTOCOL_VERSION}");
        assert_eq!(told.matches(&version).count(), 2, "{told}");
        let frames = [
            tags(&document, "SessionServerFrame", "type"),
            tags(&document, "SessionClientFrame", "type"),
        ];
        for name in frames.iter().flatten() {
            let frame = format!("\"type\":\"{name}\"");
            assert!(told.contains(&frame), "expected {frame} in {told}");
        }
    }
}
