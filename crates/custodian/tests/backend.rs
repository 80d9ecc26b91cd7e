//! A running receiver, and what tests say to it.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, Once};

use axum::Router;
use portal_api::webhook::StoreBackupShare;
use portal_api::{PROBLEM_MEDIA_TYPE, Problem, TRACE_HEADER};
use portal_custodian::{AppTokens, Receiver, SqlCustodianStore, WebhookSecret, serve};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Curve, ErrorId};
use portal_seal::SealingKey;
use reqwest::{Method, RequestBuilder, Response};
use sqlx::ConnectOptions as _;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const SECRET: &str = "whsec-of-the-environment-4f1c9a";

pub(crate) fn sealing_key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

pub(crate) fn client(n: u128) -> ClientId {
    ClientId(Uuid::from_u128(0xc11e << 100 | n))
}

pub(crate) fn pair(n: u128) -> BackupSharePairId {
    BackupSharePairId(Uuid::from_u128(0x9a12 << 100 | n))
}

/// What Portal sends for `client`.
pub(crate) fn share_of(client_id: ClientId, n: u128, share: &str) -> StoreBackupShare {
    StoreBackupShare {
        client_id,
        backup_method: BackupMethod::Password,
        share: share.into(),
        backup_share_pair_id: pair(n),
        wallet_id: WalletId(Uuid::from_u128(7)),
        curve: Curve::Secp256k1,
        generation: 1,
        sealed: None,
    }
}

/// Everything that all tests of this process logged, at trace level.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

struct ToLog;

impl Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        log_lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log_lock() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(crate) fn log() -> String {
    String::from_utf8_lossy(&log_lock()).into_owned()
}

fn once_a_process() {
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("no other provider");
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(|| ToLog)
            .with_ansi(false)
            .init();
    });
}

pub(crate) struct Backend {
    pub(crate) tokens: Arc<AppTokens>,
    pub(crate) store: Arc<SqlCustodianStore>,
    pub(crate) dir: Arc<TempDir>,
    url: String,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().expect("a directory"))).await
    }

    pub(crate) async fn start_in(dir: Arc<TempDir>) -> Self {
        Self::start_with(dir, |store, tokens, secret| {
            Receiver::builder(store, secret)
                .app_auth(tokens)
                .plain_backups(true)
                .build()
        })
        .await
    }

    /// With the receiver mounted as `mount` does it.
    pub(crate) async fn start_with(
        dir: Arc<TempDir>,
        mount: impl FnOnce(Arc<SqlCustodianStore>, Arc<AppTokens>, WebhookSecret) -> Router,
    ) -> Self {
        once_a_process();
        let path = dir.path().join("custodian.db");
        let store = SqlCustodianStore::sqlite(path, sealing_key(1))
            .await
            .expect("the store opens");
        let store = Arc::new(store);
        let tokens = Arc::new(AppTokens::new(Zeroizing::new([2; 32])));
        let secret = WebhookSecret::new(SECRET).expect("a long secret");
        let router = mount(store.clone(), tokens.clone(), secret);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, router, async {
            stopped.await.ok();
        }));
        Self {
            tokens,
            store,
            dir,
            url,
            http: reqwest::Client::new(),
            stop,
            served,
        }
    }

    /// Stops and leaves the files.
    pub(crate) async fn stop(self) -> Arc<TempDir> {
        self.stop.send(()).expect("still serving");
        drop(self.http);
        self.served.await.expect("no panic").expect("served well");
        self.store.close().await;
        self.dir
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A call of Portal's with a body, as it is given.
    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.request(Method::POST, path)
            .header("x-webhook-secret", SECRET)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    pub(crate) async fn deliver(&self, body: &StoreBackupShare) -> Response {
        self.post("/backup", serde_json::to_vec(body).expect("JSON"))
            .await
    }

    pub(crate) async fn fetch(&self, client_id: ClientId) -> Response {
        self.post("/backup/fetch", format!(r#"{{"clientId":"{client_id}"}}"#))
            .await
    }

    /// A call of the app of `of` to the cipher texts of `client_id`.
    pub(crate) fn app(&self, of: ClientId, method: Method, client_id: ClientId) -> RequestBuilder {
        self.request(method, &cipher_texts_path(client_id))
            .bearer_auth(self.tokens.mint(of).expose())
    }

    /// The file as another program opens it.
    pub(crate) async fn raw(&self) -> sqlx::SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.dir.path().join("custodian.db"))
            .connect()
            .await
            .expect("the file opens")
    }
}

pub(crate) fn cipher_texts_path(client_id: ClientId) -> String {
    format!("/app/clients/{client_id}/cipher-texts/PASSWORD")
}

/// Reads an answer of 200.
pub(crate) async fn ok<T: serde::de::DeserializeOwned>(response: Response) -> T {
    let status = response.status();
    let body = response.text().await.expect("a body");
    assert_eq!(status.as_u16(), 200, "expected 200, got {status}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
}

/// Reads a problem document and checks that it is a proper one.
pub(crate) async fn problem(response: Response, status: u16, id: ErrorId) -> Problem {
    let got = response.status().as_u16();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("ASCII").to_owned())
    };
    let (media_type, trace_id) = (header("content-type"), header(TRACE_HEADER));
    let body = response.text().await.expect("a body");
    assert_eq!(got, status, "expected {status}, got {got}: {body}");
    assert_eq!(media_type.as_deref(), Some(PROBLEM_MEDIA_TYPE), "{body}");
    let problem: Problem =
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"));
    assert_eq!(problem.id, id, "{body}");
    assert_eq!(problem.status, status, "{body}");
    assert_eq!(trace_id, Some(problem.trace_id.to_string()), "{body}");
    problem
}
