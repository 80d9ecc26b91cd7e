//! A handler that panics: its request fails, and nothing else does.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use portal_custodian::{AppAuth, AppAuthError, Receiver};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::ClientId;
use reqwest::Method;

use crate::backend::{Backend, cipher_texts_path, client, log, problem};

/// A login with a mistake in it.
struct Mistaken;

#[async_trait]
impl AppAuth for Mistaken {
    async fn client_of(&self, _headers: &HeaderMap) -> Result<ClientId, AppAuthError> {
        panic!("a mistake of the app's own");
    }
}

async fn mistaken() -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    Backend::start_with(dir, |store, _, secret| {
        let builder = Receiver::builder(store, secret);
        builder.app_auth(Arc::new(Mistaken)).build()
    })
    .await
}

#[tokio::test]
async fn it_is_answered_for_and_logged() {
    let backend = mistaken().await;
    let get = backend.request(Method::GET, &cipher_texts_path(client(1)));
    let answer = get.send().await.expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let told = problem(answer, 500, ErrorId::InternalError).await;
    assert_eq!(told.detail, "the log has the rest under this traceId");
    let (log, request) = (log(), format!("trace_id={}", told.trace_id));
    let mut lines = log.lines();
    assert!(
        lines.any(|line| line.contains(&request) && line.contains("a handler panicked")),
        "expected a line with {request} that says so"
    );
}

/// Another one is answered on the very connection on which it happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_goes_on() {
    let backend = mistaken().await;
    let path = cipher_texts_path(client(1));
    let url = backend.request(Method::GET, &path).build();
    let url = url.expect("a request").url().clone();
    let address = url.socket_addrs(|| None).expect("an address");
    let mut connection = TcpStream::connect(&*address).expect("a connection");
    let requests = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n\
         GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(requests.as_bytes()).expect("sent");
    let mut answers = String::new();
    connection.read_to_string(&mut answers).expect("answers");
    let statuses: Vec<_> = answers
        .match_indices("HTTP/1.1 ")
        .filter_map(|(at, _)| answers.get(at + 9..at + 12))
        .collect();
    assert_eq!(statuses, ["500", "200"], "{answers}");
}
