//! More strangers than there are places.

use portal_serving::{ConnectionLimits, Door, HttpMetrics};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use crate::service::{GET, Served, answer, ask, connect, limited, serve};

const UPGRADE: &str =
    "GET /upgrade HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

async fn is_refused(served: &Served) -> bool {
    let mut io = connect(served).await;
    // Refused before it has asked, it may find nobody to ask.
    let _ = io.write_all(GET.as_bytes()).await;
    let told = answer(&mut io).await;
    if told.starts_with("HTTP/1.1 200") {
        return false;
    }
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 503"),
        "{told}"
    );
    true
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_closed() {
    let mut registry = Registry::default();
    let metrics = HttpMetrics::register(&mut registry);
    let served = serve(Door {
        metrics: Some(metrics),
        ..limited(ConnectionLimits {
            connections: 2,
            ..ConnectionLimits::default()
        })
    });
    let served = served.await;
    let (mut first, mut second) = (connect(&served).await, connect(&served).await);
    for io in [&mut first, &mut second] {
        assert!(ask(io, GET).await.starts_with("HTTP/1.1 200"));
    }
    assert!(is_refused(&served).await);
    assert!(
        ask(&mut first, GET).await.starts_with("HTTP/1.1 200"),
        "who is inside stays"
    );
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "portal_connections_open 2",
        "portal_connections_refused_total{reason=\"all\"} 1",
        "portal_http_request_duration_seconds_count{method=\"GET\",path=\"/hello\",status=\"200\"} 3",
    ] {
        assert!(text.contains(line), "expected {line}, seen {text}");
    }
    drop(second);
    while is_refused(&served).await {}
}

/// It is an answer as any other: callers read of a problem why, and when to come again.
#[tokio::test]
async fn who_is_not_let_in_is_told_a_problem() {
    let problem = r#"{"id":"UNAVAILABLE"}"#;
    let served = serve(Door {
        problem_when_full: Some(problem.into()),
        ..limited(ConnectionLimits {
            connections: 1,
            ..ConnectionLimits::default()
        })
    });
    let served = served.await;
    let mut inside = connect(&served).await;
    assert!(ask(&mut inside, GET).await.starts_with("HTTP/1.1 200"));
    // It says nothing: what is unread where it is closed could cost it the answer.
    let told = answer(&mut connect(&served).await).await;
    let (head, body) = told.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 503"), "{told}");
    for line in [
        "retry-after: 5",
        "connection: close",
        "content-type: application/problem+json",
        "content-length: 20",
    ] {
        assert!(
            head.lines().any(|seen| seen == line),
            "expected {line}, seen {head}"
        );
    }
    assert_eq!(body, problem);
}

/// A connection that has become something else still has its place.
#[tokio::test]
async fn an_upgraded_connection_keeps_its_place() {
    let served = serve(limited(ConnectionLimits {
        connections: 1,
        ..ConnectionLimits::default()
    }));
    let served = served.await;
    let mut upgraded = connect(&served).await;
    assert!(
        ask(&mut upgraded, UPGRADE)
            .await
            .starts_with("HTTP/1.1 101")
    );
    assert!(
        ask(&mut upgraded, "\r\n\r\n").await.contains("\r\n"),
        "it echoes"
    );
    assert!(is_refused(&served).await);
    drop(upgraded);
    while is_refused(&served).await {}
}

/// Whoever comes from one address leaves places for others.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let served = serve(limited(ConnectionLimits {
        connections_per_address: 1,
        ..ConnectionLimits::default()
    }));
    let served = served.await;
    let mut first = connect(&served).await;
    assert!(ask(&mut first, GET).await.starts_with("HTTP/1.1 200"));
    assert!(is_refused(&served).await);
    // Linux has the whole of 127.0.0.0/8 on loopback.
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = elsewhere.connect(served.address).await.unwrap();
    assert!(ask(&mut other, GET).await.starts_with("HTTP/1.1 200"));
}
