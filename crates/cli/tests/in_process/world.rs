//! One server on SQLite, one customer's backend, and their users.

use std::sync::Arc;

use portal_api::rest::CreatedClient;
use portal_api::sealed::RecoveryTicket;
use portal_api::signing_policy::SigningPolicy;
use portal_custodian::{
    AppTokens, BackendSecret, Receiver, Sealing, SealingKeys, SqlCustodianStore, WebhookSecret,
};
use portal_keychain::Keychain;
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMethod, BackupMode};
use portal_sdk::{Error, MemoryStorage, PinnedSealingKey, Portal, PortalBuilder};
use portal_seal::recipient::OpeningKey;
use portal_seal::{SealingKey, SecretBytes};
use portal_server::clock::Clock;
use portal_server::{
    App, CustodianCreated, HttpWebhooks, Limits, Operator, Parts, RateLimits, Resolver,
    SystemResolver, WebhookPolicy, WebhookSettings, WebhookTransport,
};
use portal_store::SqlStore;
use portal_store::kms::KeyFileKms;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::clock::MovableClock;
use crate::expect::granted;
use crate::rest::{self, Answer};

pub(crate) const WEBHOOK_SECRET: &str = "the webhook's secret of these tests";

pub(crate) const BACKEND_SECRET: &str = "the secret of the app's backend in these tests";

/// Every byte of the server's KMS key.
pub(crate) const KMS_KEY: u8 = 1;

const POLICY: WebhookPolicy = WebhookPolicy {
    allow_http_to_loopback: true,
    allow_private: false,
};

pub(crate) struct World {
    data: TempDir,
    limits: Limits,
    webhooks: Arc<dyn WebhookTransport>,
    pub(crate) clock: Arc<MovableClock>,
    server: Option<Server>,
    /// The customer's backend.
    pub(crate) custodian: String,
    pub(crate) app_tokens: Arc<AppTokens>,
    pub(crate) customer: CustodianCreated,
    pub(crate) mode: BackupMode,
    pub(crate) sealing_key: PinnedSealingKey,
    /// The customer's own storage.
    pub(crate) shares: Arc<SqlCustodianStore>,
}

struct Server {
    url: String,
    store: Arc<SqlStore>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

/// An end user: a client with what only the user has.
pub(crate) struct User {
    pub(crate) id: ClientId,
    pub(crate) api_key: String,
    pub(crate) token: String,
    /// The user's own storage, for backups of method CUSTOM.
    pub(crate) storage: Arc<MemoryStorage>,
    /// What the user's app pins.
    pub(crate) sealing_key: Option<PinnedSealingKey>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    /// Nobody is told to come later, as most tests want it.
    pub(crate) async fn start_with(limits: Limits) -> Self {
        Self::start_in(BackupMode::Plain, limits).await
    }

    /// A world whose environment makes backups in this mode.
    pub(crate) async fn start_in(mode: BackupMode, limits: Limits) -> Self {
        Self::without_limits(mode, limits, calling(Arc::new(SystemResolver::default()))).await
    }

    /// Its webhooks go where `names` has them go.
    pub(crate) async fn start_resolving(names: Arc<dyn Resolver>) -> Self {
        Self::without_limits(BackupMode::Plain, Limits::default(), calling(names)).await
    }

    /// Its webhooks go as `webhooks` has them go.
    pub(crate) async fn start_through(limits: Limits, webhooks: Arc<dyn WebhookTransport>) -> Self {
        Self::without_limits(BackupMode::Plain, limits, webhooks).await
    }

    pub(crate) async fn start_with_rates(rates: RateLimits) -> Self {
        let limits = Limits {
            rates,
            ..Limits::default()
        };
        let webhooks = calling(Arc::new(SystemResolver::default()));
        Self::make(BackupMode::Plain, limits, webhooks).await
    }

    async fn without_limits(
        mode: BackupMode,
        limits: Limits,
        webhooks: Arc<dyn WebhookTransport>,
    ) -> Self {
        let limits = Limits {
            rates: RateLimits::NONE,
            ..limits
        };
        Self::make(mode, limits, webhooks).await
    }

