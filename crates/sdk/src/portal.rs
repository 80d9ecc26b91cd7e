//! [`Portal`]: one client's wallet, from this device.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use portal_api::sealed::{PinnedSealingKey, RecoveryTicket};
use portal_backup::BackupStorage;
use portal_keychain::Keychain;
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMethod, Generation};

use crate::device::Device;
use crate::meter::Meter;
use crate::progress::{Listener, Progress, Status};
use crate::rest::Rest;
use crate::{Error, PortalBuilder, Report};

/// One client's wallet, from this device.
pub struct Portal {
    pub(crate) rest: Rest,
    pub(crate) client_id: ClientId,
    pub(crate) device: Device,
    pub(crate) storages: BTreeMap<BackupMethod, Arc<dyn BackupStorage>>,
    /// How the app makes its backups; without, it makes none.
    pub(crate) backups: Option<Backups>,
    /// Of the recovery that the app's backend opened, as the app was told.
    pub(crate) ticket: Mutex<Option<RecoveryTicket>>,
    pub(crate) listener: Listener,
    /// Held while an ECDSA session runs: the generations in whose sessions the server cheated.
    pub(crate) signing: tokio::sync::Mutex<Vec<Generation>>,
}

/// How an app makes its backups.
#[derive(Clone, Copy)]
pub(crate) enum Backups {
    /// Sealed to the custodian's public key, past the server.
    Sealed(PinnedSealingKey),
    /// By a server that sees the custodian's share: in passing, or to keep it.
    Plain,
}

/// Calls that an app makes on the wallet's behalf.
pub struct Api<'a>(&'a Portal);

impl Portal {
    /// Begins to put a `Portal` together.
    ///
    /// `token` is a client API key or session token; `keychain` keeps this device's shares.
    #[must_use]
    pub fn builder(server: &str, token: &str, keychain: Arc<dyn Keychain>) -> PortalBuilder {
        PortalBuilder::new(server, token, keychain)
    }

    /// The client whose wallet this is.
    #[must_use]
    pub const fn client_id(&self) -> ClientId {
        self.client_id
    }

    /// Calls that an app makes on the wallet's behalf.
    #[must_use]
    pub const fn api(&self) -> Api<'_> {
        Api(self)
    }

    /// Takes the ticket of a recovery that the app's backend opened for this client. Without one,
    /// nothing is recovered from a sealed backup; the latest counts.
    ///
    /// # Security
    ///
    /// It comes from the custodian's backend, past Portal's server: who lacks it can ask for nothing,
    /// not even with the user's cipher text and its key.
    pub fn take_recovery_ticket(&self, ticket: RecoveryTicket) {
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
    }

    pub(crate) fn ticket(&self) -> Option<RecoveryTicket> {
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        ticket.clone()
    }

    pub(crate) fn tell(&self, status: Status) {
        (self.listener)(Progress {
            status,
            done: status == Status::Done,
        });
    }
}

impl Api<'_> {
    /// Says that the app's backend has stored this cipher text: the backup is complete.
    ///
    /// Any device may say so, again and again; the cipher text names its backup.
    ///
    /// # Errors
    ///
    /// `CIPHER_TEXT_UNSUPPORTED` if this is no cipher text, `BACKUP_SHARE_MISMATCH` if its
    /// backup was overtaken or completed with another, `OPERATION_IN_PROGRESS` while the
    /// custodian has not acknowledged its share.
    pub async fn stored_client_backup_share(&self, cipher_text: &str) -> Result<Report, Error> {
        self.0.confirm_backup(cipher_text, Meter::start()).await
    }
}
