//! Managed mode: the server keeps the custodian's share and the cipher text, and asks nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use portal_backup::CipherText;
use portal_keychain::MemoryKeychain;
use portal_lifecycle::{BackupMode, BackupStatus};
use portal_sdk::{ErrorId, Portal};
use portal_server::Limits;
use portal_store::ManagedBackupStore as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused, until};
use crate::given_up::{DAY, eager};
use crate::rest::Answer;
use crate::wallet::{CUSTOM, backup_pairs, backup_statuses, state_of};
use crate::world::{User, World};

/// A customer without a webhook, and a user of theirs with a wallet.
struct Managed {
    world: World,
    api_key: String,
    user: User,
    portal: Portal,
    keys: Keys,
}

impl Managed {
    async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    async fn start_with(limits: Limits) -> Self {
        let world = World::start_with(limits).await;
        let customer = world
            .operator()
            .create_custodian("Managed", "test", None, BackupMode::Managed)
            .await
            .expect("a customer");
        let user = world.user_of(&customer.api_key).await;
        let portal = world.portal(&user, Arc::new(MemoryKeychain::new())).await;
        granted(portal.create_wallet().await, "creating the wallet");
        let keys = Keys::of(&portal).await;
        Self {
            world,
            api_key: customer.api_key,
            user,
            portal,
            keys,
        }
    }

