//! Whether a server says truly that it can do its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portal_seal::SealingKey;
use portal_server::clock::SystemClock;
use portal_server::{App, Limits, WebhookPolicy};
use portal_store::MemoryStore;
use portal_store::kms::{KeyContext, KeyFileKms, Kms, KmsError, WrappedKey};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::expect::until;
use crate::receiver::slamming;
use crate::wallet::CUSTOM;
use crate::world::World;

/// A KMS that can be down, and counts how often it is asked.
#[derive(Debug)]
struct Switched {
    inner: KeyFileKms,
    is_down: AtomicBool,
    asked: AtomicU32,
}

impl Switched {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: KeyFileKms::from_key(SealingKey::from_bytes([7; 32].into())),
            is_down: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        })
    }
}

#[async_trait]
impl Kms for Switched {
    async fn key_id(&self) -> Result<String, KmsError> {
        self.inner.key_id().await
    }

    async fn wrap(&self, key: &SealingKey, context: &KeyContext) -> Result<WrappedKey, KmsError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            let problem = "down".to_owned();
            return Err(KmsError::Unavailable { problem });
        }
        self.inner.wrap(key, context).await
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        self.inner.unwrap(wrapped, context).await
    }
}

/// A server over a store in memory; dropping the sender stops it.
async fn start(kms: Arc<Switched>, limits: Limits) -> (String, oneshot::Sender<()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = Arc::new(MemoryStore::new(kms));
    let app = App::new(
        store,
        Arc::new(SystemClock),
        WebhookPolicy::default(),
        limits,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel();
    let serving = portal_server::serve(app.expect("a client"), listener, async {
        let _ = stopped.await;
    });
    tokio::spawn(serving);
    (url, stop)
}

async fn ready(url: &str) -> (u16, Value) {
    // A connection for each: one that is kept would be closed by a server that stops.
    let answer = reqwest::get(format!("{url}/ready"))
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_kms_is_not_ready() {
    let kms = Switched::new();
    let limits = Limits {
        kms_check_interval: Duration::ZERO,
        ..Limits::default()
    };
    let (url, _stop) = start(kms.clone(), limits).await;
    let (status, told) = ready(&url).await;
    assert_eq!((status, &told["status"]), (200, &"ready".into()), "{told}");
    for check in ["database", "kms", "outbox"] {
        assert_eq!(told["checks"][check]["ok"], true, "{told}");
        assert!(told["checks"][check]["latencyMs"].is_f64(), "{told}");
    }
    kms.is_down.store(true, Ordering::SeqCst);
    let (status, told) = ready(&url).await;
    assert_eq!(
        (status, &told["status"]),
        (503, &"unavailable".into()),
        "{told}"
    );
    assert_eq!(told["checks"]["kms"]["ok"], false, "{told}");
    assert_eq!(told["checks"]["database"]["ok"], true, "{told}");
    kms.is_down.store(false, Ordering::SeqCst);
    assert_eq!(ready(&url).await.0, 200);
}

/// Whoever looks every second is not charged for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_kms_is_not_asked_each_time() {
    let kms = Switched::new();
    let (url, _stop) = start(kms.clone(), Limits::default()).await;
    for _ in 0..5 {
        assert_eq!(ready(&url).await.0, 200);
    }
    assert_eq!(kms.asked.load(Ordering::SeqCst), 1);
}

/// A load balancer sees it and sends clients elsewhere, while requests are still taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_told_to_stop_is_not_ready_and_still_answers() {
    let limits = Limits {
        drain_delay: Duration::from_secs(600),
        ..Limits::default()
    };
    let (url, stop) = start(Switched::new(), limits).await;
    assert_eq!(ready(&url).await.0, 200);
    stop.send(()).expect("still serving");
    let told = until("that it is not ready", async || {
        let (status, told) = ready(&url).await;
        (status == 503).then_some(told)
    });
    assert_eq!(told.await["status"], "draining");
    let live = reqwest::get(format!("{url}/live"))
        .await
        .expect("an answer");
    assert_eq!(live.status(), 204);
}

/// One customer's backend is down: that is told, and takes no server away from the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_waits_too_long_is_told() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    assert_eq!(ready(world.url()).await.1["status"], "ready");
    world.send_webhooks_to(&slamming().await).await;
    let backup = wallet.portal.backup_wallet(CUSTOM).await;
    assert!(backup.is_err(), "expected a backend that takes nothing");
    let (_, told) = ready(world.url()).await;
    assert_eq!(told["status"], "ready", "it may come back: {told}");
    world.clock.put_forward(Duration::from_secs(16 * 60));
    let (status, told) = ready(world.url()).await;
    assert_eq!(
        (status, &told["status"]),
        (200, &"degraded".into()),
        "{told}"
    );
    let age = told["checks"]["outbox"]["oldestDeliveryAgeSeconds"].as_u64();
    assert!(age >= Some(16 * 60), "{told}");
}
