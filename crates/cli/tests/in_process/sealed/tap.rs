//! Between Portal and the customer's backend: hears every call, and passes it on or not.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use portal_api::webhook::SECRET_HEADER;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    On,
    Withhold,
    /// Waits for [`Tap::release`]; from then on, calls pass.
    Hold,
}

pub(super) struct Tap {
    pub(super) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    backend: String,
    passing: Mutex<Passing>,
    held: Notify,
    release: Notify,
    /// Path, body and answer of each call.
    heard: Mutex<Vec<(String, String, String)>>,
}

impl Tap {
    pub(super) async fn start(backend: &str) -> Self {
        let shared = Arc::new(Shared {
            backend: backend.to_owned(),
            passing: Mutex::new(Passing::On),
            held: Notify::new(),
            release: Notify::new(),
            heard: Mutex::default(),
        });
        let router = Router::new().fallback(hear).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub(super) fn does(&self, passing: Passing) {
        *self.shared.passing.lock().expect("no panic") = passing;
    }

    /// Waits until a call is held.
    pub(super) async fn held(&self) {
        self.shared.held.notified().await;
    }

    pub(super) fn release(&self) {
        self.does(Passing::On);
        self.shared.release.notify_one();
    }

    /// The bodies of all calls of one path.
    pub(super) fn bodies(&self, path: &str) -> Vec<Value> {
        let heard = self.shared.heard.lock().expect("no panic");
        let calls = heard.iter().filter(|(called, ..)| called == path);
        calls
            .map(|(_, body, _)| serde_json::from_str(body).expect("JSON"))
            .collect()
    }

    /// Every body and every answer.
    pub(super) fn everything(&self) -> Vec<String> {
        let heard = self.shared.heard.lock().expect("no panic");
        let texts = heard.iter();
        texts
            .flat_map(|(_, body, answer)| [body.clone(), answer.clone()])
            .collect()
    }
}

async fn hear(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches('/').to_owned();
    let text = String::from_utf8(body.to_vec()).expect("text");
    let passing = *shared.passing.lock().expect("no panic");
    if passing == Passing::Hold {
        shared.held.notify_one();
        shared.release.notified().await;
    }
    let (status, answer) = if passing == Passing::Withhold {
        (503, String::new())
    } else {
        let secret = headers.get(SECRET_HEADER).expect("the webhook's secret");
        let answer = reqwest::Client::new()
            .post(format!("{}/{path}", shared.backend))
            .header(SECRET_HEADER, secret)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .expect("an answer of the real backend");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a body"))
    };
    let heard = (path, text, answer.clone());
    shared.heard.lock().expect("no panic").push(heard);
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], answer).into_response()
}
