//! Sealed backups: what everybody sees, what everybody may try, and what is left then.

mod loot;
mod tap;

use std::time::Duration;

use portal_api::Base64Bytes;
use portal_api::sealed::{PinnedSealingKey, RecoveryTicket, recovery_proof_context};
use portal_api::session::Operation;
use portal_api::webhook::{RecoverBackupShares, SECRET_HEADER, StoreBackupShare};
use portal_custodian::{
    Digest, RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore as _,
};
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, PerCurve, Timestamp};
use portal_mpc::{Ed25519, KeyShare, Secp256k1};
use portal_sdk::{ErrorId, Portal};
use portal_seal::recipient::OpeningKey;
use portal_server::{Limits, entropy};
use portal_store::OutboxStore as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::alive::assert_signs;
use crate::expect::{granted, refused, until};
use crate::proxy::{Deed, Place, Proxy, Side};
use crate::raw::Raw;
use crate::rest::Answer;
use crate::wallet::{CUSTOM, Wallet, backup_pairs, backup_statuses, signing_pairs, state_of};
use crate::webhook_in_backup::shares_of;
use crate::world::{WEBHOOK_SECRET, World, builder_at};
use tap::{Passing, Tap};

async fn sealed_world() -> World {
    World::start_in(BackupMode::Sealed, Limits::default()).await
}

