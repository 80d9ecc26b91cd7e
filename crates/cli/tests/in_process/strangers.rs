//! Every endpoint of the OpenAPI document, called by everybody but its owner: no data, and the
//! same answer whether or not what was named exists. A new endpoint is tried by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use portal_lifecycle::BackupMode;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::described::{Operation, operations};
use crate::wallet::state_of;
use crate::world::World;

pub(crate) const NOBODY: &str = "019a0000-0000-7000-8000-00000000dead";

/// Ids, and whatever else must not be seen.
struct Owned {
    client: String,
    wallet: String,
    signing_pair: String,
    backup_pair: String,
    secrets: Vec<String>,
}

impl Owned {
    /// The id that a path's parameter after `segment` stands for.
    fn id_after(&self, segment: &str) -> &str {
        match segment {
            "clients" => &self.client,
            "wallets" => &self.wallet,
            "signing-share-pairs" => &self.signing_pair,
            "backup-share-pairs" => &self.backup_pair,
            "errors" => "BAD_REQUEST",
            other => panic!("what does a parameter after {other:?} name? say it here"),
        }
    }

    fn is_seen_in(&self, body: &str) -> bool {
        let ids = [
            &self.client,
            &self.wallet,
            &self.signing_pair,
            &self.backup_pair,
        ];
        ids.into_iter()
            .chain(&self.secrets)
            .any(|own| body.contains(own.as_str()))
    }
}

/// An answer without what differs from call to call.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    body: String,
}

impl Answered {
    pub(crate) fn id(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let id = body.get("id").and_then(Value::as_str);
        id.unwrap_or("-").to_owned()
    }
}

/// The operation's path, each parameter in the place of what `id_after` gives for it.
pub(crate) fn path(operation: &Operation, id_after: impl Fn(&str) -> String) -> String {
    let mut before = "";
    let mut path = String::new();
    for segment in operation.path.split('/').skip(1) {
        path.push('/');
        if segment.starts_with('{') {
            path.push_str(&id_after(before));
        } else {
            path.push_str(segment);
            before = segment;
        }
    }
    path
}

pub(crate) fn has_parameters(operation: &Operation) -> bool {
    operation.path.contains('{')
}

pub(crate) async fn call(
    world: &World,
    operation: &Operation,
    path: &str,
    credential: Option<&str>,
) -> Answered {
    let method = operation.method.to_uppercase();
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let url = format!("{}{path}", world.url());
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(credential) = credential {
        request = request.bearer_auth(credential);
    }
    if let Some(body) = body(operation) {
        request = request.json(&body);
    }
    let response = request.send().await.expect("an answer");
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("text").to_owned())
    };
    let trace = header("x-portal-trace-id").expect("a trace id");
    Answered {
        status: response.status().as_u16(),
        media_type: header("content-type").unwrap_or_default(),
        body: response
            .text()
            .await
            .expect("text")
            .replace(&trace, "(trace)"),
    }
}

/// A body as the document asks for it, naming nothing that exists.
fn body(operation: &Operation) -> Option<Value> {
    let pointer = "/requestBody/content/application~1json/schema";
    let schema = operation.described.pointer(pointer)?;
    let document: Value = serde_json::from_str(&portal_server::openapi()).expect("JSON");
    Some(sample(&document, schema))
}

fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let found = document.pointer(reference.trim_start_matches('#'));
        return sample(document, found.expect("a schema"));
    }
    if let Some(one) = schema.get("enum").and_then(|names| names.get(0)) {
        return one.clone();
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        let several = schema.get(several).and_then(Value::as_array);
        if let Some(last) = several.and_then(|schemas| schemas.last()) {
            return sample(document, last);
        }
    }
    let kind = schema.get("type");
    let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    match kind {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array);
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            let fields = names.map(|name| {
                let schema = schema.get("properties").and_then(|all| all.get(name));
                (name.to_owned(), sample(document, schema.expect("a field")))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => {
            let entries = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1);
            let entry = sample(document, schema.get("items").expect("items"));
            (0..entries).map(|_| entry.clone()).collect()
        }
        Some("string") => match text("format") {
            Some("uuid") => json!(NOBODY),
            Some("date-time") => json!("2030-01-01T00:00:00Z"),
            Some("uri") => json!("https://example.com"),
            _ if text("pattern").is_some() => json!(""),
            _ => json!("text"),
        },
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(false),
        other => panic!("expected a type to make a sample of, seen {other:?} in {schema}"),
    }
}

/// Whose credential an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Custodian,
    Client,
}

