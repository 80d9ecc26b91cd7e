//! A customer's backend that does not store what it is given. The former backup is in force
//! all the while, and once the backend is mended, the next backup is.

use portal_api::webhook::{BackupShares, FetchBackupShares, SECRET_HEADER, StoredBackupShare};
use portal_lifecycle::BackupStatus;
use portal_sdk::ErrorId;

use crate::expect::refused;
use crate::receiver::{Act, Receiver, slamming};
use crate::wallet::{CUSTOM, Wallet, backup_pairs, state_of};
use crate::world::{WEBHOOK_SECRET, World};

async fn assert_fails(wallet: &Wallet, when: &str) {
    let failed = wallet.portal.backup_wallet(CUSTOM).await;
    let error = refused(failed, ErrorId::WebhookFailed, when);
    assert!(error.is_retryable(), "{when}: {error:?}");
    let pairs = backup_pairs(&state_of(&wallet.portal).await);
    let (_, first) = pairs.first().expect("a pair");
    let (_, last) = pairs.last().expect("a pair");
    assert_eq!(
        (*first, *last),
        (BackupStatus::StoredClientBackupShare, BackupStatus::Pending),
        "{when}: the former backup, and the one that failed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_stores_nothing_leaves_the_former_backup() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let (other, _) = world.backed_up_wallet().await;
    let theirs = shares_of(&world, &other).await;

    let receiver = Receiver::start(&world.custodian).await;
    world.send_webhooks_to(&receiver.url).await;
    let fine = || Act::answer(200, "{}");
    let wrong_receipt = serde_json::to_string(&StoredBackupShare {
        digest: Some(vec![1; 32].into()),
    });
    let wrong_receipt = wrong_receipt.expect("JSON");
    let theirs = move |_| theirs.clone();
    let spoilt = |shares: Vec<String>| shares.iter().map(|share| spoil(share)).collect();
    let half = |mut shares: Vec<String>| {
        // The newest generation stands first: one of its two shares.
        shares.remove(0);
        shares
    };
    let cases = [
        ("500", Act::answer(500, "down"), Act::PassOn),
        ("404", Act::answer(404, ""), Act::PassOn),
        ("a redirect", Act::answer(307, ""), Act::PassOn),
        (
            "another receipt",
            Act::answer(200, &wrong_receipt),
            Act::PassOn,
        ),
        ("taken and dropped", fine(), Act::PassOn),
        (
            "garbage at first",
            Act::answer(200, "garbage"),
            Act::answer(200, "garbage"),
        ),
        ("garbage", Act::PassOn, Act::answer(200, "garbage")),
        ("nothing", Act::PassOn, Act::answer(200, "")),
        (
            "other JSON",
            Act::PassOn,
            Act::answer(200, r#"{"backupShares":7}"#),
        ),
        (
            "no shares",
            Act::PassOn,
            Act::answer(200, r#"{"backupShares":[]}"#),
        ),
        ("500 in the end", Act::PassOn, Act::answer(500, "down")),
        ("another's shares", Act::PassOn, Act::alter(theirs)),
        ("damaged shares", Act::PassOn, Act::alter(spoilt)),
        ("one of the two", Act::PassOn, Act::alter(half)),
        (
            "too much",
            Act::PassOn,
            Act::answer(200, &"x".repeat(300_000)),
        ),
    ];
    for (when, on_store, on_fetch) in cases {
        receiver.does(on_store, on_fetch);
        assert_fails(&wallet, when).await;
    }
    receiver.does(Act::PassOn, Act::PassOn);
    world.assert_recovers(&wallet, "by the former backup").await;
    assert_mended(&world, &wallet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_does_not_answer_leaves_the_former_backup() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let receiver = Receiver::start(&world.custodian).await;
    world.send_webhooks_to("http://127.0.0.1:1").await;
    assert_fails(&wallet, "nobody listens").await;
    world.send_webhooks_to(&slamming().await).await;
    assert_fails(&wallet, "the connection is closed").await;
    // The server's ten seconds, in full.
    world.send_webhooks_to(&receiver.url).await;
    receiver.does(Act::Hang, Act::PassOn);
    assert_fails(&wallet, "no answer").await;
    world.mend_webhook().await;
    world.assert_recovers(&wallet, "by the former backup").await;
    assert_mended(&world, &wallet).await;
}

/// A receiver that knows nothing of receipts is believed, for it gives back what it took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_without_receipts_is_good_enough() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let receiver = Receiver::start(&world.custodian).await;
    world.send_webhooks_to(&receiver.url).await;
    receiver.does(Act::PassOnAndAnswer(201, "stored".to_owned()), Act::PassOn);
    world.back_up(&wallet.user, &wallet.portal).await;
    world.assert_recovers(&wallet, "without receipts").await;
}

async fn assert_mended(world: &World, wallet: &Wallet) {
    let recovered = world
        .assert_recovers(wallet, "before the next backup")
        .await;
    world.back_up(&wallet.user, &recovered).await;
    world.assert_recovers(wallet, "by the next backup").await;
}

/// What the backend holds for a user.
pub(crate) async fn shares_of(world: &World, wallet: &Wallet) -> Vec<String> {
    let answer = reqwest::Client::new()
        .post(format!("{}/backup/fetch", world.custodian))
        .header(SECRET_HEADER, WEBHOOK_SECRET)
        .json(&FetchBackupShares {
            client_id: wallet.user.id,
            backup_share_pair_ids: None,
        })
        .send()
        .await
        .expect("an answer");
    let body = answer.bytes().await.expect("a body");
    let shares: BackupShares = serde_json::from_slice(&body).expect("shares");
    let shares = shares.backup_shares.iter();
    shares.map(|share| share.expose().to_owned()).collect()
}

/// The same share with one letter changed in its middle.
pub(crate) fn spoil(share: &str) -> String {
    let middle = share.len() / 2;
    let other = if share.as_bytes()[middle] == b'A' {
        'B'
    } else {
        'A'
    };
    format!("{}{other}{}", &share[..middle], &share[middle + 1..])
}
