//! A customer's webhook that does as a test tells it, in front of the customer's real backend.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use portal_api::webhook::{BackupShares, SECRET_HEADER};
use reqwest::Method;
use tokio::net::TcpListener;

use crate::rest;

/// What the webhook does with a call.
#[derive(Clone)]
pub(crate) enum Act {
    /// Passes it on to the real backend, and the answer back.
    PassOn,
    /// Answers so, and does nothing else.
    Answer(u16, String),
    /// Passes it on, and answers so.
    PassOnAndAnswer(u16, String),
    /// Never answers.
    Hang,
    /// Has somebody call the server without a body first, then passes it on.
    Meanwhile {
        method: Method,
        url: String,
        token: String,
    },
    /// Passes it on, and alters the shares in the answer.
    Alter(Arc<dyn Fn(Vec<String>) -> Vec<String> + Send + Sync>),
}

impl Act {
    pub(crate) fn answer(status: u16, body: &str) -> Self {
        Self::Answer(status, body.to_owned())
    }

    pub(crate) fn alter(
        alter: impl Fn(Vec<String>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        Self::Alter(Arc::new(alter))
    }
}

/// A webhook on a port of its own.
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    backend: String,
    on_store: Mutex<Act>,
    on_fetch: Mutex<Act>,
}

impl Receiver {
    pub(crate) async fn start(backend: &str) -> Self {
        let shared = Arc::new(Shared {
            backend: backend.to_owned(),
            on_store: Mutex::new(Act::PassOn),
            on_fetch: Mutex::new(Act::PassOn),
        });
        let router = Router::new()
            .route("/backup", post(store))
            .route("/backup/fetch", post(fetch))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// What it does from now on with shares that come, and with calls for them.
    pub(crate) fn does(&self, on_store: Act, on_fetch: Act) {
        *self.shared.on_store.lock().expect("no panic") = on_store;
        *self.shared.on_fetch.lock().expect("no panic") = on_fetch;
    }
}

/// A URL at which every connection is closed without an answer.
pub(crate) async fn slamming() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    url
}

async fn store(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let act = shared.on_store.lock().expect("no panic").clone();
    shared.perform(act, "backup", &headers, body).await
}

async fn fetch(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let act = shared.on_fetch.lock().expect("no panic").clone();
    shared.perform(act, "backup/fetch", &headers, body).await
}

impl Shared {
    async fn perform(&self, act: Act, path: &str, headers: &HeaderMap, body: Bytes) -> Response {
        match act {
            Act::PassOn => self.pass_on(path, headers, body).await.into_response(),
            Act::Answer(status, body) => (status_of(status), body).into_response(),
            Act::PassOnAndAnswer(status, answer) => {
                self.pass_on(path, headers, body).await;
                (status_of(status), answer).into_response()
            }
            Act::Hang => std::future::pending().await,
            Act::Meanwhile { method, url, token } => {
                let called = rest::call(method, url, &token, None).await;
                assert_eq!(called.status, 204, "{called:?}");
                self.pass_on(path, headers, body).await.into_response()
            }
            Act::Alter(alter) => {
                let (status, answer) = self.pass_on(path, headers, body).await;
                let given: BackupShares = serde_json::from_slice(&answer).expect("shares");
                let shares = given.backup_shares.iter();
                let shares = shares.map(|share| share.expose().to_owned()).collect();
                let altered = BackupShares {
                    backup_shares: alter(shares).into_iter().map(Into::into).collect(),
                    receipts: given.receipts,
                };
                let body = serde_json::to_vec(&altered).expect("JSON");
                (status, body).into_response()
            }
        }
    }

    async fn pass_on(&self, path: &str, headers: &HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
        let secret = headers.get(SECRET_HEADER).expect("the webhook's secret");
        let answer = reqwest::Client::new()
            .post(format!("{}/{path}", self.backend))
            .header(SECRET_HEADER, secret)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .expect("an answer of the real backend");
        let status = status_of(answer.status().as_u16());
        (status, answer.bytes().await.expect("a body").into())
    }
}

fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}