/// A call of Portal's to the customer's backend.
async fn webhook(world: &World, path: &str, body: &Value) -> Answer {
    let answer = reqwest::Client::new()
        .post(format!("{}/{path}", world.custodian))
        .header(SECRET_HEADER, WEBHOOK_SECRET)
        .json(body)
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("a body");
    Answer {
        status,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

/// Another backend's key: nobody here opens what is sealed to it.
fn foreign_key() -> PinnedSealingKey {
    let key = OpeningKey::from_bytes(Zeroizing::new([9; 32]));
    PinnedSealingKey(key.public().expect("a key").0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_backup_recovers_when_the_apps_backend_says_so() {
    let world = sealed_world().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let given = shares_of(&world, &wallet).await;
    assert_eq!(
        given, [""; 0],
        "a share that was formed there is not given out"
    );
    let checked = wallet.portal.check_backup(CUSTOM, &text).await;
    granted(checked, "both sides prove what they hold");

    let tablet = world.fresh_device(&wallet.user).await;
    let closed = tablet.recover_wallet(CUSTOM, &text).await;
    refused(closed, ErrorId::RecoveryNotOpen, "nobody opened a recovery");
    let (other, _) = world.backed_up_wallet().await;
    tablet.take_recovery_ticket(world.open_recovery(&other.user).await);
    let closed = tablet.recover_wallet(CUSTOM, &text).await;
    refused(
        closed,
        ErrorId::RecoveryNotOpen,
        "another client's recovery",
    );
    wallet.assert_phone_signs(&world, "meanwhile").await;

    tablet.take_recovery_ticket(world.open_recovery(&wallet.user).await);
    let uses = RecoveryPolicy::default().uses;
    for _ in 0..uses {
        granted(
            tablet.recover_wallet(CUSTOM, &text).await,
            "within the window",
        );
    }
    assert_signs(&tablet, &wallet.keys, "recovered").await;
    let used_up = tablet.recover_wallet(CUSTOM, &text).await;
    refused(used_up, ErrorId::RecoveryNotOpen, "used up");
    let windows = world.shares.recoveries(wallet.user.id).await.expect("read");
    assert_eq!((windows.len(), windows[0].uses), (1, uses), "recorded");
    // A newer backup of the recovered device, in the same mode.
    world.back_up(&wallet.user, &tablet).await;
    world.assert_recovers(&wallet, "by the newer backup").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_a_backup_in_another_mode_than_both_expect() {
    let world = sealed_world().await;
    let mut wallet = world.wallet().await;
    let portal = async |wallet: &Wallet, world: &World| {
        world.portal(&wallet.user, wallet.phone.clone()).await
    };
    wallet.user.sealing_key = None;
    let unpinned = portal(&wallet, &world).await;
    let differs = ErrorId::BackupModeMismatch;
    let made = unpinned.backup_wallet(CUSTOM).await;
    refused(made, differs, "no key to seal to");
    // A client that asks for a plain one all the same.
    let (ids, _) = signing_pairs(&state_of(&unpinned).await)[0];
    let mut raw = Raw::open(world.url(), &wallet.user.token).await;
    raw.start(Operation::Backup {
        backup_method: BackupMethod::Custom,
        backup_mode: BackupMode::Plain,
        signing_share_pair_ids: ids,
    })
    .await;
    assert_eq!(raw.hear_problem().await.id, differs);

    // A server that says "plain": to an app that chose nothing, and to one that pins a key.
    let plain = World::start().await;
    let mut wallet = plain.wallet().await;
    let undecided = Portal::builder(plain.url(), &wallet.user.token, wallet.phone.clone())
        .backup_storage(BackupMethod::Custom, wallet.user.storage.clone());
    let undecided = granted(undecided.build().await, "starting the SDK");
    let made = undecided.backup_wallet(CUSTOM).await;
    refused(made, differs, "the mode is the app's choice");
    wallet.user.sealing_key = Some(plain.sealing_key);
    let pinned = portal(&wallet, &plain).await;
    let made = pinned.backup_wallet(CUSTOM).await;
    refused(made, differs, "the server would see the share");
    assert_eq!(backup_statuses(&state_of(&pinned).await), []);
}

/// The custodian refuses: `PENDING` stays, the former backup is in force, and the reason is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_to_another_key_leaves_the_former_backup() {
    let world = sealed_world().await;
    let (mut wallet, _) = world.backed_up_wallet().await;
    wallet.user.sealing_key = Some(foreign_key());
    let phone = world.portal(&wallet.user, wallet.phone.clone()).await;
    let failed = phone.backup_wallet(CUSTOM).await;
    let error = refused(failed, ErrorId::WebhookFailed, "sealed to another key");
    let told = error.to_string();
    assert!(told.contains("SEALING_KEY_UNKNOWN"), "seen {told}");
    let expected = [BackupStatus::StoredClientBackupShare, BackupStatus::Pending];
    assert_eq!(backup_statuses(&state_of(&phone).await), expected);
    wallet.user.sealing_key = Some(world.sealing_key);
    world.assert_recovers(&wallet, "by the former backup").await;
}

/// The server says that the custodian holds its shares. The device wants the custodian's own word,
/// given for this session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_does_not_take_the_servers_word_for_the_custodian() {
    let world = sealed_world().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let proxy = Proxy::start(world.url()).await;
    let built = builder_at(&proxy.url, &wallet.user, wallet.phone.clone()).build();
    let portal = granted(built.await, "starting the SDK");
    let mismatch = ErrorId::BackupShareMismatch;
    for place in [
        // Another name of the field: no proofs at all.
        "\"proo",
        "\"proofs\":{\"secp256k1\":\"",
        "\"ed25519\":\"",
    ] {
        let alter = |frame| {
            let done = Place::Frame(Side::Server, frame);
            proxy.set(done, Deed::AlterAfter(place));
        };
        alter(6);
        refused(portal.backup_wallet(CUSTOM).await, mismatch, place);
        assert!(proxy.has_sprung(), "{place}");
        alter(2);
        let checked = portal.check_backup(CUSTOM, &text).await;
        refused(checked, mismatch, place);
        assert!(proxy.has_sprung(), "{place}");
    }
    granted(portal.check_backup(CUSTOM, &text).await, "as it was said");
    world.assert_recovers(&wallet, "by the former backup").await;
}

/// Changes one field of a body, wherever it lies.
fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut changed = body.clone();
    *changed.pointer_mut(path).expect(path) = value;
    changed
}

/// The same bytes, with one of them changed.
fn flipped(body: &Value, path: &str) -> Value {
    let text = body.pointer(path).and_then(Value::as_str).expect(path);
    let mut bytes = Base64Bytes::parse(text).expect("base64url");
    let last = bytes.0.last_mut().expect("a byte");
    *last ^= 1;
    with(body, path, json!(bytes))
}

fn swapped(body: &Value, path: &str) -> Value {
    let pair = body.pointer(path).expect(path).clone();
    with(
        body,
        path,
        json!({ "secp256k1": pair["ed25519"], "ed25519": pair["secp256k1"] }),
    )
}

/// A server that cheats, or a client whose seal is not what it says: nothing is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_does_not_fit_is_not_taken() {
    let world = sealed_world().await;
    let wallet = world.wallet().await;
    let tap = Tap::start(&world.custodian).await;
    tap.does(Passing::Withhold);
    world.send_webhooks_to(&tap.url).await;
    for _ in 0..2 {
        let failed = wallet.portal.backup_wallet(CUSTOM).await;
        refused(failed, ErrorId::WebhookFailed, "withheld");
    }
    let bodies = tap.bodies("backup");
    let [body, other] = bodies.as_slice() else {
        panic!("expected the first call of each backup, seen {bodies:?}");
    };
    let parsed: StoreBackupShare = serde_json::from_value(body.clone()).expect("a body");
    assert!(parsed.sealed.is_some());
    let unknown = json!(uuid::Uuid::from_bytes([7; 16]));
    let theirs = |path: &str| with(body, path, other.pointer(path).expect(path).clone());
    let cases = [
        ("another client", with(body, "/clientId", unknown.clone())),
        ("another wallet", with(body, "/walletId", unknown.clone())),
        (
            "another pair",
            with(body, "/backupSharePairId", unknown.clone()),
        ),
        (
            "another pair on the other curve",
            with(body, "/sealed/backupSharePairIds/ed25519", unknown),
        ),
        ("swapped pairs", swapped(body, "/sealed/backupSharePairIds")),
        ("another curve", with(body, "/curve", json!("ED25519"))),
        ("another generation", with(body, "/generation", json!(99))),
        ("another part", theirs("/share")),
        ("another blind", theirs("/sealed/blind")),
        ("another point of the blind", theirs("/sealed/blind/point")),
        ("another point", theirs("/sealed/point")),
        (
            "a changed cipher text",
            flipped(body, "/sealed/blind/cipherText"),
        ),
        ("a changed key", flipped(body, "/sealed/blind/encapsulated")),
        (
            "a key that is not there",
            flipped(body, "/sealed/blind/keyId"),
        ),
        (
            "a short cipher text",
            with(body, "/sealed/blind/cipherText", json!("AAAA")),
        ),
        ("no part", with(body, "/share", json!("AAAA"))),
    ];
    for (what, case) in &cases {
        let answer = webhook(&world, "backup", case).await;
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        let stored =
            portal_custodian::CustodianStore::shares_of(world.shares.as_ref(), wallet.user.id);
        assert_eq!(
            stored.await.expect("read").len(),
            0,
            "{what}: nothing is stored"
        );
    }
    // The very thing is taken, again and again with the same receipt, and nothing else after it.
    let first = webhook(&world, "backup", body).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        webhook(&world, "backup", body).await,
        first,
        "the same receipt"
    );
    let taken = webhook(&world, "backup", &flipped(body, "/sealed/blind/cipherText")).await;
    assert!((400..500).contains(&taken.status), "{taken:?}");
    let mut plain = body.clone();
    plain.as_object_mut().expect("an object").remove("sealed");
    let taken = webhook(&world, "backup", &plain).await;
    assert_eq!(
        taken.id(),
        "BACKUP_MODE_MISMATCH",
        "the part itself: {taken:?}"
    );
}