pub(crate) struct Security {
    pub(crate) holder: Option<Holder>,
    /// Whether it may be called without.
    is_optional: bool,
}

pub(crate) fn security(operation: &Operation) -> Security {
    let listed = operation.described.get("security");
    let listed = listed.and_then(Value::as_array).cloned();
    let Some(listed) = listed else {
        return Security {
            holder: None,
            is_optional: true,
        };
    };
    let mut names = BTreeSet::new();
    let mut is_optional = false;
    for requirement in &listed {
        let requirement = requirement.as_object().expect("a requirement");
        is_optional |= requirement.is_empty();
        names.extend(requirement.keys().map(String::as_str));
    }
    let holder = match names.into_iter().collect::<Vec<_>>().as_slice() {
        ["custodianApiKey"] => Holder::Custodian,
        ["clientApiKey", "clientSessionToken"] => Holder::Client,
        other => panic!("who holds {other:?}? say it here"),
    };
    Security {
        holder: Some(holder),
        is_optional,
    }
}

/// Everybody, with what they have.
struct Cast {
    world: World,
    owned: Owned,
    custodian_key: String,
    client_keys: Vec<String>,
    /// In force, and of somebody else.
    other_custodians: Vec<String>,
    other_clients: Vec<String>,
    /// Nobody's, or nobody's any more.
    dead: Vec<(&'static str, String)>,
}

impl Cast {
    async fn gather() -> Self {
        let world = World::start().await;
        let expired = world.user().await.token;
        world.clock.put_forward(Duration::from_secs(25 * 3600));
        let (wallet, _) = world.backed_up_wallet().await;
        let state = state_of(&wallet.portal).await;
        let first = state.wallets.first().expect("a wallet");
        let user = &wallet.user;
        let owned = Owned {
            client: user.id.to_string(),
            wallet: first.id.to_string(),
            signing_pair: first.signing_share_pairs[0].id.to_string(),
            backup_pair: first.backup_share_pairs[0].id.to_string(),
            secrets: vec![
                user.token.clone(),
                user.api_key.clone(),
                world.customer.api_key.clone(),
                first.public_key.clone().expect("a key"),
            ],
        };
        let client_keys = vec![user.token.clone(), user.api_key.clone()];
        let mut dead = dead(&world).await;
        dead.push(("expired", expired));
        let operator = world.operator();
        let other = operator
            .create_custodian("Other", "test", None, BackupMode::Plain)
            .await;
        let other = other.expect("a customer").api_key;
        let theirs = world.user_of(&other).await;
        // Of the same customer, and as far away.
        let staging = operator
            .create_environment(
                world.customer.custodian_id,
                "staging",
                None,
                BackupMode::Plain,
            )
            .await;
        let staging = staging.expect("an environment").api_key;
        let of_staging = world.user_of(&staging).await;
        let sibling = world.wallet().await.user;
        Self {
            custodian_key: world.customer.api_key.clone(),
            owned,
            client_keys,
            other_custodians: vec![other, staging],
            other_clients: [theirs, of_staging, sibling]
                .into_iter()
                .flat_map(|user| [user.token, user.api_key])
                .collect(),
            dead,
            world,
        }
    }

    /// Credentials that are none for this kind of endpoint.
    fn wrong_for(&self, holder: Holder) -> Vec<(&str, &str)> {
        let mut wrong: Vec<(&str, &str)> = self
            .dead
            .iter()
            .map(|(what, credential)| (*what, credential.as_str()))
            .collect();
        match holder {
            Holder::Custodian => {
                let clients = self.client_keys.iter().chain(&self.other_clients);
                wrong.extend(clients.map(|key| ("a client's", key.as_str())));
            }
            Holder::Client => {
                wrong.push(("the custodian's", &self.custodian_key));
                let others = self.other_custodians.iter();
                wrong.extend(others.map(|key| ("another custodian's", key.as_str())));
            }
        }
        wrong
    }

