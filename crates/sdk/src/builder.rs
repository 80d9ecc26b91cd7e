//! Putting a [`Portal`] together.

use std::collections::BTreeMap;
use std::sync::Arc;

use portal_api::sealed::PinnedSealingKey;
use portal_backup::BackupStorage;
use portal_keychain::Keychain;
use portal_lifecycle::{BackupMethod, ErrorId};
use url::Url;
use zeroize::Zeroizing;

use crate::device::Device;
use crate::meter::{Meter, traced};
use crate::portal::Backups;
use crate::progress::{Listener, Progress};
use crate::rest::Rest;
use crate::transport::{Network, Transport};
use crate::{Error, Portal};

/// Collects what a [`Portal`] works with.
pub struct PortalBuilder {
    server: String,
    token: Zeroizing<String>,
    keychain: Arc<dyn Keychain>,
    storages: BTreeMap<BackupMethod, Arc<dyn BackupStorage>>,
    backups: Option<Backups>,
    listener: Listener,
    transport: Option<Arc<dyn Transport>>,
    authorities_pem: Option<Vec<u8>>,
}

impl PortalBuilder {
    pub(crate) fn new(server: &str, token: &str, keychain: Arc<dyn Keychain>) -> Self {
        Self {
            server: server.to_owned(),
            token: Zeroizing::new(token.to_owned()),
            keychain,
            storages: BTreeMap::new(),
            backups: None,
            listener: Box::new(|_| {}),
            transport: None,
            authorities_pem: None,
        }
    }

    /// Where the user keeps the encryption key of backups made with `method`.
    #[must_use]
    pub fn backup_storage(mut self, method: BackupMethod, storage: Arc<dyn BackupStorage>) -> Self {
        self.storages.insert(method, storage);
        self
    }

    /// The custodian's public key, for sealed backups: in them the server never holds a share that
    /// helps anybody.
    ///
    /// # Security
    ///
    /// It comes with the app, or from the custodian's own backend, never from the server: whoever
    /// chose the key could open what is sealed. With it, this device makes sealed backups only.
    #[must_use]
    pub const fn sealing_key(mut self, key: PinnedSealingKey) -> Self {
        self.backups = Some(Backups::Sealed(key));
        self
    }

    /// Backups that are not sealed, for an environment that makes them: the server sees the
    /// custodian's share in passing, or keeps it.
    ///
    /// # Security
    ///
    /// The mode is the app's choice, never the server's: an app that chooses neither this nor a
    /// [`sealing_key`](Self::sealing_key) makes no backups. The later of the two counts.
    #[must_use]
    pub const fn plain_backups(mut self) -> Self {
        self.backups = Some(Backups::Plain);
        self
    }

    /// Who is told how far an operation has come.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Takes the server for the server only if one of these authorities vouches for it: their
    /// certificates as PEM, and no others. For a server with a private authority.
    #[must_use]
    pub fn trust_only(mut self, authorities_pem: &[u8]) -> Self {
        self.authorities_pem = Some(authorities_pem.to_vec());
        self
    }

    /// How the server is reached, where it is not by the machine's own network.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Reaches the server, and finishes what an interrupted run left on this device.
    ///
    /// # Errors
    ///
    /// `AUTH_FAILED`, `UNAVAILABLE`, `KEYCHAIN_READ_FAILED` or `KEYCHAIN_UNAVAILABLE`.
    pub async fn build(self) -> Result<Portal, Error> {
        let mut server = self.server;
        if !server.ends_with('/') {
            // Without it, joining a path would replace the base's last segment.
            server.push('/');
        }
        let base = Url::parse(&server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| {
            Error::new(
                ErrorId::BadRequest,
                "expected a server URL such as https://portal.example.com",
            )
        })?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(Network::new(&base, self.authorities_pem.as_deref())?),
        };
        let rest = Rest::new(transport, base, self.token);
        let mut meter = Meter::start();
        let trace_id = meter.trace_id();
        let state = traced(trace_id, rest.state(&mut meter)).await?;
        let portal = Portal {
            rest,
            client_id: state.id,
            device: Device::new(self.keychain, state.id),
            storages: self.storages,
            backups: self.backups,
            ticket: std::sync::Mutex::default(),
            listener: self.listener,
            signing: tokio::sync::Mutex::default(),
        };
        traced(trace_id, portal.reconcile(&mut meter, &state)).await?;
        Ok(portal)
    }
}