    async fn make(mode: BackupMode, limits: Limits, webhooks: Arc<dyn WebhookTransport>) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let app_tokens = Arc::new(AppTokens::new(Zeroizing::new([2; 32])));
        let clock = Arc::<MovableClock>::default();
        let (custodian, shares, sealing_key) =
            start_custodian(&data, &app_tokens, &clock, mode).await;
        let server = start_server(&data, KMS_KEY, &clock, limits, &webhooks).await;
        let operator = operator(&server.store, &clock);
        let customer = operator
            .create_custodian("Customer", "test", Some(webhook(&custodian)), mode)
            .await
            .expect("a customer");
        allow_raw_signing(&operator, &customer).await;
        Self {
            data,
            limits,
            webhooks,
            clock,
            server: Some(server),
            custodian,
            app_tokens,
            customer,
            mode,
            sealing_key,
            shares,
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("a running server")
    }

    pub(crate) fn url(&self) -> &str {
        &self.server().url
    }

    pub(crate) fn store(&self) -> &SqlStore {
        &self.server().store
    }

    /// The server's database.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.data.path().join("server").join("portal.db")
    }

    pub(crate) fn operator(&self) -> Operator {
        operator(&self.server().store, &self.clock)
    }

    /// Stops the server; what is under way is ended as in production.
    pub(crate) async fn stop_server(&mut self) {
        let server = self.server.take().expect("a running server");
        server.stop.send(()).expect("still serving");
        let served = server.served.await.expect("no panic");
        served.expect("served well");
        server.store.close().await;
    }

    /// Starts it on the same database, on another port.
    pub(crate) async fn start_server_again(&mut self) {
        self.start_server_under(KMS_KEY).await;
    }

    /// The same, with a KMS key that may not be the one of before.
    pub(crate) async fn start_server_under(&mut self, key: u8) {
        assert!(self.server.is_none(), "expected a stopped server");
        let (clock, webhooks) = (&self.clock, &self.webhooks);
        self.server = Some(start_server(&self.data, key, clock, self.limits, webhooks).await);
    }

    /// Copies the stopped server's database away.
    pub(crate) fn save_database(&self) {
        assert!(self.server.is_none(), "expected a stopped server");
        copy_directory(
            &self.data.path().join("server"),
            &self.data.path().join("saved"),
        );
    }

    /// Puts the older database back in the stopped server's place.
    pub(crate) fn roll_database_back(&self) {
        assert!(self.server.is_none(), "expected a stopped server");
        let database = self.data.path().join("server");
        std::fs::remove_dir_all(&database).expect("removable");
        copy_directory(&self.data.path().join("saved"), &database);
    }

    /// Sends the customer's shares to `base_url` from now on.
    pub(crate) async fn send_webhooks_to(&self, base_url: &str) {
        let operator = self.operator();
        let moved = operator.put_webhook(self.customer.environment_id, webhook(base_url));
        moved.await.expect("a webhook");
    }

    /// Sends the customer's shares to its own backend again.
    pub(crate) async fn mend_webhook(&self) {
        self.send_webhooks_to(&self.custodian).await;
    }

    pub(crate) async fn user(&self) -> User {
        self.user_of(&self.customer.api_key).await
    }

    pub(crate) async fn user_of(&self, api_key: &str) -> User {
        let made = self
            .call(
                Method::POST,
                "/api/v3/custodians/me/clients",
                api_key,
                Some(json!({})),
            )
            .await;
        assert_eq!(made.status, 201, "expected a client, seen {made:?}");
        let made: CreatedClient = serde_json::from_value(made.body).expect("a client");
        User {
            id: made.id,
            api_key: made.client_api_key.expose().to_owned(),
            token: made.client_session_token.expose().to_owned(),
            storage: Arc::default(),
            sealing_key: (self.mode == BackupMode::Sealed).then_some(self.sealing_key),
        }
    }

    /// The app's backend has checked who asks.
    pub(crate) async fn open_recovery(&self, user: &User) -> RecoveryTicket {
        let url = format!("{}/backend/clients/{}/recoveries", self.custodian, user.id);
        let opened = rest::call(Method::POST, url, BACKEND_SECRET, Some(json!({}))).await;
        assert_eq!(opened.status, 201, "expected a window, seen {opened:?}");
        let ticket = opened.body["ticket"].as_str().expect("a ticket");
        ticket.parse().expect("a ticket")
    }

    /// The app's backend thinks better of it.
    pub(crate) async fn close_recovery(&self, user: &User) {
        let url = format!("{}/backend/clients/{}/recoveries", self.custodian, user.id);
        let closed = rest::call(Method::DELETE, url, BACKEND_SECRET, None).await;
        assert_eq!(closed.status, 204, "expected it closed, seen {closed:?}");
    }

