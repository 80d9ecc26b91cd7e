//! Where webhooks go, and how much they take in: over real sockets, by the transport alone.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use portal_server::{
    HttpWebhooks, Resolver, WebhookAnswer, WebhookCall, WebhookPolicy, WebhookTransport as _,
    WebhookUnreachable,
};

use portal_lifecycle::ids::EnvironmentId;
use uuid::Uuid;

use crate::misbehaving::{Answer, Misbehaving};
use crate::names::Names;

const STRICT: WebhookPolicy = WebhookPolicy {
    allow_http_to_loopback: false,
    allow_private: false,
};
const LOCAL: WebhookPolicy = WebhookPolicy {
    allow_http_to_loopback: true,
    allow_private: false,
};

async fn post(
    policy: WebhookPolicy,
    names: &Arc<Names>,
    url: &str,
) -> Result<WebhookAnswer, WebhookUnreachable> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let webhooks = HttpWebhooks::with_resolver(policy, Arc::clone(names) as _).expect("a client");
    webhooks
        .post(WebhookCall {
            environment_id: EnvironmentId(Uuid::nil()),
            url: url.parse().expect("a URL"),
            headers: Vec::new(),
            body: b"{}".to_vec().into(),
            answer_bytes: 64 * 1024,
        })
        .await
}

/// What is at such an address is never asked, so nothing of it can be told.
#[tokio::test]
async fn a_name_that_leads_to_what_is_not_public_is_not_called() {
    let inside = Misbehaving::start(Answer::Bytes("HTTP/1.1 200 OK\r\n\r\n".to_owned())).await;
    let url = format!("https://hooks.example:{}", inside.port);
    for addresses in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
        // One good address makes the other no better, whichever comes first.
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
    ] {
        let names = Arc::new(Names::leading_to(&[addresses]));
        let refused = post(STRICT, &names, &url).await.err();
        assert_eq!(
            refused,
            Some(WebhookUnreachable::NotPublic),
            "{addresses:?}"
        );
        assert_eq!(names.asked(), 1, "{addresses:?}");
    }
    let to_no_address: &[&[&str]] = &[&[]];
    for leads_nowhere in [&[], to_no_address] {
        let names = Arc::new(Names::leading_to(leads_nowhere));
        let refused = post(STRICT, &names, &url).await.err();
        assert_eq!(refused, Some(WebhookUnreachable::Unresolved));
    }
    assert_eq!(inside.connections(), 0);
}

/// The answer to the question that was judged is where the call goes: there is no second one.
#[tokio::test]
async fn a_name_that_comes_to_lead_elsewhere_is_asked_once_a_call() {
    let good = Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());
    let backend = Misbehaving::start(good).await;
    let url = format!("http://localhost:{}", backend.port);
    let names = Arc::new(Names::leading_to(&[&["127.0.0.1"], &["169.254.169.254"]]));
    let answer = post(LOCAL, &names, &url).await.expect("an answer");
    assert_eq!((answer.status, names.asked()), (200, 1));
    let refused = post(LOCAL, &names, &url).await.err();
    assert_eq!(refused, Some(WebhookUnreachable::NotPublic));
    assert_eq!((backend.connections(), names.asked()), (1, 2));
}

/// The same client, as a server has it, keeps no connection by which a name would not be asked.
#[tokio::test]
async fn every_call_asks_anew() {
    let kept = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}";
    let backend = Misbehaving::start(Answer::Bytes(kept.to_owned())).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let names = Arc::new(Names::leading_to(&[&["127.0.0.1"]]));
    let webhooks = HttpWebhooks::with_resolver(LOCAL, Arc::clone(&names) as _).expect("a client");
    for calls in 1..=3 {
        let call = WebhookCall {
            environment_id: EnvironmentId(Uuid::nil()),
            url: format!("http://localhost:{}", backend.port)
                .parse()
                .expect("a URL"),
            headers: Vec::new(),
            body: b"{}".to_vec().into(),
            answer_bytes: 64,
        };
        assert!(webhooks.post(call).await.is_ok());
        assert_eq!((backend.connections(), names.asked()), (calls, calls));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let elsewhere = Misbehaving::start(Answer::Silence).await;
    let names = Arc::new(Names::leading_to(&[]));
    let redirecting = Misbehaving::start(Answer::redirect(&elsewhere.url())).await;
    let answer = post(LOCAL, &names, &redirecting.url())
        .await
        .expect("an answer");
    assert_eq!((answer.status, elsewhere.connections()), (307, 0));
}

#[tokio::test]
async fn an_answer_without_end_is_not_taken_in() {
    let names = Arc::new(Names::leading_to(&[]));
    for answer in [Answer::Flood, Answer::boast()] {
        let backend = Misbehaving::start(answer).await;
        let refused = post(LOCAL, &names, &backend.url()).await.err();
        assert_eq!(refused, Some(WebhookUnreachable::TooLarge));
    }
}

/// Ten seconds are for the whole of a call: a byte now and then does not prolong it.
#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_ten_seconds() {
    let names = Arc::new(Names::leading_to(&[]));
    let waits = [Answer::Silence, Answer::Drip].map(|answer| {
        let names = Arc::clone(&names);
        async move {
            let backend = Misbehaving::start(answer).await;
            let begun = Instant::now();
            let refused = post(LOCAL, &names, &backend.url()).await.err();
            assert_eq!(refused, Some(WebhookUnreachable::TimedOut));
            assert!(
                begun.elapsed() >= Duration::from_secs(9),
                "gave up too early"
            );
        }
    });
    futures_util::future::join_all(waits).await;
}

/// A name server that never answers for one name, and at once for every other.
struct Stuck;

#[async_trait]
impl Resolver for Stuck {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if name == "stuck.example" {
            std::future::pending::<()>().await;
        }
        Ok(vec!["127.0.0.1".parse().map_err(io::Error::other)?])
    }
}

/// However often the one calls, the other's call is made.
#[tokio::test]
async fn one_environments_name_server_holds_up_no_other() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let good = Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());
    let backend = Misbehaving::start(good).await;
    let webhooks = HttpWebhooks::with_resolver(LOCAL, Arc::new(Stuck)).expect("a client");
    let webhooks = Arc::new(webhooks);
    let call = |environment: u128, url: String| {
        let (webhooks, url) = (Arc::clone(&webhooks), url.parse().expect("a URL"));
        async move {
            let call = WebhookCall {
                environment_id: EnvironmentId(Uuid::from_u128(environment)),
                url,
                headers: Vec::new(),
                body: b"{}".to_vec().into(),
                answer_bytes: 64,
            };
            webhooks.post(call).await.map(|answer| answer.status)
        }
    };
    let stuck = (0..500).map(|_| call(1, "https://stuck.example/".to_owned()));
    let stuck = futures_util::future::join_all(stuck);
    let other = async {
        // All of the stuck ones have asked by now.
        tokio::task::yield_now().await;
        call(2, format!("http://localhost:{}", backend.port)).await
    };
    tokio::select! {
        biased;
        _ = stuck => panic!("expected that they wait for ten seconds"),
        answered = other => assert_eq!(answered, Ok(200)),
    }
}