    async fn cipher_text(&self, method: Method, pair: &str, body: Option<Value>) -> Answer {
        let path = format!("/api/v3/clients/me/backup-share-pairs/{pair}/cipher-text");
        self.world.call(method, &path, &self.user.token, body).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_completes_and_recovers_without_a_webhook() {
    let managed = Managed::start().await;
    let portal = &managed.portal;
    let made = granted(portal.backup_wallet(CUSTOM).await, "backing up");
    assert!(made.is_complete);
    granted(made.confirm().await, "said again");
    let state = state_of(portal).await;
    assert!(state.environment.backup_with_portal_enabled);
    assert_eq!(
        backup_statuses(&state),
        [BackupStatus::StoredClientBackupShare]
    );

    let kept = granted(portal.kept_cipher_text().await, "reading it back");
    assert_eq!(kept.as_deref(), Some(made.cipher_text.as_str()));
    granted(
        portal.check_backup(CUSTOM, &made.cipher_text).await,
        "checking",
    );
    let device = managed.world.fresh_device(&managed.user).await;
    let recovered = device.recover_wallet(CUSTOM, &made.cipher_text).await;
    let recovered = granted(recovered, "recovering");
    assert_eq!(recovered.addresses, managed.keys.addresses);
    signs_a_message(&device).await;
}

async fn signs_a_message(device: &Portal) {
    let chain = "eip155:1".parse().expect("a chain");
    let message = json!("hello");
    let signed = device.sign(&chain, "personal_sign", &message);
    granted(signed.await, "signing after the recovery");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cipher_text_is_stored_once_and_is_what_is_confirmed() {
    let managed = Managed::start().await;
    let made = granted(managed.portal.backup_wallet(CUSTOM).await, "backing up");
    let (first, second) = (made.cipher_text, made.backup_share_pair_ids);
    let pair = second.ed25519.to_string();
    let body = |text: &str| Some(json!({ "clientCipherText": text }));
    for text in [first.as_str(), first.as_str()] {
        let kept = managed.cipher_text(Method::PATCH, &pair, body(text)).await;
        assert_eq!(kept.status, 204, "the same again: {kept:?}");
    }
    let other = managed
        .cipher_text(Method::PATCH, &pair, body("another"))
        .await;
    other.is_problem(409, "BACKUP_SHARE_MISMATCH", "another text");
    for text in [String::new(), "x".repeat(16 * 1024 + 1), "\0".to_owned()] {
        let refused = managed.cipher_text(Method::PATCH, &pair, body(&text)).await;
        refused.is_problem(400, "BAD_REQUEST", "a text of that size");
    }
    let read = managed.cipher_text(Method::GET, &pair, None).await;
    assert_eq!(read.body["cipherText"], first);
    let nobody = managed.user.id.to_string();
    let read = managed.cipher_text(Method::GET, &nobody, None).await;
    read.is_problem(404, "NOT_FOUND", "no such pair");
    let stranger = managed.world.user_of(&managed.api_key).await;
    let path = format!("/api/v3/clients/me/backup-share-pairs/{pair}/cipher-text");
    let read = managed
        .world
        .call(Method::GET, &path, &stranger.token, None)
        .await;
    read.is_problem(404, "NOT_FOUND", "another client");

    // A confirmation names what is stored.
    let text = CipherText::parse(&first).expect("a cipher text");
    let confirm = |digest: [u8; 32]| {
        let digest = portal_api::Base64Bytes(digest.to_vec());
        let body = json!({
            "backupSharePairIds": second.into_array(),
            "status": "STORED_CLIENT_BACKUP_SHARE",
            "cipherTextDigest": digest,
        });
        let path = "/api/v3/clients/me/backup-share-pairs";
        let (world, token) = (&managed.world, managed.user.token.as_str());
        async move { world.call(Method::PATCH, path, token, Some(body)).await }
    };
    assert_eq!(confirm(text.digest().0).await.status, 204);
    confirm([7; 32])
        .await
        .is_problem(409, "BACKUP_SHARE_MISMATCH", "another digest");
}

/// A pair is recovered as it was made, and a plain one has its cipher text at the app.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_backup_keeps_no_cipher_text_here() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let kept = granted(wallet.portal.kept_cipher_text().await, "asking");
    assert_eq!(kept, None);
    let state = state_of(&wallet.portal).await;
    let pair = backup_pairs(&state).first().expect("a backup").0.secp256k1;
    let path = format!("/api/v3/clients/me/backup-share-pairs/{pair}/cipher-text");
    let body = json!({ "clientCipherText": "text" });
    let token = &wallet.user.token;
    let kept = world.call(Method::PATCH, &path, token, Some(body)).await;
    kept.is_problem(409, "STATE_INVALID", "a plain backup");
}

/// Without its cipher text a managed backup is not complete, whoever says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_complete_whose_cipher_text_is_not_here() {
    let managed = Managed::start().await;
    let made = granted(managed.portal.backup_wallet(CUSTOM).await, "backing up");
    // The text of an older pair completes no other.
    let another = granted(
        managed.portal.backup_wallet(CUSTOM).await,
        "backing up again",
    );
    let confirmed = managed
        .portal
        .api()
        .stored_client_backup_share(&made.cipher_text)
        .await;
    refused(
        confirmed,
        ErrorId::BackupShareMismatch,
        "an overtaken backup",
    );
    let state = state_of(&managed.portal).await;
    assert_eq!(
        backup_statuses(&state),
        [
            BackupStatus::Superseded,
            BackupStatus::StoredClientBackupShare
        ]
    );
    let kept = granted(managed.portal.kept_cipher_text().await, "reading");
    assert_eq!(kept, Some(another.cipher_text));
}

/// What is there is recovered as it was made; a wallet is converted by its next backup, from each
/// mode into each other one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_comes_into_another_mode_by_its_next_backup() {
    use BackupMode::{Managed, Plain, Sealed};
    let world = World::start().await;
    let (mut wallet, mut text) = world.backed_up_wallet().await;
    let mut converted = BTreeSet::new();
    let mut former = Plain;
    for mode in [Managed, Sealed, Plain, Sealed, Managed, Plain] {
        let when = format!("from {former} to {mode}");
        converted.insert((former.as_str(), mode.as_str()));
        let environment = world.customer.environment_id;
        let put = world.operator().put_backup_mode(environment, mode).await;
        put.expect("another mode");
        // The app is still as it was, and so is the pair in force: it recovers all the same.
        let keychain = Arc::new(MemoryKeychain::new());
        let device = world.portal(&wallet.user, keychain.clone()).await;
        device.take_recovery_ticket(world.open_recovery(&wallet.user).await);
        granted(device.recover_wallet(CUSTOM, &text).await, &when);

        wallet.user.sealing_key = (mode == Sealed).then_some(world.sealing_key);
        let device = world.portal(&wallet.user, keychain).await;
        let made = granted(device.backup_wallet(CUSTOM).await, &when);
        assert_eq!(made.is_complete, mode == Managed, "{when}");
        if mode != Managed {
            world
                .store_cipher_text(&wallet.user, &made.cipher_text)
                .await;
            granted(made.confirm().await, &when);
        }
        let state = state_of(&device).await;
        let is_kept_here = state.environment.backup_with_portal_enabled;
        assert_eq!(is_kept_here, mode == Managed, "{when}");
        let pairs = state
            .wallets
            .iter()
            .flat_map(|wallet| &wallet.backup_share_pairs);
        let active = pairs.filter(|pair| pair.status == BackupStatus::StoredClientBackupShare);
        let modes: Vec<_> = active.map(|pair| pair.backup_mode).collect();
        assert_eq!(modes, [mode; 2], "{when}: one in force, on either curve");
        let kept = granted(device.kept_cipher_text().await, &when);
        assert_eq!(
            kept,
            (mode == Managed).then(|| made.cipher_text.clone()),
            "{when}"
        );
        text = made.cipher_text;
        former = mode;
    }
    assert_eq!(converted.len(), 6, "every ordered pair: {converted:?}");
    let device = world.fresh_device(&wallet.user).await;
    let recovered = granted(device.recover_wallet(CUSTOM, &text).await, "the last");
    assert_eq!(recovered.addresses, wallet.keys.addresses);
    assert_signs(&device, &wallet.keys, "the last").await;
}

