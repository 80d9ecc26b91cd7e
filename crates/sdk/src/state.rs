//! Reads of the wallet's state: yes, no, or an error; never a "no" that means "could not find out".

use portal_api::rest::{BackupSharePair, ClientState};
use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{
    BackupMethod, BackupStatus, Curve, ErrorId, PerCurve, Refusal, SigningStatus,
};

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
            .find(|pair| was_confirmed(&state, pair));
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

    /// Whether the wallet could be recovered with its cipher text and its password or key. One that
    /// was ejected cannot.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn is_wallet_recoverable(&self) -> Result<bool, Error> {
        Ok(!self.available_recovery_methods().await?.is_empty())
    }

    /// The cipher text of the backup in force, where the server keeps it (managed mode); none where
    /// the app does.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state), and `BACKUP_NOT_COMPLETE`.
    pub async fn kept_cipher_text(&self) -> Result<Option<String>, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.kept(meter)).await
    }

    async fn kept(&self, mut meter: Meter) -> Result<Option<String>, Error> {
        let state = self.rest.state(&mut meter).await?;
        let wallet = state.wallets.first();
        let pairs = wallet.map(|wallet| wallet.backup_share_pairs.as_slice());
        let mut pairs = pairs.unwrap_or_default().iter();
        let complete =
            |pair: &&BackupSharePair| pair.status == BackupStatus::StoredClientBackupShare;
        let active = pairs.find(complete).ok_or(Refusal::BackupNotComplete)?;
        let kept = self.rest.kept_cipher_text(&mut meter, active.id);
        match kept.await {
            Ok(cipher_text) => Ok(Some(cipher_text)),
            // The pair is there: so this is the answer that it was made in another mode, or by a
            // server that has no other.
            Err(error) if matches!(error.id(), ErrorId::StateInvalid | ErrorId::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The methods by which the wallet can be recovered, those of the backup in force; empty if there
    /// is none, or if the wallet was ejected.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn available_recovery_methods(&self) -> Result<Vec<BackupMethod>, Error> {
        let state = self.state().await?;
        if state.ejected_at.is_some() {
            return Ok(Vec::new());
        }
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
pub(crate) fn was_confirmed(state: &ClientState, pair: &PairRecord) -> bool {
    match signing_status(state, pair.ids) {
        // It may have been purged without ever having been confirmed, as one of another key.
        Some(SigningStatus::Purged) => has_the_keys_of(state, pair),
        Some(SigningStatus::Superseded) => true,
        status => is_current(status),
    }
}

fn has_the_keys_of(state: &ClientState, pair: &PairRecord) -> bool {
    let told = |curve: Curve| {
        let wallet = state.wallets.iter().find(|wallet| wallet.curve == curve);
        wallet.and_then(|wallet| wallet.public_key.clone())
    };
    let held = pair.keys();
    held.is_ok_and(|held| {
        held.iter()
            .all(|(curve, held)| told(curve) == Some(hex::encode(held)))
    })
}

pub(crate) const fn is_current(status: Option<SigningStatus>) -> bool {
    matches!(
        status,
        Some(SigningStatus::StoredClient | SigningStatus::Frozen)
    )
}