    fn others(&self, holder: Holder) -> &[String] {
        match holder {
            Holder::Custodian => &self.other_custodians,
            Holder::Client => &self.other_clients,
        }
    }
}

async fn dead(world: &World) -> Vec<(&'static str, String)> {
    let unknown = "A".repeat(43);
    let mut dead = vec![
        ("no credential", "garbage".to_owned()),
        ("empty", String::new()),
        ("unknown custodian's", format!("ptl_cust_{unknown}")),
        ("unknown client's", format!("ptl_clnt_{unknown}")),
        ("unknown session", format!("ptl_sess_{unknown}")),
    ];
    let user = world.user().await;
    let key = &world.customer.api_key;
    let otp = format!("/api/v1/custodians/clients/{}/web-otp", user.id);
    let otp = world.call(Method::GET, &otp, key, None).await.body;
    let otp = otp.get("otp").and_then(Value::as_str).expect("an otp");
    dead.push(("a one-time password", otp.to_owned()));
    for what in ["sessions", "api-key"] {
        let path = format!("/api/v3/custodians/me/clients/{}/{what}", user.id);
        let revoked = world.call(Method::DELETE, &path, key, None).await;
        assert_eq!(revoked.status, 204, "{revoked:?}");
    }
    dead.push(("a revoked session", user.token));
    dead.push(("a revoked client's", user.api_key));
    let operator = world.operator();
    let environment = world.customer.environment_id;
    let (key, name) = operator
        .create_custodian_key(environment)
        .await
        .expect("a second key");
    let revoked = operator.revoke_custodian_key(environment, &name).await;
    revoked.expect("revoked");
    dead.push(("a revoked custodian's", key));
    dead
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_endpoint_shows_anything_to_a_stranger() {
    let cast = Cast::gather().await;
    let mut refusals = BTreeSet::new();
    let (mut endpoints, mut calls) = (0, 0);
    for operation in operations() {
        endpoints += 1;
        let Security {
            holder,
            is_optional,
        } = security(&operation);
        let named = path(&operation, |segment| {
            cast.owned.id_after(segment).to_owned()
        });
        let unnamed = path(&operation, |_| NOBODY.to_owned());
        let Some(holder) = holder else {
            calls += assert_shows_nothing(&cast, &operation, &named).await;
            continue;
        };
        let mut wrong: Vec<_> = cast
            .wrong_for(holder)
            .into_iter()
            .map(|(what, credential)| (what, Some(credential)))
            .collect();
        if is_optional {
            // Where a call without a credential is in order, an empty one is as none.
            wrong.retain(|(_, credential)| credential.is_some_and(|text| !text.is_empty()));
        } else {
            wrong.push(("none", None));
        }
        for (what, credential) in wrong {
            for path in [&named, &unnamed] {
                let when = format!("{what}: {} {path}", operation.method);
                let seen = call(&cast.world, &operation, path, credential).await;
                assert_eq!(
                    (seen.status, seen.id().as_str()),
                    (401, "AUTH_FAILED"),
                    "{when}: {seen:?}"
                );
                refusals.insert(seen);
                calls += 1;
            }
        }
        calls += assert_not_anothers(&cast, &operation, holder, &named, &unnamed).await;
    }
    assert_eq!(refusals.len(), 1, "expected one refusal, seen {refusals:?}");
    println!("{endpoints} endpoints, {calls} calls of strangers");
}

/// What needs no credential says the same to everybody.
async fn assert_shows_nothing(cast: &Cast, operation: &Operation, path: &str) -> usize {
    let credentials = [None, Some(cast.custodian_key.as_str())];
    let mut seen = BTreeSet::new();
    for credential in credentials {
        let answer = call(&cast.world, operation, path, credential).await;
        let when = format!("{} {path}", operation.method);
        assert!(!cast.owned.is_seen_in(&answer.body), "{when}: {answer:?}");
        // But for how long a check took.
        let same = answer.body.replace(|c: char| c.is_ascii_digit(), "");
        seen.insert((answer.status, answer.media_type, same));
    }
    assert_eq!(seen.len(), 1, "{path}: {seen:?}");
    credentials.len()
}

/// A credential in force, of somebody else: what is named is as good as nothing, and what is not
/// named is their own.
async fn assert_not_anothers(
    cast: &Cast,
    operation: &Operation,
    holder: Holder,
    named: &str,
    unnamed: &str,
) -> usize {
    for credential in cast.others(holder) {
        let when = format!("{} {named}", operation.method);
        let theirs = call(&cast.world, operation, named, Some(credential)).await;
        assert!(
            !cast.owned.is_seen_in(&theirs.body),
            "{when}: seen {theirs:?}"
        );
        if has_parameters(operation) {
            assert_eq!(
                (theirs.status, theirs.id().as_str()),
                (404, "NOT_FOUND"),
                "{when}: {theirs:?}"
            );
            let nobodys = call(&cast.world, operation, unnamed, Some(credential)).await;
            assert_eq!(theirs, nobodys, "{when}");
        }
    }
    2 * cast.others(holder).len()
}
