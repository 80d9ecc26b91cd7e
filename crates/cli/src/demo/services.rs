//! Server and customer's backend, on loopback ports that the system picks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portal_custodian::{KeptSecret, Receiver, RecoveryPolicy, Sealing};
use portal_lifecycle::BackupMode;
use portal_seal::SecretBytes;
use portal_server::clock::SystemClock;
use portal_server::{App, Limits, Operator, WebhookPolicy, WebhookSettings};
use portal_store::SqlStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::state;
use crate::args::StorageArgs;
use crate::command::custodian_secrets;
use crate::key_file;
use crate::output::Output;
use crate::storage;

const POLICY: WebhookPolicy = WebhookPolicy {
    allow_http_to_loopback: true,
    allow_private: false,
};

/// Both services, running.
pub(super) struct Services {
    pub(super) server: String,
    pub(super) custodian: String,
    pub(super) custodian_data: PathBuf,
    operator: Operator,
    webhook_secret: SecretBytes,
    store: Arc<SqlStore>,
    stopping: watch::Sender<bool>,
    running: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Services {
    pub(super) async fn start(data: &Path, output: Output) -> anyhow::Result<Self> {
        let stopping = watch::Sender::new(false);
        let custodian_data = data.join("custodian");
        let opened = custodian_secrets::open(&custodian_data, None, &[]).await?;
        let webhook_secret = webhook_secret(&custodian_data)?;
        // A run that goes on where another was finds no recovery of that one open.
        let policy = RecoveryPolicy {
            uses: 1,
            ..RecoveryPolicy::default()
        };
        let store = opened.store;
        let (keys, secret) = (opened.sealing_keys, opened.backend_secret);
        let sealing = Sealing::new(keys, Arc::clone(&store) as _, secret);
        let router = Receiver::builder(store, opened.webhook_auth)
            .app_auth(Arc::new(opened.app_tokens))
            .sealing(sealing.recovery_policy(policy))
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let custodian = format!("http://{}", listener.local_addr()?);
        let custodian_task = tokio::spawn(portal_custodian::serve(
            listener,
            router,
            stopped(&stopping),
        ));

        let store = storage::open(&StorageArgs::in_directory(&data.join("server"))).await?;
        let clock = Arc::new(SystemClock);
        let operator = Operator::new(Arc::clone(&store) as _, Arc::clone(&clock) as _, POLICY);
        let app = App::new(Arc::clone(&store) as _, clock, POLICY, Limits::default())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = format!("http://{}", listener.local_addr()?);
        let server_task = tokio::spawn(portal_server::serve(app, listener, stopped(&stopping)));

        output.say(format!(
            "  server     {server}   SQLite, shares sealed at rest"
        ));
        output.say(format!(
            "  custodian  {custodian}   the customer's backend, with its own database"
        ));
        Ok(Self {
            server,
            custodian,
            custodian_data,
            operator,
            webhook_secret,
            store,
            stopping,
            running: vec![custodian_task, server_task],
        })
    }

    /// Makes the customer; gives its API key.
    pub(super) async fn create_custodian(&self) -> anyhow::Result<state::Made> {
        let created = self
            .operator
            .create_custodian("Demo", "demo", Some(self.webhook()), BackupMode::Sealed)
            .await?;
        Ok(state::Made {
            environment_id: created.environment_id,
            api_key: created.api_key,
        })
    }

    /// The customer's backend has another port in every run.
    pub(super) async fn move_webhook(
        &self,
        environment: portal_lifecycle::ids::EnvironmentId,
    ) -> anyhow::Result<()> {
        Ok(self
            .operator
            .put_webhook(environment, self.webhook())
            .await?)
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stopping.send_replace(true);
        for running in self.running {
            running.await??;
        }
        self.store.close().await;
        Ok(())
    }

    fn webhook(&self) -> WebhookSettings {
        WebhookSettings {
            base_url: self.custodian.clone(),
            secret: self.webhook_secret.clone(),
        }
    }
}

/// The one that signs; a second one is of before.
fn webhook_secret(custodian_data: &Path) -> anyhow::Result<SecretBytes> {
    let text = key_file::text(&custodian_data.join(KeptSecret::WebhookSecret.as_str()))?;
    let secret = text.lines().next().unwrap_or_default();
    Ok(SecretBytes::new(secret.as_bytes().to_vec()))
}

async fn wait(mut stopping: watch::Receiver<bool>) {
    // An error would mean that the sender is gone: stop all the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

fn stopped(stopping: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + use<> {
    wait(stopping.subscribe())
}