/// Changes the server's database, as whoever can write to it would.
fn rewrite(world: &World, sql: &str) {
    let program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                   db.execute(sys.argv[2]); db.commit()";
    let done = std::process::Command::new("python3")
        .args(["-c", program])
        .arg(world.database())
        .arg(sql)
        .output()
        .expect("Python 3");
    assert!(done.status.success(), "{done:?}");
}

/// The outbox does not say in which mode a pair was made, nor with which blind: its record does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_the_outbox_that_contradicts_its_pair_is_not_sent() {
    let limits = Limits {
        outbox_interval: Duration::from_millis(50),
        ..Limits::default()
    };
    let rewritten = [
        "UPDATE outbox SET secp256k1_sealed_blind = NULL, ed25519_sealed_blind = NULL",
        // The first row gets the other's.
        "UPDATE outbox SET secp256k1_sealed_blind = (SELECT secp256k1_sealed_blind
         FROM outbox ORDER BY secp256k1_pair_id DESC LIMIT 1)",
    ];
    for sql in rewritten {
        let world = World::start_in(BackupMode::Sealed, limits).await;
        let wallet = world.wallet().await;
        let tap = Tap::start(&world.custodian).await;
        world.send_webhooks_to("http://127.0.0.1:1").await;
        for _ in 0..2 {
            let failed = wallet.portal.backup_wallet(CUSTOM).await;
            refused(failed, ErrorId::WebhookFailed, "down");
        }
        rewrite(&world, sql);
        world.send_webhooks_to(&tap.url).await;
        let (ids, _) = backup_pairs(&state_of(&wallet.portal).await)[0];
        let waiting = async || {
            let found = world.store().delivery(wallet.user.id, ids).await;
            found.expect("readable").expect("in the outbox").attempts
        };
        let before = waiting().await;
        world.clock.put_forward(Duration::from_secs(100));
        until("another attempt", async || {
            (waiting().await > before).then_some(())
        })
        .await;
        let id = json!(ids.secp256k1);
        let sent = tap.bodies("backup");
        let sent = sent.iter().any(|body| body["backupSharePairId"] == id);
        assert!(!sent, "{sql}: nothing of it is sent");
    }
}