/// A backup that was overtaken a month ago, by one that has proved itself: whoever has the database
/// finds neither half of it, and the wallet is recovered from the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_overtaken_backup_is_left_in_the_database() {
    let mut managed = Managed::start_with(eager()).await;
    let portal = &managed.portal;
    let former = granted(portal.backup_wallet(CUSTOM).await, "backing up");
    let newest = granted(portal.backup_wallet(CUSTOM).await, "backing up again");
    let texts = [former.cipher_text.clone(), newest.cipher_text.clone()];
    let checked = portal.check_backup(CUSTOM, &newest.cipher_text).await;
    granted(checked, "checking the newest");
    let client = managed.user.id;
    let halves = async |world: &World| {
        let mut halves = Vec::new();
        for ids in [former.backup_share_pair_ids, newest.backup_share_pair_ids] {
            let text = world.store().cipher_text(client, ids).await;
            halves.push(text.expect("readable").is_some());
            for (curve, id) in ids.iter() {
                let share = world.store().custodian_share(client, curve, *id).await;
                halves.push(share.expect("readable").is_some());
            }
        }
        halves
    };
    assert_eq!(halves(&managed.world).await, [true; 6]);

    managed.world.clock.put_forward(DAY * 31);
    until("the former backup purged", async || {
        let state = state_of(portal).await;
        (backup_statuses(&state)[0] == BackupStatus::Purged).then_some(())
    })
    .await;
    let left = [false, false, false, true, true, true];
    assert_eq!(halves(&managed.world).await, left);
    let pair = former.backup_share_pair_ids.ed25519.to_string();
    let read = managed.cipher_text(Method::GET, &pair, None).await;
    read.is_problem(404, "NOT_FOUND", "the purged cipher text");
    let body = json!({ "clientCipherText": texts[0] });
    let kept = managed.cipher_text(Method::PATCH, &pair, Some(body)).await;
    kept.is_problem(409, "BACKUP_SHARE_MISMATCH", "the purged cipher text again");

    managed.world.stop_server().await;
    let file = std::fs::read(managed.world.database()).expect("readable");
    let found = texts.map(|text| {
        let end = &text.as_bytes()[text.len() - 64..];
        file.windows(end.len()).any(|window| window == end)
    });
    assert_eq!(found, [false, true]);

    managed.world.start_server_again().await;
    let device = managed.world.fresh_device(&managed.user).await;
    let recovered = device.recover_wallet(CUSTOM, &newest.cipher_text).await;
    let recovered = granted(recovered, "recovering");
    assert_eq!(recovered.addresses, managed.keys.addresses);
    signs_a_message(&device).await;
}

