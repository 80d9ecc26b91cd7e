//! The window in which a recovery is answered: who opens it, for whom, for how long, and for what.

use portal_api::Base64Bytes;
use portal_api::sealed::{RecoveryTicket, recovery_proof_context};
use portal_api::webhook::RecoverBackupShares;
use portal_custodian::{
    Digest, RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore as _,
};
use portal_lifecycle::{PerCurve, Timestamp};
use portal_mpc::{Ed25519, KeyShare, Secp256k1};
use portal_sdk::ErrorId;
use portal_server::entropy;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::loot;
use super::tap::{Passing, Tap};
use super::{flipped, sealed_world, swapped, webhook, with};
use crate::expect::refused;
use crate::wallet::{CUSTOM, Wallet};
use crate::world::WEBHOOK_SECRET;

/// The client's shares of a backup, as whoever has cipher text and key opens them.
fn client_shares(wallet: &Wallet, text: &str) -> (KeyShare<Secp256k1>, KeyShare<Ed25519>) {
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