/// The client's shares of a backup, as whoever has cipher text and key opens them.
pub(super) fn client_shares(
    wallet: &Wallet,
    text: &str,
) -> (KeyShare<Secp256k1>, KeyShare<Ed25519>) {
    let shares = loot::opened(&wallet.user.storage, text);
    let read = "a share";
    (
        KeyShare::decode(shares.secp256k1.expose()).expect(read),
        KeyShare::decode(shares.ed25519.expose()).expect(read),
    )
}

/// Proofs of somebody who holds the client's shares, for another request with the same blinds.
fn proofs(
    shares: &(KeyShare<Secp256k1>, KeyShare<Ed25519>),
    ticket: &RecoveryTicket,
    body: &Value,
) -> Value {
    let body: RecoverBackupShares = serde_json::from_value(body.clone()).expect("a body");
    let context = recovery_proof_context(
        body.client_id,
        body.backup_share_pair_ids,
        ticket,
        &body.challenge.to_array().expect("32 bytes"),
        &body.blinds,
    );
    let rng = &mut entropy::rng();
    let proofs = PerCurve::new(
        shares.0.prove_possession(&context, rng),
        shares.1.prove_possession(&context, rng),
    );
    serde_json::to_value(proofs.map(Base64Bytes)).expect("JSON")
}

/// Portal alone, in a window that was opened for the user's own recovery.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_holds_the_clients_shares_is_given_a_blinded_one() {
    let world = sealed_world().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let tap = Tap::start(&world.custodian).await;
    tap.does(Passing::Withhold);
    world.send_webhooks_to(&tap.url).await;
    let tablet = world.fresh_device(&wallet.user).await;
    let ask = async |ticket: &RecoveryTicket| {
        tablet.take_recovery_ticket(ticket.clone());
        let failed = tablet.recover_wallet(CUSTOM, &text).await;
        refused(failed, ErrorId::WebhookFailed, "withheld");
        let asked = tap.bodies("backup/recover").pop();
        asked.expect("a request")
    };
    let recorded = ask(&world.open_recovery(&wallet.user).await).await;
    world.close_recovery(&wallet.user).await;
    let closed = webhook(&world, "backup/recover", &recorded).await;
    closed.is_problem(403, "RECOVERY_NOT_OPEN", "the window is closed");
    let ticket = world.open_recovery(&wallet.user).await;
    let late = webhook(&world, "backup/recover", &recorded).await;
    late.is_problem(409, "BACKUP_SHARE_MISMATCH", "kept from the former window");
    let (body, other) = (&ask(&ticket).await, &ask(&ticket).await);

    let theirs = |path: &str| with(body, path, other.pointer(path).expect(path).clone());
    let cases = [
        ("another session", theirs("/challenge")),
        ("other blinds", theirs("/blinds")),
        ("another blind on one curve", theirs("/blinds/ed25519")),
        ("other proofs", theirs("/proofs")),
        ("a changed proof", flipped(body, "/proofs/secp256k1")),
        ("swapped proofs", swapped(body, "/proofs")),
        ("swapped pairs", swapped(body, "/backupSharePairIds")),
        (
            "a changed blind",
            flipped(body, "/blinds/ed25519/cipherText"),
        ),
        (
            "another client",
            with(body, "/clientId", json!(uuid::Uuid::from_bytes([7; 16]))),
        ),
    ];
    for (what, case) in &cases {
        let answer = webhook(&world, "backup/recover", case).await;
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    }
    // With the user's shares, but with blinds that were changed: they do not open.
    let shares = client_shares(&wallet, &text);
    for path in [
        "/blinds/secp256k1/point",
        "/blinds/ed25519/cipherText",
        "/blinds/ed25519/keyId",
    ] {
        let mut case = match path {
            "/blinds/secp256k1/point" => theirs(path),
            _ => flipped(body, path),
        };
        case["proofs"] = proofs(&shares, &ticket, &case);
        let answer = webhook(&world, "backup/recover", &case).await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    // With the user's shares and an open window, but without its ticket: a server that has the cloud.
    let guessed = RecoveryTicket(Zeroizing::new([9; 32]));
    let mut case = body.clone();
    case["proofs"] = proofs(&shares, &guessed, &case);
    let answer = webhook(&world, "backup/recover", &case).await;
    answer.is_problem(409, "BACKUP_SHARE_MISMATCH", "without the ticket");
    let windows = world.shares.recoveries(wallet.user.id).await.expect("read");
    assert_eq!(windows[0].uses, 0, "what was refused is no use");

    let first = webhook(&world, "backup/recover", body).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        webhook(&world, "backup/recover", body).await,
        first,
        "the same again"
    );
    let mut replayed = theirs("/challenge");
    replayed["proofs"] = proofs(&shares, &ticket, &replayed);
    let answer = webhook(&world, "backup/recover", &replayed).await;
    answer.is_problem(
        409,
        "BACKUP_SHARE_MISMATCH",
        "the same blinds for another session",
    );
}

