//! Reads of the wallet's state: yes, no, or an error; never a "no" that means "could not find out".

use portal_api::rest::ClientState;
use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{BackupMethod, BackupStatus, Curve, PerCurve, SigningStatus};

use crate::device::PairRecord;
use crate::meter::{Meter, traced};
use portal_chains::Addresses;

use crate::operation::absent;
use crate::{Error, Portal};

impl Portal {
    /// The client's whole state, as the server tells it.
    ///
    /// # Errors
    ///
    /// `UNAVAILABLE`, `AUTH_FAILED`.
    pub async fn state(&self) -> Result<ClientState, Error> {
        let mut meter = Meter::start();
        traced(meter.trace_id(), self.rest.state(&mut meter)).await
    }

    /// Whether the client has a wallet that both sides hold.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn does_wallet_exist(&self) -> Result<bool, Error> {
        Ok(exists(&self.state().await?))
    }

    /// Whether this device holds the signing share that is in force.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state), and `KEYCHAIN_READ_FAILED`.
    pub async fn is_wallet_on_device(&self) -> Result<bool, Error> {
        let state = self.state().await?;
        let pairs = self.device.pairs().await?;
        let current = |pair: &PairRecord| is_current(signing_status(&state, pair.ids));
        if pairs.readable.iter().any(current) {
            return Ok(true);
        }
        pairs.none().map(|()| false)
    }

    /// The addresses of the wallet, computed on this device from its own share.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state), `WALLET_NOT_FOUND`, `SIGNING_SHARE_NOT_ON_DEVICE`.
    pub async fn addresses(&self) -> Result<Addresses, Error> {
        let state = self.state().await?;
        let pairs = self.device.pairs().await?;
        let held = pairs
            .readable
            .iter()
            .rev()
            .find(|pair| was_confirmed(signing_status(&state, pair.ids)));
        match held {
            Some(pair) => pair.addresses(),
            None => Err(pairs.none().err().unwrap_or_else(|| absent(&state))),
        }
    }

    /// Whether a completed backup is in force. While not, a lost device is a lost wallet.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn is_wallet_backed_up(&self) -> Result<bool, Error> {
        Ok(self.state().await?.is_backed_up)
    }

    /// Whether the wallet could be recovered with its cipher text and its password or key.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn is_wallet_recoverable(&self) -> Result<bool, Error> {
        Ok(!self.available_recovery_methods().await?.is_empty())
    }

    /// The methods of the backup in force; empty if there is none.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn available_recovery_methods(&self) -> Result<Vec<BackupMethod>, Error> {
        let state = self.state().await?;
        let pairs = state
            .wallets
            .first()
            .map(|wallet| wallet.backup_share_pairs.as_slice());
        let complete = pairs
            .unwrap_or_default()
            .iter()
            .filter(|pair| pair.status == BackupStatus::StoredClientBackupShare);
        Ok(complete.map(|pair| pair.backup_method).collect())
    }
}

/// Whether both sides hold a signing pair.
pub(crate) fn exists(state: &ClientState) -> bool {
    state
        .wallets
        .iter()
        .any(|wallet| wallet.public_key.is_some())
}

/// What the server knows of a pair; nothing if it does not know it, or only one half of it.
pub(crate) fn signing_status(
    state: &ClientState,
    ids: PerCurve<SigningSharePairId>,
) -> Option<SigningStatus> {
    let of = |curve: Curve| {
        let wallet = state.wallets.iter().find(|wallet| wallet.curve == curve)?;
        let mut pairs = wallet.signing_share_pairs.iter();
        pairs
            .find(|pair| pair.id == *ids.of(curve))
            .map(|pair| pair.status)
    };
    of(Curve::Secp256k1).filter(|status| of(Curve::Ed25519) == Some(*status))
}

/// P1: whether both sides hold the pair or held it once, so that its addresses are the wallet's.
const fn was_confirmed(status: Option<SigningStatus>) -> bool {
    is_current(status)
        || matches!(
            status,
            Some(SigningStatus::Superseded | SigningStatus::Purged)
        )
}

pub(crate) const fn is_current(status: Option<SigningStatus>) -> bool {
    matches!(
        status,
        Some(SigningStatus::StoredClient | SigningStatus::Frozen)
    )
}
