//! A stand-in for Vault's Transit engine. It takes exactly the requests that Vault documents,
//! and whatever else arrives fails the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portal_seal::SealingKey;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

/// What authenticates to it.
pub(super) const TOKEN: &str = "hvs.planted-token-of-a-vault";

/// What one stand-in expects.
pub(super) struct Expected {
    /// Before `/v1`, where Vault stands behind another server.
    pub(super) base: &'static str,
    /// The engine's path, as it stands in a request.
    pub(super) mount: &'static str,
    /// The key's name, as it stands in a request.
    pub(super) key: &'static str,
    pub(super) namespace: Option<&'static str>,
}

/// An answer that is given instead of the right one.
#[derive(Clone)]
pub(super) enum Instead {
    /// Of this status, and the body if there is one.
    Status(u16, String),
    /// Elsewhere.
    Redirect(u16, String),
    /// Never.
    Nothing,
}

pub(super) struct Transit {
    pub(super) url: String,
    state: Arc<Engine>,
    server: tokio::task::JoinHandle<()>,
}

struct Engine {
    expected: Expected,
    host: String,
    keys: Mutex<Keys>,
    instead: Mutex<Option<(&'static str, Instead)>>,
    requests: Mutex<Vec<String>>,
    faults: Mutex<Vec<String>>,
}

struct Keys {
    /// Version 1 first; none where the key is not there.
    versions: Vec<SealingKey>,
    least: usize,
}

impl Transit {
    pub(super) async fn start(expected: Expected) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let url = format!("http://{host}{}", expected.base);
        let state = Arc::new(Engine {
            expected,
            host,
            keys: Mutex::new(Keys {
                versions: vec![SealingKey::generate(&mut UnwrapErr(SysRng))],
                least: 1,
            }),
            instead: Mutex::new(None),
            requests: Mutex::default(),
            faults: Mutex::default(),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, server }
    }

    /// As `vault write -f transit/keys/KEY/rotate`.
    pub(super) fn rotate(&self) {
        let key = SealingKey::generate(&mut UnwrapErr(SysRng));
        self.state.keys.lock().unwrap().versions.push(key);
    }

    /// As `vault write transit/keys/KEY/config min_decryption_version=LEAST`.
    pub(super) fn allow_from(&self, least: usize) {
        self.state.keys.lock().unwrap().least = least;
    }

    /// As `vault delete transit/keys/KEY`.
    pub(super) fn delete_key(&self) {
        self.state.keys.lock().unwrap().versions.clear();
    }

    /// Answers `operation` so from now on.
    pub(super) fn answer_instead(&self, operation: &'static str, instead: Instead) {
        *self.state.instead.lock().unwrap() = Some((operation, instead));
    }

    pub(super) fn answer_rightly(&self) {
        *self.state.instead.lock().unwrap() = None;
    }

    /// The operations that were called since this was asked last.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.requests.lock().unwrap())
    }
}

impl Drop for Transit {
    fn drop(&mut self) {
        self.server.abort();
        let faults = self.state.faults.lock().unwrap();
        if !std::thread::panicking() {
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }
}

type Answer = Response<Body>;

async fn answer(State(engine): State<Arc<Engine>>, request: Request) -> Answer {
    match engine.checked(request).await {
        Ok((operation, fields)) => {
            engine.requests.lock().unwrap().push(operation.to_owned());
            let instead = engine.instead.lock().unwrap().clone();
            match instead {
                Some((which, instead)) if which == operation => engine.other(instead).await,
                _ => engine.right(operation, &fields),
            }
        }
        Err(Fault::Forbidden) => error(403, "permission denied"),
        Err(Fault::Not(fault)) => {
            engine.faults.lock().unwrap().push(fault);
            error(418, "not a request of Vault's")
        }
    }
}

enum Fault {
    /// Only the token is wrong.
    Forbidden,
    /// What was expected and what came.
    Not(String),
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Result<(), Fault> {
    if expected == seen {
        Ok(())
    } else {
        Err(Fault::Not(format!(
            "{what}: expected {expected:?}, saw {seen:?}"
        )))
    }
}

type Fields = BTreeMap<String, Vec<u8>>;

impl Engine {
    /// The operation, and the fields of its body, decoded.
    async fn checked(&self, request: Request) -> Result<(&'static str, Fields), Fault> {
        let Expected {
            base, mount, key, ..
        } = self.expected;
        let path = |operation| format!("{base}/v1/{mount}/{operation}/{key}");
        let uri = request.uri().to_string();
        let (operation, method, names): (_, _, &[&str]) = if uri == path("encrypt") {
            ("encrypt", "POST", &["associated_data", "plaintext"])
        } else if uri == path("decrypt") {
            ("decrypt", "POST", &["associated_data", "ciphertext"])
        } else if uri == path("keys") {
            ("keys", "GET", &[])
        } else {
            return Err(Fault::Not(format!(
                "expected a path like {}, saw {uri}",
                path("encrypt")
            )));
        };
        same("method", &method, &request.method().as_str())?;
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 65_536).await.unwrap();
        let seen: BTreeMap<&str, &str> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let token = seen.get("x-vault-token").copied().unwrap_or_default();
        let length = body.len().to_string();
        let mut expected = BTreeMap::from([
            ("accept", "*/*"),
            ("host", self.host.as_str()),
            ("user-agent", "portal-kms/1"),
            ("x-vault-request", "true"),
            ("x-vault-token", token),
        ]);
        if method == "POST" {
            expected.insert("content-type", "application/json");
            expected.insert("content-length", &length);
        }
        if let Some(namespace) = self.expected.namespace {
            expected.insert("x-vault-namespace", namespace);
        }
        same("headers", &expected, &seen)?;
        same("headers given once", &seen.len(), &parts.headers.len())?;
        if token != TOKEN {
            return Err(Fault::Forbidden);
        }
        Ok((operation, fields(&body, names)?))
    }

