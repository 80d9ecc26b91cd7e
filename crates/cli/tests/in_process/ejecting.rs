//! Eject: nobody gets a share without the custodian's window, and after the end nothing signs.

use std::time::Duration;

use portal_api::Base64Bytes;
use portal_api::rest::eject_context;
use portal_lifecycle::ids::WalletId;
use portal_lifecycle::{BackupMode, Timestamp};
use portal_sdk::{ErrorId, Portal, PrivateKey};
use portal_server::{Limits, entropy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::expect::{granted, refused};
use crate::receiver::{Act, Receiver};
use crate::rest::Answer;
use crate::wallet::{CUSTOM, Wallet, signing_statuses, state_of};
use crate::world::World;

const MINUTES: u64 = 60;

struct Case {
    world: World,
    wallet: Wallet,
    cipher_text: String,
    ids: Vec<WalletId>,
}

impl Case {
    async fn new() -> Self {
        Self::of(World::start().await).await
    }

    async fn of(world: World) -> Self {
        let (wallet, cipher_text) = world.backed_up_wallet().await;
        let state = state_of(&wallet.portal).await;
        let ids = state.wallets.iter().map(|wallet| wallet.id).collect();
        Self {
            world,
            wallet,
            cipher_text,
            ids,
        }
    }

    async fn enable(&self, api_key: &str, body: Value) -> Answer {
        let client = self.wallet.user.id;
        let path = format!("/api/v3/custodians/me/clients/{client}/enable-eject");
        self.world
            .call(Method::PATCH, &path, api_key, Some(body))
            .await
    }

    async fn open_window(&self) {
        let body = json!({ "walletId": self.ids[0] });
        let opened = self.enable(&self.world.customer.api_key, body).await;
        assert_eq!(opened.status, 200, "{opened:?}");
        assert!(opened.body["ejectableUntil"].is_string(), "{opened:?}");
    }

    async fn prepare(&self, wallet: WalletId) -> Answer {
        let path = format!("/api/v3/clients/me/wallets/{wallet}/prepare-eject");
        let body = json!({ "backupMethod": "CUSTOM" });
        let token = &self.wallet.user.token;
        self.world
            .call(Method::POST, &path, token, Some(body))
            .await
    }

    /// Closes the window.
    async fn close_window(&self) {
        let client = self.wallet.user.id;
        let path = format!("/api/v3/custodians/me/clients/{client}/enable-eject");
        let api_key = &self.world.customer.api_key;
        let closed = self.world.call(Method::DELETE, &path, api_key, None).await;
        assert_eq!(closed.status, 204, "{closed:?}");
    }

    /// Until when the window is open, which proofs are made for.
    async fn until(&self) -> Timestamp {
        let state = state_of(&self.wallet.portal).await;
        state.wallets[0].ejectable_until.expect("a window").0
    }

    /// How many lines of that act the audit log has.
    async fn lines(&self, act: &str) -> Value {
        let path = format!("/api/v3/custodians/me/audit-events?act={act}");
        let api_key = &self.world.customer.api_key;
        let page = self.world.call(Method::GET, &path, api_key, None).await;
        page.body["metadata"]["total"].clone()
    }

    /// Asks for the end with proofs of nothing.
    async fn end(&self) -> Answer {
        self.end_by([vec![1; 65], vec![1; 64]]).await
    }

    async fn end_by(&self, proofs: [Vec<u8>; 2]) -> Answer {
        let [secp256k1, ed25519] = proofs.map(Base64Bytes);
        let body = json!({
            "clientPlatform": "test",
            "clientPlatformVersion": "1",
            "proofs": { "secp256k1": secp256k1, "ed25519": ed25519 },
        });
        let token = &self.wallet.user.token;
        let path = "/api/v3/clients/me/eject";
        self.world.call(Method::POST, path, token, Some(body)).await
    }

    async fn assert_gives_nothing(&self, when: &str) {
        for wallet in &self.ids {
            let prepared = self.prepare(*wallet).await;
            prepared.is_problem(403, "EJECT_NOT_ENABLED", when);
        }
        let ejected = self.wallet.portal.eject(CUSTOM, &self.cipher_text).await;
        refused(ejected, ErrorId::EjectNotEnabled, when);
    }

    async fn assert_closed(&self, when: &str) {
        self.assert_gives_nothing(when).await;
        self.end().await.is_problem(403, "EJECT_NOT_ENABLED", when);
        let state = state_of(&self.wallet.portal).await;
        assert_eq!(state.ejected_at, None, "{when}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_of_the_window_a_valid_session_gets_nothing() {
    let case = Case::new().await;
    case.assert_closed("never enabled").await;
    case.open_window().await;
    let state = state_of(&case.wallet.portal).await;
    assert!(
        state
            .wallets
            .iter()
            .all(|wallet| wallet.ejectable_until.is_some())
    );
    for wallet in &case.ids {
        assert_eq!(case.prepare(*wallet).await.status, 200, "either key's id");
    }
    case.world
        .clock
        .put_forward(Duration::from_secs(5 * MINUTES + 1));
    case.assert_closed("five minutes are over").await;
    case.wallet
        .assert_phone_signs(&case.world, "nothing has ended")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_the_custodians_to_open_and_neither_short_nor_long() {
    let case = Case::new().await;
    let own = case.world.customer.api_key.clone();
    let body = json!({ "walletId": case.ids[1] });
    let by_client = case.enable(&case.wallet.user.token, body.clone()).await;
    by_client.is_problem(401, "AUTH_FAILED", "the client itself");
    let other = case.world.operator();
    let other = other.create_custodian("Other", "test", None, BackupMode::Plain);
    let other = other.await.expect("a customer").api_key;
    case.enable(&other, body)
        .await
        .is_problem(404, "NOT_FOUND", "another customer");
    let nobody = json!({ "walletId": case.wallet.user.id });
    case.enable(&own, nobody)
        .await
        .is_problem(404, "NOT_FOUND", "no such wallet");
    let past = json!({ "walletId": case.ids[0], "ejectableUntil": "2020-01-01T00:00:00Z" });
    case.enable(&own, past)
        .await
        .is_problem(400, "BAD_REQUEST", "the past");
    let far = json!({ "walletId": case.ids[0], "ejectableUntil": "2999-01-01T00:00:00Z" });
    case.enable(&own, far)
        .await
        .is_problem(400, "BAD_REQUEST", "for ever");
    case.assert_closed("nothing of that opened it").await;

    // In plain mode the custodian has its share itself.
    case.open_window().await;
    let (client, wallet) = (case.wallet.user.id, case.ids[0]);
    let path =
        format!("/api/v3/custodians/me/clients/{client}/wallets/{wallet}/ejectable-backup-shares");
    let shares = case.world.call(Method::GET, &path, &own, None).await;
    shares.is_problem(409, "STATE_INVALID", "a plain backup");
    let shares = case.world.call(Method::GET, &path, &other, None).await;
    shares.is_problem(404, "NOT_FOUND", "another customer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_come_out_and_then_nothing_signs_any_more() {
    let case = Case::new().await;
    case.open_window().await;
    let portal: &Portal = &case.wallet.portal;
    let keys = granted(portal.eject(CUSTOM, &case.cipher_text).await, "ejecting");
    let public = [keys.secp256k1.public_key(), keys.ed25519.public_key()];
    let state = state_of(portal).await;
    for (wallet, public) in state.wallets.iter().zip(&public) {
        let told = wallet.public_key.as_deref();
        assert_eq!(told, Some(hex::encode(public).as_str()));
    }
    case.wallet
        .assert_phone_signs(&case.world, "the server was not told yet")
        .await;

    for when in ["the end", "the end again"] {
        granted(portal.confirm_eject(&keys, "test", "1").await, when);
        let state = state_of(portal).await;
        assert!(state.ejected_at.is_some(), "{when}");
        let statuses = signing_statuses(&state);
        assert!(
            statuses.iter().all(|status| status.as_str() == "PURGED"),
            "{statuses:?}"
        );
        assert!(
            state.metadata.namespaces.eip155.is_some(),
            "addresses are still told"
        );
    }
    let chain = "eip155:1".parse().expect("a chain");
    let signed = portal.sign(&chain, "personal_sign", &json!("hello")).await;
    refused(signed, ErrorId::WalletEjected, "a signature after the end");
    let ejected = Some(ErrorId::WalletEjected);
    assert_eq!(
        portal.refresh_wallet().await.err().map(|error| error.id()),
        ejected
    );
    assert_eq!(
        portal
            .backup_wallet(CUSTOM)
            .await
            .err()
            .map(|error| error.id()),
        ejected
    );
    let device = case.world.fresh_device(&case.wallet.user).await;
    let recovered = device.recover_wallet(CUSTOM, &case.cipher_text).await;
    refused(recovered, ErrorId::WalletEjected, "recovering");
    assert_eq!(case.end().await.status, 204, "it stays so, whoever says it");
    assert_eq!(case.lines("EJECTED").await, json!(1), "one end, one line");

    // Who loses the keys is given them once more, in a window as before.
    case.assert_gives_nothing("the end closes the window").await;
    let methods = portal.available_recovery_methods().await;
    assert_eq!(granted(methods, "asking"), [], "nothing to recover");
    case.open_window().await;
    let again = portal.eject(CUSTOM, &case.cipher_text).await;
    let again = granted(again, "the keys again");
    assert_eq!(again.secp256k1.expose(), keys.secp256k1.expose());
    assert_eq!(again.ed25519.expose(), keys.ed25519.expose());
    granted(portal.confirm_eject(&again, "test", "1").await, "as it was");
    let signed = portal.sign(&chain, "personal_sign", &json!("hello")).await;
    refused(signed, ErrorId::WalletEjected, "it signs no more");
    assert_eq!(case.lines("EJECTED").await, json!(1), "no second end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_closed_before_its_end() {
    let case = Case::new().await;
    case.open_window().await;
    assert_eq!(case.prepare(case.ids[0]).await.status, 200, "open");
    case.close_window().await;
    case.assert_closed("closed").await;
    assert_eq!(case.lines("EJECT_DISABLED").await, json!(1));
    let stranger = case.world.user().await.id;
    let path = format!("/api/v3/custodians/me/clients/{stranger}/enable-eject");
    let api_key = &case.world.customer.api_key;
    let closed = case.world.call(Method::DELETE, &path, api_key, None).await;
    closed.is_problem(404, "NOT_FOUND", "who has no wallet");
}

/// What it takes to end a wallet is both of its keys, and nothing that a token or one share is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_ends_without_possession_of_both_whole_keys() {
    let case = Case::new().await;
    case.open_window().await;
    let portal: &Portal = &case.wallet.portal;
    let own = granted(portal.eject(CUSTOM, &case.cipher_text).await, "ejecting");
    let until = case.until().await;
    let client = case.wallet.user.id;
    let rng = &mut entropy::rng();
    let context = |number: usize, until| eject_context(client, case.ids[number], until);
    let mut prove = |until| {
        [
            own.secp256k1.prove_possession(&context(0, until), rng),
            own.ed25519.prove_possession(&context(1, until), rng),
        ]
    };
    let proofs = prove(until);
    let nothing = [vec![1; 65], vec![1; 64]];
    let [one, other] = proofs.clone();
    for (when, given) in [
        ("none of them", nothing.clone()),
        ("the first alone", [one.clone(), nothing[1].clone()]),
        ("the second alone", [nothing[0].clone(), other.clone()]),
        ("each in the other's place", [other, one]),
        ("empty", [Vec::new(), Vec::new()]),
        ("of another window", prove(until.plus_ms(1))),
    ] {
        let ended = case.end_by(given).await;
        ended.is_problem(409, "BACKUP_SHARE_MISMATCH", when);
        assert_eq!(state_of(portal).await.ejected_at, None, "{when}");
    }
    assert_eq!(case.lines("EJECTED").await, json!(0));
    case.wallet
        .assert_phone_signs(&case.world, "nothing has ended")
        .await;

    // What was proved and never used is of no use in a later window.
    case.world.clock.put_forward(Duration::from_secs(1));
    case.open_window().await;
    let late = case.end_by(proofs).await;
    late.is_problem(409, "BACKUP_SHARE_MISMATCH", "another window");
    let proofs = prove(case.until().await);
    assert_eq!(case.end_by(proofs).await.status, 204);
    assert!(state_of(portal).await.ejected_at.is_some());
}

/// While the custodian is asked for its share, the session is revoked, or the window closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_share_leaves_after_a_revocation_or_in_a_window_that_was_closed() {
    let case = Case::new().await;
    let receiver = Receiver::start(&case.world.custodian).await;
    case.world.send_webhooks_to(&receiver.url).await;
    let client = case.wallet.user.id;
    for (what, status, id) in [
        ("enable-eject", 403, "EJECT_NOT_ENABLED"),
        ("sessions", 401, "AUTH_FAILED"),
    ] {
        case.open_window().await;
        let path = format!("/api/v3/custodians/me/clients/{client}/{what}");
        let meanwhile = Act::Meanwhile {
            method: Method::DELETE,
            url: format!("{}{path}", case.world.url()),
            token: case.world.customer.api_key.clone(),
        };
        receiver.does(Act::PassOn, meanwhile);
        let prepared = case.prepare(case.ids[0]).await;
        prepared.is_problem(status, id, what);
    }
}

/// Of a sealed backup the custodian gives its share blinded, and only in a recovery that the app's
/// backend opened: two windows are needed, and the server sees no share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_backup_needs_the_custodians_own_word_as_well() {
    let world = World::start_in(BackupMode::Sealed, Limits::default()).await;
    let case = Case::of(world).await;
    let portal = &case.wallet.portal;
    let ejected = portal.eject(CUSTOM, &case.cipher_text).await;
    refused(ejected, ErrorId::RecoveryNotOpen, "neither is open");
    portal.take_recovery_ticket(case.world.open_recovery(&case.wallet.user).await);
    case.assert_closed("a recovery is no window").await;

    let world = World::start_in(BackupMode::Sealed, Limits::default()).await;
    let case = Case::of(world).await;
    case.open_window().await;
    for wallet in &case.ids {
        let prepared = case.prepare(*wallet).await;
        prepared.is_problem(409, "STATE_INVALID", "without blinds");
    }
    let portal: &Portal = &case.wallet.portal;
    let ejected = portal.eject(CUSTOM, &case.cipher_text).await;
    refused(ejected, ErrorId::RecoveryNotOpen, "a window is no recovery");
    case.wallet
        .assert_phone_signs(&case.world, "nothing has ended")
        .await;

    portal.take_recovery_ticket(case.world.open_recovery(&case.wallet.user).await);
    let keys = granted(portal.eject(CUSTOM, &case.cipher_text).await, "both");
    let public = [keys.secp256k1.public_key(), keys.ed25519.public_key()];
    let state = state_of(portal).await;
    for (wallet, public) in state.wallets.iter().zip(&public) {
        let told = wallet.public_key.as_deref();
        assert_eq!(told, Some(hex::encode(public).as_str()));
    }
    granted(portal.confirm_eject(&keys, "test", "1").await, "the end");
    let state = state_of(portal).await;
    assert!(state.ejected_at.is_some());
}

/// A pair is released as it was made: blinds are of no use for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blinds_of_the_wrong_length_or_for_a_plain_backup_are_refused() {
    let case = Case::new().await;
    case.open_window().await;
    let bytes = |length: usize| json!(portal_api::Base64Bytes(vec![2; length]));
    let blind = |point: usize| {
        json!({
            "keyId": bytes(8),
            "point": bytes(point),
            "encapsulated": bytes(32),
            "cipherText": bytes(48),
        })
    };
    for (challenge, secp256k1, status, id) in [
        (31, 33, 400, "BAD_REQUEST"),
        (32, 32, 400, "BAD_REQUEST"),
        (32, 33, 409, "BACKUP_MODE_MISMATCH"),
    ] {
        let recovery = json!({
            "blinds": { "secp256k1": blind(secp256k1), "ed25519": blind(32) },
            "proofs": { "secp256k1": bytes(64), "ed25519": bytes(64) },
        });
        let blinded = json!({ "challenge": bytes(challenge), "recovery": recovery });
        let body = json!({ "backupMethod": "CUSTOM", "blinded": blinded });
        let path = format!("/api/v3/clients/me/wallets/{}/prepare-eject", case.ids[0]);
        let token = &case.wallet.user.token;
        let asked = case.world.call(Method::POST, &path, token, Some(body));
        asked.await.is_problem(status, id, "blinds");
    }
}

/// Keys that are not this wallet's must not end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_keys_of_another_wallet_the_server_hears_nothing() {
    let case = Case::new().await;
    case.open_window().await;
    let portal: &Portal = &case.wallet.portal;
    let own = portal.eject(CUSTOM, &case.cipher_text).await;
    let own = granted(own, "ejecting");

    let (other, cipher_text) = case.world.backed_up_wallet().await;
    let state = state_of(&other.portal).await;
    let path = format!(
        "/api/v3/custodians/me/clients/{}/enable-eject",
        other.user.id
    );
    let body = Some(json!({ "walletId": state.wallets[0].id }));
    let api_key = &case.world.customer.api_key;
    let opened = case.world.call(Method::PATCH, &path, api_key, body).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let others = other.portal.eject(CUSTOM, &cipher_text).await;
    let mut keys = granted(others, "ejecting another wallet");
    for when in ["neither is this wallet's", "one is this wallet's"] {
        let confirmed = portal.confirm_eject(&keys, "test", "1").await;
        refused(confirmed, ErrorId::BackupShareMismatch, when);
        assert_eq!(state_of(portal).await.ejected_at, None, "{when}");
        case.wallet.assert_phone_signs(&case.world, when).await;
        let (secret, public) = (own.secp256k1.expose(), own.secp256k1.public_key());
        keys.secp256k1 = PrivateKey::from_bytes(&secret, &public).expect("a key");
    }
    let device = case.world.fresh_device(&case.wallet.user).await;
    let confirmed = device.confirm_eject(&own, "test", "1").await;
    granted(confirmed, "a device without a share");
    assert!(state_of(portal).await.ejected_at.is_some());
}
