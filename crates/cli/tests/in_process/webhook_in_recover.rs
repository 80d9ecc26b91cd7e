//! A customer's backend that does not give back what it took: nothing changes, the old device
//! signs, and once the backend is mended, recovery succeeds.

use portal_api::Base64Bytes;
use portal_sdk::ErrorId;

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::receiver::{Act, Receiver, slamming};
use crate::wallet::{CUSTOM, signing_statuses, state_of};
use crate::webhook_in_backup::{shares_of, spoil};
use crate::world::World;

/// Where a share's text has the id of its pair: behind version, kind, curve and role.
const PAIR_ID: std::ops::Range<usize> = 4..20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_gives_back_something_else_changes_nothing() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let (other, _) = world.backed_up_wallet().await;
    let mine = shares_of(&world, &wallet).await;
    let theirs = shares_of(&world, &other).await;
    let relabelled = relabel(&theirs, &mine);
    let receiver = Receiver::start(&world.custodian).await;
    world.send_webhooks_to(&receiver.url).await;

    let (failed, absent) = (ErrorId::WebhookFailed, ErrorId::CustodianShareNotFound);
    let spoilt = |shares: Vec<String>| shares.iter().map(|share| spoil(share)).collect();
    let cut = |shares: Vec<String>| shares.iter().map(|share| share[4..].to_owned()).collect();
    let half = |shares: Vec<String>| shares.into_iter().take(1).collect();
    let cases = [
        ("500", failed, Act::answer(500, "down")),
        ("401", failed, Act::answer(401, "{}")),
        ("garbage", failed, Act::answer(200, "garbage")),
        ("nothing", failed, Act::answer(200, "")),
        ("other JSON", failed, Act::answer(200, r#"{"shares":[]}"#)),
        (
            "no shares",
            absent,
            Act::answer(200, r#"{"backupShares":[]}"#),
        ),
        (
            "no share of ours",
            absent,
            Act::answer(200, r#"{"backupShares":["x","AAAA"]}"#),
        ),
        (
            "another's shares",
            absent,
            Act::alter(move |_| theirs.clone()),
        ),
        ("damaged shares", absent, Act::alter(spoilt)),
        ("shares cut short", absent, Act::alter(cut)),
        ("one of the two", absent, Act::alter(half)),
        (
            "another's under our id",
            ErrorId::BackupShareMismatch,
            Act::alter(move |_| relabelled.clone()),
        ),
    ];
    let tablet = world.fresh_device(&wallet.user).await;
    let before = signing_statuses(&state_of(&tablet).await);
    for (when, expected, act) in cases {
        receiver.does(Act::PassOn, act);
        refused(tablet.recover_wallet(CUSTOM, &text).await, expected, when);
        let after = signing_statuses(&state_of(&tablet).await);
        assert_eq!(after, before, "{when}: nothing is made");
    }
    for url in ["http://127.0.0.1:1".to_owned(), slamming().await] {
        world.send_webhooks_to(&url).await;
        refused(tablet.recover_wallet(CUSTOM, &text).await, failed, &url);
    }
    assert_signs(&wallet.portal, &wallet.keys, "the phone, meanwhile").await;

    // Among others' and damaged ones, the right one is found.
    receiver.does(
        Act::PassOn,
        Act::alter(move |shares| {
            let damaged = shares.iter().map(|share| spoil(share));
            damaged.chain(shares.clone()).collect()
        }),
    );
    world.send_webhooks_to(&receiver.url).await;
    granted(tablet.recover_wallet(CUSTOM, &text).await, "among others");
    assert_signs(&tablet, &wallet.keys, "recovered").await;
    world.mend_webhook().await;
    world.assert_recovers(&wallet, "mended").await;
}

/// Another's shares under the ids of ours, one for each curve.
fn relabel(theirs: &[String], ours: &[String]) -> Vec<String> {
    let bytes = |share: &String| Base64Bytes::parse(share).expect("base64").0;
    let relabelled = theirs.iter().map(bytes).map(|mut share| {
        // Version, kind, curve and role are the same for the same curve.
        let same_curve = ours.iter().map(bytes).find(|our| our[..4] == share[..4]);
        let ours = same_curve.expect("a share of each curve");
        share[PAIR_ID].copy_from_slice(&ours[PAIR_ID]);
        Base64Bytes(share).to_string()
    });
    relabelled.collect()
}