    fn right(&self, operation: &str, fields: &Fields) -> Answer {
        let keys = self.keys.lock().unwrap();
        let latest = keys.versions.len();
        let Some(newest) = keys.versions.last() else {
            assert_ne!(operation, "encrypt", "Vault would make the key");
            return error(404, "");
        };
        match operation {
            "keys" => data(&json!({
                "type": "aes256-gcm96", "derived": false, "exportable": false,
                "keys": {"1": 1_442_851_412}, "name": "a key", "supports_encryption": true,
                "latest_version": latest, "min_available_version": 0,
                "min_decryption_version": keys.least, "min_encryption_version": 0,
            })),
            "encrypt" => {
                let sealed = portal_seal::seal(
                    newest,
                    &fields["associated_data"],
                    &fields["plaintext"],
                    &mut UnwrapErr(SysRng),
                );
                let ciphertext = format!("vault:v{latest}:{}", BASE64.encode(sealed));
                data(&json!({"ciphertext": ciphertext, "key_version": latest}))
            }
            _ => match opened(&keys, fields) {
                Ok(plaintext) => data(&json!({"plaintext": BASE64.encode(&*plaintext)})),
                Err(why) => error(400, why),
            },
        }
    }

    async fn other(&self, instead: Instead) -> Answer {
        let response = Response::builder();
        match instead {
            Instead::Status(status, body) => response.status(status).body(Body::from(body)),
            Instead::Redirect(status, to) => response
                .status(status)
                .header("location", to)
                .body(Body::empty()),
            Instead::Nothing => std::future::pending().await,
        }
        .unwrap()
    }
}

/// The fields of a JSON object that has these and no others, each a string: base64, but for the
/// ciphertext.
fn fields(body: &[u8], names: &[&str]) -> Result<Fields, Fault> {
    if names.is_empty() {
        same("body", &&b""[..], &body)?;
        return Ok(Fields::new());
    }
    let no_object = || {
        Fault::Not(format!(
            "expected a JSON object, saw {}",
            body.escape_ascii()
        ))
    };
    let object: BTreeMap<String, Value> = serde_json::from_slice(body).map_err(|_| no_object())?;
    let seen: Vec<&str> = object.keys().map(String::as_str).collect();
    same("fields", &names, &seen.as_slice())?;
    object
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().ok_or_else(no_object)?;
            let decoded = if name == "ciphertext" {
                text.as_bytes().to_vec()
            } else {
                let decoded = BASE64.decode(text);
                decoded.map_err(|_| Fault::Not(format!("expected base64 in {name}, saw {text}")))?
            };
            Ok((name.clone(), decoded))
        })
        .collect()
}

fn opened(keys: &Keys, fields: &Fields) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let ciphertext = std::str::from_utf8(&fields["ciphertext"]).unwrap();
    let rest = ciphertext.strip_prefix("vault:v");
    let (version, encoded) = rest
        .and_then(|rest| rest.split_once(':'))
        .ok_or("invalid ciphertext: no prefix")?;
    let version: usize = version.parse().map_err(|_| "invalid ciphertext")?;
    let key = version
        .checked_sub(1)
        .and_then(|index| keys.versions.get(index))
        .ok_or("invalid ciphertext: version is too new")?;
    if version < keys.least {
        return Err("ciphertext or signature version is disallowed by policy (too old)");
    }
    let sealed = BASE64
        .decode(encoded)
        .map_err(|_| "invalid ciphertext: could not decode base64")?;
    let opened = portal_seal::open(key, &fields["associated_data"], &sealed);
    let opened = opened.map_err(|_| "invalid ciphertext: unable to decrypt")?;
    Ok(Zeroizing::new(opened.expose().to_vec()))
}

fn data(data: &Value) -> Answer {
    let body = json!({
        "request_id": "0", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": data, "wrap_info": null, "warnings": null, "auth": null,
    });
    Response::new(Body::from(body.to_string()))
}

fn error(status: u16, what: &str) -> Answer {
    let mut answer = Response::new(Body::from(json!({ "errors": [what] }).to_string()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}