/// The window's end, by a clock that is passed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_ends_and_a_newer_one_counts() {
    let world = sealed_world().await;
    let client = world.user().await.id;
    let store = &world.shares;
    let at = Timestamp::from_ms;
    let request = |byte: u8| RecoveryRequest {
        request: Digest([byte; 32]),
        blinds: Digest([byte; 32]),
    };
    let policy = RecoveryPolicy {
        window_ms: 100,
        uses: 2,
    };
    let not_open = |used| matches!(used, Err(RecoveryError::NotOpen));
    assert!(
        not_open(store.use_recovery(client, request(1), at(1)).await),
        "none yet"
    );
    store
        .open_recovery(client, policy, at(1_000))
        .await
        .expect("opened");
    store
        .use_recovery(client, request(1), at(1_000))
        .await
        .expect("the first");
    store
        .use_recovery(client, request(1), at(1_099))
        .await
        .expect("the same again");
    assert!(
        not_open(store.use_recovery(client, request(1), at(1_100)).await),
        "over"
    );
    let replayed = RecoveryRequest {
        request: Digest([8; 32]),
        ..request(1)
    };
    let replayed = store.use_recovery(client, replayed, at(1_050)).await;
    assert!(
        matches!(replayed, Err(RecoveryError::Replayed)),
        "{replayed:?}"
    );
    store
        .use_recovery(client, request(2), at(1_050))
        .await
        .expect("the second");
    assert!(
        not_open(store.use_recovery(client, request(3), at(1_050)).await),
        "used up"
    );
    store
        .open_recovery(client, policy, at(1_060))
        .await
        .expect("opened");
    store
        .use_recovery(client, request(3), at(1_060))
        .await
        .expect("a newer window");
    let stranger = world.user().await.id;
    assert!(
        not_open(store.use_recovery(stranger, request(4), at(1_060)).await),
        "another's"
    );
}

