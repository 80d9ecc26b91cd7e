//! Signed calls, and what somebody on their way makes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portal_api::webhook::signature::{SigningSecret, TOLERANCE_S};
use portal_api::webhook::{BackupShares, StoredBackupShare, WebhookRoute};
use portal_custodian::{Receiver, WebhookAuth, WebhookSecret};
use portal_lifecycle::{ErrorId, Timestamp};
use reqwest::{Method, Response};

use crate::backend::{Backend, SECRET, client, ok, pair, problem, share_of};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The clock of these receivers.
pub(crate) const NOW_S: u64 = 1_800_000_000;

/// A call as it goes over the wire; whoever sees it can send it again.
#[derive(Clone)]
pub(crate) struct Caught {
    pub(crate) path: &'static str,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Caught {
    pub(crate) fn new(
        route: WebhookRoute,
        id: &str,
        timestamp_s: u64,
        secret: &str,
        body: Vec<u8>,
    ) -> Self {
        let signing = SigningSecret::parse(secret).expect("a secret");
        Self {
            path: route.path(),
            headers: vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", timestamp_s.to_string()),
                ("webhook-signature", signing.sign(id, timestamp_s, &body)),
                ("x-webhook-secret", signing.static_header().to_string()),
            ],
            body,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        for (header, given) in &mut self.headers {
            if *header == name {
                value.clone_into(given);
            }
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    pub(crate) async fn send(&self, backend: &Backend) -> Response {
        let mut request = backend
            .request(Method::POST, &format!("/{}", self.path))
            .header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let sent = request.body(self.body.clone()).send().await;
        sent.expect("an answer")
    }
}

fn store(n: u128, share: &str, secret: &str) -> Caught {
    let body = serde_json::to_vec(&share_of(client(1), n, share)).expect("JSON");
    let id = WebhookRoute::Store.id(pair(n));
    Caught::new(WebhookRoute::Store, &id, NOW_S, secret, body)
}

fn fetch(id: &str, timestamp_s: u64, secret: &str) -> Caught {
    let body = format!(r#"{{"clientId":"{}"}}"#, client(1)).into_bytes();
    Caught::new(WebhookRoute::Fetch, id, timestamp_s, secret, body)
}

pub(crate) const fn now() -> Timestamp {
    Timestamp::from_ms(NOW_S * 1_000)
}

async fn receiver(auth: impl FnOnce(WebhookAuth) -> WebhookAuth) -> Backend {
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    let secret = |text| WebhookSecret::new(text).expect("a secret");
    let known = WebhookAuth::new(secret(NEW)).or(secret(OLD));
    let auth = auth(known);
    Backend::start_with(dir, |store, tokens, _| {
        Receiver::builder(store, auth)
            .app_auth(tokens)
            .plain_backups(true)
            .clock(now)
            .build()
    })
    .await
}

/// By a clock that is set.
async fn receiver_at(clock: &Arc<AtomicU64>, dir: Arc<tempfile::TempDir>) -> Backend {
    let secret = WebhookSecret::new(NEW).expect("a secret");
    let clock = Arc::clone(clock);
    Backend::start_with(dir, |store, _, _| {
        Receiver::builder(store, secret)
            .clock(move || Timestamp::from_ms(clock.load(Ordering::Relaxed)))
            .build()
    })
    .await
}

async fn refused(response: Response) -> String {
    problem(response, 401, ErrorId::AuthFailed).await.detail
}

#[tokio::test]
async fn calls_by_either_of_two_secrets_are_taken() {
    let backend = receiver(|auth| auth).await;
    for (n, secret) in [(1, OLD), (2, NEW)] {
        let stored = store(n, secret, secret).send(&backend).await;
        ok::<StoredBackupShare>(stored).await;
        let call = fetch(&format!("fetch_{n}"), NOW_S, secret);
        let fetched: BackupShares = ok(call.send(&backend).await).await;
        assert!(
            fetched
                .backup_shares
                .iter()
                .any(|share| share.expose() == secret)
        );
    }
    // While Portal changes from one to the other it signs by both.
    let both = fetch("fetch_3", NOW_S, OLD);
    let signing = SigningSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a secret");
    let signatures = format!(
        "{} {}",
        signing.sign("fetch_3", NOW_S, &both.body),
        both.headers[2].1
    );
    let both = both.with("webhook-signature", &signatures);
    ok::<BackupShares>(both.send(&backend).await).await;
    let by_a_third = fetch("fetch_4", NOW_S, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    refused(by_a_third.send(&backend).await).await;
}

#[tokio::test]
async fn what_was_caught_gives_out_nothing_a_second_time() {
    let backend = receiver(|auth| auth).await;
    ok::<StoredBackupShare>(store(1, "share", NEW).send(&backend).await).await;
    let caught = fetch("fetch_1", NOW_S, NEW);
    ok::<BackupShares>(caught.send(&backend).await).await;
    for _ in 0..2 {
        let told = refused(caught.send(&backend).await).await;
        assert!(told.contains("answered already"), "{told}");
    }
    // A new call of Portal's is another matter, and so is one stamped later.
    ok::<BackupShares>(fetch("fetch_2", NOW_S, NEW).send(&backend).await).await;
    let told = refused(fetch("fetch_1", NOW_S + 1, NEW).send(&backend).await).await;
    assert!(told.contains("answered already"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_is_answered() {
    let backend = Arc::new(receiver(|auth| auth).await);
    let posts: Vec<_> = (0..20)
        .map(|_| {
            let backend = Arc::clone(&backend);
            tokio::spawn(async move { fetch("fetch_1", NOW_S, NEW).send(&backend).await.status() })
        })
        .collect();
    let mut answered = 0;
    for post in posts {
        answered += u32::from(post.await.expect("no panic").is_success());
    }
    assert_eq!(answered, 1);
}

/// A delivery whose answer was lost comes again under its id, and has the same receipt.
#[tokio::test]
async fn a_share_that_comes_again_has_the_same_receipt() {
    let backend = receiver(|auth| auth).await;
    let mut receipts = Vec::new();
    for timestamp_s in [NOW_S, NOW_S, NOW_S + 1] {
        let again = store(1, "share", NEW);
        let again = Caught::new(
            WebhookRoute::Store,
            &again.headers[0].1,
            timestamp_s,
            NEW,
            again.body,
        );
        let receipt: StoredBackupShare = ok(again.send(&backend).await).await;
        receipts.push(receipt);
    }
    receipts.dedup();
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    assert!(receipts[0].digest.is_some());
}

/// A signature does not cover the path.
#[tokio::test]
async fn a_call_does_not_become_another_one() {
    let backend = receiver(|auth| auth).await;
    ok::<StoredBackupShare>(store(1, "share", NEW).send(&backend).await).await;
    // Its fields are all that a fetch needs.
    let body = serde_json::json!({
        "clientId": client(1),
        "backupSharePairIds": {"secp256k1": pair(1), "ed25519": pair(2)},
        "challenge": "AAAA",
    });
    let body = serde_json::to_vec(&body).expect("JSON");
    let mut caught = Caught::new(WebhookRoute::Prove, "prove_1", NOW_S, NEW, body);
    caught.path = WebhookRoute::Fetch.path();
    let told = refused(caught.send(&backend).await).await;
    assert!(told.contains("another path"), "{told}");
}

#[tokio::test]
async fn what_was_altered_or_is_of_another_time_is_not_heard() {
    let backend = receiver(|auth| auth).await;
    let good = store(1, "share", NEW);
    let mut other_share = good.clone();
    other_share.body = store(1, "altered", NEW).body;
    let mut spaced = good.clone();
    spaced.body.push(b' ');
    let other = store(2, "share", OLD);
    let stamped = |timestamp_s| {
        let (id, body) = (&good.headers[0].1, good.body.clone());
        Caught::new(WebhookRoute::Store, id, timestamp_s, NEW, body)
    };
    let cases = [
        ("another share", other_share),
        ("a space more", spaced),
        ("another id", good.clone().with("webhook-id", "store_other")),
        (
            "another time",
            good.clone()
                .with("webhook-timestamp", &(NOW_S + 1).to_string()),
        ),
        (
            "another's signature",
            good.clone().with("webhook-signature", &other.headers[2].1),
        ),
        ("no signature", good.clone().with("webhook-signature", "")),
        ("no time", good.clone().with("webhook-timestamp", "now")),
        ("too old", stamped(NOW_S - 301)),
        ("too new", stamped(NOW_S + 301)),
    ];
    for (what, altered) in cases {
        let told = refused(altered.send(&backend).await).await;
        assert!(!told.contains("answered already"), "{what}: {told}");
    }
    // Whoever takes a header away has no call by the static one either, not even where it would do.
    let lenient = receiver(|auth| auth.require_signatures(false)).await;
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        for backend in [&backend, &lenient] {
            refused(good.clone().without(name).send(backend).await).await;
        }
    }
    for backend in [backend, lenient] {
        let fetched: BackupShares = ok(fetch("fetch_1", NOW_S, NEW).send(&backend).await).await;
        assert!(fetched.backup_shares.is_empty());
    }
}

/// Two lines of one header could be read as one by the proxy in front, and as the other here.
#[tokio::test]
async fn a_header_that_is_there_twice_is_refused() {
    let backend = receiver(|auth| auth).await;
    let mut twice = fetch("fetch_1", NOW_S, NEW);
    twice.headers.push(("webhook-id", "fetch_2".to_owned()));
    refused(twice.send(&backend).await).await;
}

#[tokio::test]
async fn the_static_header_alone_will_do_only_where_that_is_allowed() {
    let unsigned = |shown: &str| {
        let call = fetch("fetch_1", NOW_S, NEW).with("x-webhook-secret", shown);
        let call = call.without("webhook-id").without("webhook-timestamp");
        call.without("webhook-signature")
    };
    let derived = SigningSecret::parse(OLD).expect("a secret").static_header();
    let strict = receiver(|auth| auth).await;
    let lenient = receiver(|auth| auth.require_signatures(false)).await;
    // A server from before signatures shows the secret itself.
    for shown in [NEW, OLD, &derived] {
        let told = refused(unsigned(shown).send(&strict).await).await;
        assert!(told.contains("expected a signed call"), "{told}");
        ok::<BackupShares>(unsigned(shown).send(&lenient).await).await;
    }
    for shown in ["", "whsec_", SECRET] {
        refused(unsigned(shown).send(&lenient).await).await;
    }
    // A receiver with a secret from before signatures need not be told.
    let former = Backend::start().await;
    ok::<BackupShares>(former.fetch(client(1)).await).await;
}

/// A second receiver on the same store, as another process has it.
#[tokio::test]
async fn what_one_process_answered_another_does_not() {
    let first = receiver(|auth| auth).await;
    let caught = fetch("fetch_1", NOW_S, NEW);
    ok::<BackupShares>(caught.send(&first).await).await;
    let secret = WebhookSecret::new(NEW).expect("a secret");
    let second = Backend::start_with(Arc::clone(&first.dir), |store, _, _| {
        Receiver::builder(store, secret).clock(now).build()
    })
    .await;
    let told = refused(caught.send(&second).await).await;
    assert!(told.contains("answered already"), "{told}");
    ok::<BackupShares>(fetch("fetch_2", NOW_S, NEW).send(&second).await).await;
}

/// Other calls come meanwhile, and each may forget what is old enough. A call may be stamped as far
/// ahead as is believed, and is believed then until that time is past as well.
#[tokio::test]
async fn nothing_is_forgotten_while_it_would_be_believed() {
    let clock = Arc::new(AtomicU64::new(NOW_S * 1_000));
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    let backend = receiver_at(&clock, dir).await;
    let ahead = fetch("fetch_1", NOW_S + TOLERANCE_S, NEW);
    ok::<BackupShares>(ahead.send(&backend).await).await;
    let last_s = NOW_S + 2 * TOLERANCE_S;
    clock.store(last_s * 1_000 + 999, Ordering::Relaxed);
    ok::<BackupShares>(fetch("fetch_2", last_s, NEW).send(&backend).await).await;
    let told = refused(ahead.send(&backend).await).await;
    assert!(told.contains("answered already"), "{told}");
}

/// A new process, whose clock was set back meanwhile.
#[tokio::test]
async fn a_call_from_before_the_process_began_is_answered_once() {
    let clock = Arc::new(AtomicU64::new(NOW_S * 1_000));
    let dir = Arc::new(tempfile::tempdir().expect("a directory"));
    let backend = receiver_at(&clock, dir).await;
    let heard = fetch("fetch_1", NOW_S, NEW);
    ok::<BackupShares>(heard.send(&backend).await).await;
    let dir = backend.stop().await;
    clock.store((NOW_S - 60) * 1_000, Ordering::Relaxed);
    let backend = receiver_at(&clock, dir).await;
    let told = refused(heard.send(&backend).await).await;
    assert!(told.contains("answered already"), "{told}");
    // One that nobody heard yet, stamped before this process began.
    let unheard = fetch("fetch_2", NOW_S - 90, NEW);
    ok::<BackupShares>(unheard.send(&backend).await).await;
}
