//! The server on SQLite, over a real socket.

use std::sync::Arc;

use portal_api::rest::CreatedClient;
use portal_api::signing_policy::SigningPolicy;
use portal_keychain::MemoryKeychain;
use portal_lifecycle::BackupMode;
use portal_sdk::Portal;
use portal_seal::SealingKey;
use portal_server::clock::SystemClock;
use portal_server::{App, Limits, Operator, RateLimits, WebhookPolicy, serve};
use portal_store::SqlStore;
use portal_store::kms::KeyFileKms;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

pub(crate) struct Service {
    directory: TempDir,
    pub(crate) url: String,
    api_key: String,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// One installation of the SDK.
pub(crate) struct Device {
    pub(crate) keychain: Arc<MemoryKeychain>,
    pub(crate) token: String,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory).await;
        let operator = Operator::new(store, Arc::new(SystemClock), WebhookPolicy::default());
        let created = operator
            .create_custodian("Acme", "test", None, BackupMode::Plain)
            .await
            .unwrap();
        let raw = SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        };
        operator
            .put_signing_policy(created.environment_id, &raw)
            .await
            .unwrap();
        let mut service = Self {
            directory,
            url: String::new(),
            api_key: created.api_key,
            running: None,
        };
        service.run().await;
        service
    }

    pub(crate) async fn restart(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            stop.send(()).unwrap();
            running.await.unwrap();
        }
        self.run().await;
    }

    async fn run(&mut self) {
        let store = open(&self.directory).await;
        let policy = WebhookPolicy::default();
        let limits = Limits {
            rates: RateLimits::NONE,
            ..Limits::default()
        };
        let app = App::new(store, Arc::new(SystemClock), policy, limits).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(app, listener, stopped).await.unwrap();
        });
        self.running = Some((stop, running));
    }

    pub(crate) async fn device(&self) -> Device {
        let url = format!("{}/api/v3/custodians/me/clients", self.url);
        let request = reqwest::Client::new().post(url).bearer_auth(&self.api_key);
        let created: CreatedClient = request.send().await.unwrap().json().await.unwrap();
        Device {
            keychain: Arc::new(MemoryKeychain::new()),
            token: created.client_session_token.expose().to_owned(),
        }
    }
}

async fn open(directory: &TempDir) -> Arc<SqlStore> {
    let key = SealingKey::from_bytes(Zeroizing::new([7; 32]));
    let kms = Arc::new(KeyFileKms::from_key(key));
    Arc::new(
        SqlStore::sqlite(&directory.path().join("portal.db"), kms)
            .await
            .unwrap(),
    )
}

impl Device {
    pub(crate) async fn portal(&self, service: &Service) -> Portal {
        let keychain = Arc::clone(&self.keychain);
        Portal::builder(&service.url, &self.token, keychain)
            .build()
            .await
            .unwrap()
    }
}
