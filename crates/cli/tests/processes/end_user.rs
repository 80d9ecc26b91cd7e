//! An end user whose devices are the SDK in this process, before servers in processes of their
//! own.

use std::sync::Arc;

use portal_api::rest::CreatedClient;
use portal_keychain::MemoryKeychain;
use portal_lifecycle::BackupMethod;
use portal_sdk::{Backup, Error, MemoryStorage, Portal};

/// How these end users back up.
pub(crate) const CUSTOM: Backup = Backup::Stored(BackupMethod::Custom);

/// A client for calls that no part of the product makes for a test.
pub(crate) fn http() -> reqwest::Client {
    // Another test of this process may have done it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A client with what only the user has.
pub(crate) struct EndUser {
    token: String,
    storage: Arc<MemoryStorage>,
}

impl EndUser {
    /// A new client of the customer who has this API key.
    pub(crate) async fn join(server: &str, api_key: &str) -> Self {
        let request = http()
            .post(format!("{server}/api/v3/custodians/me/clients"))
            .bearer_auth(api_key)
            .json(&serde_json::json!({}));
        let made: CreatedClient = request.send().await.unwrap().json().await.unwrap();
        Self {
            token: made.client_session_token.expose().to_owned(),
            storage: Arc::default(),
        }
    }

    /// The SDK, as an app starts it on a device.
    pub(crate) async fn portal(
        &self,
        server: &str,
        device: &Arc<MemoryKeychain>,
    ) -> Result<Portal, Error> {
        Portal::builder(server, &self.token, Arc::clone(device) as _)
            .plain_backups()
            .backup_storage(BackupMethod::Custom, Arc::clone(&self.storage) as _)
            .build()
            .await
    }
}