/// Nobody but the app's backend opens a recovery: not Portal, not an app.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_apps_backend_opens_a_recovery() {
    let world = sealed_world().await;
    let user = world.user().await;
    let url = format!("{}/backend/clients/{}/recoveries", world.custodian, user.id);
    let app_token = world.app_tokens.mint(user.id);
    for secret in [
        "",
        WEBHOOK_SECRET,
        app_token.expose(),
        &user.token,
        &world.customer.api_key,
    ] {
        let method = reqwest::Method::POST;
        let answer = crate::rest::call(method, url.clone(), secret, Some(json!({}))).await;
        answer.is_problem(401, "AUTH_FAILED", "not the backend's secret");
    }
    assert_eq!(world.shares.recoveries(user.id).await.expect("read"), []);

    // The client's own app is told the ticket while it is open, and closes it when it is done.
    let ticket = world.open_recovery(&user).await;
    let method = || reqwest::Method::DELETE;
    for secret in ["", WEBHOOK_SECRET, app_token.expose(), &user.token] {
        let answer = crate::rest::call(method(), url.clone(), secret, None).await;
        answer.is_problem(401, "AUTH_FAILED", "not the backend's secret");
    }
    let own = format!("{}/app/clients/{}/recovery", world.custodian, user.id);
    let get =
        async |token: &str| crate::rest::call(reqwest::Method::GET, own.clone(), token, None).await;
    let told = get(app_token.expose()).await;
    let told = told.body["ticket"].as_str().expect("a ticket").parse();
    assert_eq!(told, Ok(ticket));
    let stranger = world.app_tokens.mint(world.user().await.id);
    get(&user.token)
        .await
        .is_problem(401, "AUTH_FAILED", "Portal's token");
    let answer = get(stranger.expose()).await;
    answer.is_problem(403, "RECOVERY_NOT_OPEN", "another client's app");
    let answer = crate::rest::call(method(), own.clone(), app_token.expose(), None).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let answer = get(app_token.expose()).await;
    answer.is_problem(403, "RECOVERY_NOT_OPEN", "closed");
}

/// A wallet's life, tapped everywhere but at the custodian.
async fn looted(mode: BackupMode, log: &loot::Log) -> (World, Wallet, loot::Loot) {
    let world = World::start_in(mode, Limits::default()).await;
    let mut loot = loot::Loot::default();
    let proxy = Proxy::start(world.url()).await;
    let tap = Tap::start(&world.custodian).await;
    let mut wallet = world.wallet().await;
    let device = async |keychain| -> Portal {
        let built = builder_at(&proxy.url, &wallet.user, keychain).build().await;
        granted(built, "starting the SDK")
    };
    let phone = device(wallet.phone.clone()).await;
    // The outbox as it is before it is erased.
    world.send_webhooks_to("http://127.0.0.1:1").await;
    let down = ErrorId::WebhookFailed;
    refused(phone.backup_wallet(CUSTOM).await, down, "down");
    loot.take_outbox(&world, &wallet).await;
    world.send_webhooks_to(&tap.url).await;
    // And of the backup that is completed.
    tap.does(Passing::Hold);
    let look = async {
        tap.held().await;
        loot.take_outbox(&world, &wallet).await;
        loot.take_files(&world);
        tap.release();
    };
    let (text, ()) = tokio::join!(world.back_up(&wallet.user, &phone), look);
    let ticket = world.open_recovery(&wallet.user).await;
    let tablet = device(std::sync::Arc::new(portal_keychain::MemoryKeychain::new())).await;
    tablet.take_recovery_ticket(ticket);
    granted(tablet.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&tablet, &wallet.keys, "recovered").await;
    loot.take_database(&world, &wallet, &tablet).await;
    loot.take_texts(&tap.everything());
    for heard in proxy.everything() {
        loot.take(&heard);
    }
    loot.take_files(&world);
    loot.take_texts(&[log.taken()]);
    loot.take_cloud(&wallet, &text);
    wallet.portal = tablet;
    (world, wallet, loot)
}

/// All that Portal ever held or said, and the user's cloud, are not the key; in plain mode they
/// are, and with the customer's own storage they are too.
#[test]
fn the_server_and_the_users_cloud_together_are_not_the_key() {
    if !loot::is_alone() {
        loot::run_alone("sealed::the_server_and_the_users_cloud_together_are_not_the_key");
        return;
    }
    let log = loot::Log::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(the_key_is_sought(&log));
}

async fn the_key_is_sought(log: &loot::Log) {
    let (_world, wallet, loot) = looted(BackupMode::Plain, log).await;
    assert_eq!(
        loot.finds(&wallet.keys),
        [true, true],
        "plain: the search finds the key"
    );

    let (world, wallet, mut loot) = looted(BackupMode::Sealed, log).await;
    assert!(
        loot.shares() >= [4, 4],
        "it holds shares: {:?}",
        loot.shares()
    );
    assert_eq!(
        loot.finds(&wallet.keys),
        [false, false],
        "sealed: it does not"
    );
    loot.take_custodian(&world, &wallet).await;
    assert_eq!(
        loot.finds(&wallet.keys),
        [true, true],
        "with the custodian's store"
    );
}
