//! A user with a wallet on a phone.

use std::sync::Arc;

use portal_api::rest::ClientState;
use portal_keychain::{Keychain, MemoryKeychain};
use portal_lifecycle::ids::{BackupSharePairId, SigningSharePairId};
use portal_lifecycle::{BackupMethod, BackupStatus, Curve, PerCurve, SigningStatus};
use portal_sdk::{Backup, Portal};

use crate::alive::{Keys, assert_signs};
use crate::expect::granted;
use crate::world::{User, World};

pub(crate) struct Wallet {
    pub(crate) user: User,
    /// The keychain of the phone that the wallet was made on.
    pub(crate) phone: Arc<MemoryKeychain>,
    pub(crate) portal: Portal,
    pub(crate) keys: Keys,
}

/// A backup with the key in the user's storage.
pub(crate) const CUSTOM: Backup = Backup::Stored(BackupMethod::Custom);

impl World {
    /// Makes a user with a wallet.
    pub(crate) async fn wallet(&self) -> Wallet {
        let user = self.user().await;
        let phone = Arc::new(MemoryKeychain::new());
        let portal = self.portal(&user, Arc::clone(&phone) as _).await;
        let created = granted(portal.create_wallet().await, "creating the wallet");
        let keys = Keys::of(&portal).await;
        assert_eq!(created.addresses, keys.addresses, "made, then told");
        Wallet {
            user,
            phone,
            portal,
            keys,
        }
    }

    /// Makes a user with a wallet and a completed backup; gives the cipher text.
    pub(crate) async fn backed_up_wallet(&self) -> (Wallet, String) {
        let wallet = self.wallet().await;
        let cipher_text = self.back_up(&wallet.user, &wallet.portal).await;
        (wallet, cipher_text)
    }

    /// Makes and completes a backup, as an app does it.
    pub(crate) async fn back_up(&self, user: &User, portal: &Portal) -> String {
        let made = granted(portal.backup_wallet(CUSTOM).await, "backing up");
        self.store_cipher_text(user, &made.cipher_text).await;
        granted(made.confirm().await, "completing the backup");
        made.cipher_text
    }

    /// A device without anything on it.
    pub(crate) async fn fresh_device(&self, user: &User) -> Portal {
        self.portal(user, Arc::new(MemoryKeychain::new())).await
    }

    /// Recovers on a fresh device, from what the app's backend holds, and signs there.
    pub(crate) async fn assert_recovers(&self, wallet: &Wallet, when: &str) -> Portal {
        let user = &wallet.user;
        let device = self.fresh_device(user).await;
        let cipher_text = self.stored_cipher_text(user, BackupMethod::Custom).await;
        device.take_recovery_ticket(self.open_recovery(user).await);
        let recovered = granted(device.recover_wallet(CUSTOM, &cipher_text).await, when);
        assert_eq!(recovered.addresses, wallet.keys.addresses, "{when}");
        assert_signs(&device, &wallet.keys, when).await;
        device
    }
}

impl Wallet {
    /// The phone signs; the SDK is started anew there, as after a restart of the app.
    pub(crate) async fn assert_phone_signs(&self, world: &World, when: &str) {
        let phone = Arc::clone(&self.phone) as Arc<dyn Keychain>;
        let portal = world.portal(&self.user, phone).await;
        assert_signs(&portal, &self.keys, when).await;
    }
}

/// The signing pairs of a state, oldest first: ids on both curves, and their common status.
pub(crate) fn signing_pairs(
    state: &ClientState,
) -> Vec<(PerCurve<SigningSharePairId>, SigningStatus)> {
    let of = |curve| {
        let wallet = state.wallets.iter().find(|wallet| wallet.curve == curve);
        wallet.map_or(&[][..], |wallet| &wallet.signing_share_pairs)
    };
    let pairs = of(Curve::Secp256k1).iter().zip(of(Curve::Ed25519));
    pairs
        .map(|(secp256k1, ed25519)| {
            assert_eq!(secp256k1.status, ed25519.status, "one status, both curves");
            (PerCurve::new(secp256k1.id, ed25519.id), secp256k1.status)
        })
        .collect()
}

/// The backup pairs of a state, oldest first.
pub(crate) fn backup_pairs(
    state: &ClientState,
) -> Vec<(PerCurve<BackupSharePairId>, BackupStatus)> {
    let of = |curve| {
        let wallet = state.wallets.iter().find(|wallet| wallet.curve == curve);
        wallet.map_or(&[][..], |wallet| &wallet.backup_share_pairs)
    };
    let pairs = of(Curve::Secp256k1).iter().zip(of(Curve::Ed25519));
    pairs
        .map(|(secp256k1, ed25519)| {
            assert_eq!(secp256k1.status, ed25519.status, "one status, both curves");
            (PerCurve::new(secp256k1.id, ed25519.id), secp256k1.status)
        })
        .collect()
}

/// The statuses alone.
pub(crate) fn signing_statuses(state: &ClientState) -> Vec<SigningStatus> {
    let pairs = signing_pairs(state).into_iter();
    pairs.map(|(_, status)| status).collect()
}

/// The statuses alone.
pub(crate) fn backup_statuses(state: &ClientState) -> Vec<BackupStatus> {
    let pairs = backup_pairs(state).into_iter();
    pairs.map(|(_, status)| status).collect()
}

/// The state, as the server tells it.
pub(crate) async fn state_of(portal: &Portal) -> ClientState {
    granted(portal.state().await, "reading the state")
}