/// The window gives the customer both parts of a managed backup, and nothing before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_custodian_reads_a_managed_backup_in_its_window_only() {
    let managed = Managed::start().await;
    let made = granted(managed.portal.backup_wallet(CUSTOM).await, "backing up");
    let state = state_of(&managed.portal).await;
    let client = managed.user.id;
    let base = format!("/api/v3/custodians/me/clients/{client}");
    for wallet in &state.wallets {
        let path = format!("{base}/wallets/{}/ejectable-backup-shares", wallet.id);
        let read = managed
            .world
            .call(Method::GET, &path, &managed.api_key, None)
            .await;
        read.is_problem(403, "EJECT_NOT_ENABLED", "before it");
    }
    let first = state.wallets.first().expect("a wallet").id;
    let path = format!("{base}/enable-eject");
    let body = Some(json!({ "walletId": first }));
    let opened = managed
        .world
        .call(Method::PATCH, &path, &managed.api_key, body)
        .await;
    assert_eq!(opened.status, 200);
    let mut shares = Vec::new();
    for wallet in &state.wallets {
        let path = format!("{base}/wallets/{}/ejectable-backup-shares", wallet.id);
        let read = managed
            .world
            .call(Method::GET, &path, &managed.api_key, None)
            .await;
        assert_eq!(read.body["encryptedClientBackupShare"], made.cipher_text);
        shares.push(read.body["custodianBackupShare"].clone());
    }
    assert!(shares.iter().all(Value::is_string) && shares[0] != shares[1]);
    let keys = managed.portal.eject(CUSTOM, &made.cipher_text).await;
    let keys = granted(keys, "ejecting");
    let told = state
        .wallets
        .first()
        .and_then(|wallet| wallet.public_key.clone());
    assert_eq!(told, Some(hex::encode(keys.secp256k1.public_key())));
    granted(
        managed.portal.confirm_eject(&keys, "test", "1").await,
        "the end",
    );
    // The server has the one copy of both halves: who loses the keys is given them again, in a
    // window and in no other time.
    let kept = json!({ "clientCipherText": made.cipher_text });
    let pair = made.backup_share_pair_ids.secp256k1.to_string();
    let put = managed.cipher_text(Method::PATCH, &pair, Some(kept)).await;
    put.is_problem(409, "WALLET_EJECTED", "a cipher text, after the end");
    let enabling = format!("{base}/enable-eject");
    let reading = format!("{base}/wallets/{first}/ejectable-backup-shares");
    let as_custodian = |method, path: &str, body| {
        let path = path.to_owned();
        let (world, api_key) = (&managed.world, managed.api_key.as_str());
        async move { world.call(method, &path, api_key, body).await }
    };
    let window = Some(json!({ "walletId": first }));
    for is_open in [true, false, true] {
        let (method, body) = match is_open {
            true => (Method::PATCH, window.clone()),
            false => (Method::DELETE, None),
        };
        let changed = as_custodian(method, &enabling, body).await;
        assert!(matches!(changed.status, 200 | 204), "{changed:?}");
        let shares = as_custodian(Method::GET, &reading, None).await;
        let text = managed.cipher_text(Method::GET, &pair, None).await;
        if is_open {
            assert_eq!(shares.body["encryptedClientBackupShare"], made.cipher_text);
            assert_eq!(text.body["cipherText"], made.cipher_text);
        } else {
            shares.is_problem(403, "EJECT_NOT_ENABLED", "the shares, closed");
            text.is_problem(403, "EJECT_NOT_ENABLED", "the cipher text, closed");
        }
    }
    let again = managed.portal.eject(CUSTOM, &made.cipher_text).await;
    let again = granted(again, "the keys again");
    assert_eq!(again.ed25519.expose(), keys.ed25519.expose());
}