    /// A REST call of anybody's.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Answer {
        rest::call(method, format!("{}{path}", self.url()), token, body).await
    }

    pub(crate) fn builder(&self, user: &User, keychain: Arc<dyn Keychain>) -> PortalBuilder {
        builder_at(self.url(), user, keychain)
    }

    pub(crate) async fn build(
        &self,
        user: &User,
        keychain: Arc<dyn Keychain>,
    ) -> Result<Portal, Error> {
        self.builder(user, keychain).build().await
    }

    /// The SDK as an app starts it on a device.
    pub(crate) async fn portal(&self, user: &User, keychain: Arc<dyn Keychain>) -> Portal {
        granted(self.build(user, keychain).await, "starting the SDK")
    }
}

/// The SDK of a user, for a server that is reached at `url`.
pub(crate) fn builder_at(url: &str, user: &User, keychain: Arc<dyn Keychain>) -> PortalBuilder {
    let builder = Portal::builder(url, &user.token, keychain)
        .backup_storage(BackupMethod::Custom, Arc::clone(&user.storage) as _);
    match user.sealing_key {
        Some(key) => builder.sealing_key(key),
        None => builder.plain_backups(),
    }
}

/// Most tests sign what no chain reads.
pub(crate) async fn allow_raw_signing(operator: &Operator, customer: &CustodianCreated) {
    let raw = SigningPolicy {
        raw_signing: true,
        ..SigningPolicy::default()
    };
    let put = operator.put_signing_policy(customer.environment_id, &raw);
    put.await.expect("a policy");
}

fn webhook(base_url: &str) -> WebhookSettings {
    WebhookSettings {
        base_url: base_url.to_owned(),
        secret: SecretBytes::new(WEBHOOK_SECRET.as_bytes().to_vec()),
    }
}

fn operator(store: &Arc<SqlStore>, clock: &Arc<MovableClock>) -> Operator {
    Operator::new(Arc::clone(store) as _, Arc::clone(clock) as _, POLICY)
}

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

/// Over HTTP, to where `names` lead.
pub(crate) fn calling(names: Arc<dyn Resolver>) -> Arc<dyn WebhookTransport> {
    // Another test of this process may have done it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Arc::new(HttpWebhooks::with_resolver(POLICY, names).expect("a client"))
}

async fn start_server(
    data: &TempDir,
    kms_key: u8,
    clock: &Arc<MovableClock>,
    limits: Limits,
    webhooks: &Arc<dyn WebhookTransport>,
) -> Server {
    let directory = data.path().join("server");
    std::fs::create_dir_all(&directory).expect("a directory");
    let kms = Arc::new(KeyFileKms::from_key(key(kms_key)));
    let store = SqlStore::sqlite(&directory.join("portal.db"), kms).await;
    let store = Arc::new(store.expect("a database"));
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let parts = Parts {
        clock,
        policy: POLICY,
        webhooks: Arc::clone(webhooks),
        limits,
        metrics: portal_server::Metrics::default(),
    };
    let app = App::of_parts(Arc::clone(&store) as _, parts);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(portal_server::serve(app, listener, async {
        // Dropping the sender stops it as well.
        let _ = stopped.await;
    }));
    Server {
        url,
        store,
        stop,
        served,
    }
}

/// Runs until the test's runtime ends.
async fn start_custodian(
    data: &TempDir,
    tokens: &Arc<AppTokens>,
    clock: &Arc<MovableClock>,
    mode: BackupMode,
) -> (String, Arc<SqlCustodianStore>, PinnedSealingKey) {
    let secret = WebhookSecret::new(WEBHOOK_SECRET).expect("a long secret");
    let clock = Arc::clone(clock);
    let store = SqlCustodianStore::sqlite(data.path().join("custodian.db"), key(3)).await;
    let store = Arc::new(store.expect("a database"));
    let opening = OpeningKey::from_bytes(Zeroizing::new([4; 32]));
    let keys = SealingKeys::new(vec![opening]).expect("a key");
    let sealing_key = keys.public()[0];
    let secret_of_backend = BackendSecret::new(BACKEND_SECRET).expect("a long secret");
    let sealing = Sealing::new(keys, Arc::clone(&store) as _, secret_of_backend);
    let router = Receiver::builder(Arc::clone(&store) as _, secret)
        .app_auth(Arc::clone(tokens) as _)
        .sealing(sealing)
        .plain_backups(mode == BackupMode::Plain)
        .clock(move || clock.now())
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = portal_custodian::serve(listener, router, std::future::pending());
    tokio::spawn(serving);
    (url, store, sealing_key)
}

fn copy_directory(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for file in std::fs::read_dir(from).expect("a directory") {
        let file = file.expect("an entry");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}
