//! Backup health: a proof that the backup would recover, without recovering it.

use portal_lifecycle::{BackupMethod, ErrorId};
use portal_sdk::{Backup, BackupStorage as _, Password};

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::receiver::{Act, Receiver};
use crate::wallet::CUSTOM;
use crate::world::World;

/// Device and custodian both prove, the time is kept and shown, and nothing else changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_good_backup_is_proved_and_the_time_is_kept() {
    let world = World::start().await;
    let (wallet, cipher_text) = world.backed_up_wallet().await;
    let before = granted(wallet.portal.state().await, "reading the state");
    // Any device of the user's may, also one that holds no share.
    let tablet = world.fresh_device(&wallet.user).await;
    let checked = granted(tablet.check_backup(CUSTOM, &cipher_text).await, "checking");
    let mut after = granted(wallet.portal.state().await, "reading the state");
    for wallet in &mut after.wallets {
        let [pair] = wallet.backup_share_pairs.as_mut_slice() else {
            panic!("expected one backup pair, seen {wallet:?}");
        };
        let proved_at = pair.proved_at.take().map(|time| time.0);
        assert_eq!(proved_at, Some(checked.proved_at));
    }
    assert_eq!(after, before, "nothing else changes");
    assert_signs(&wallet.portal, &wallet.keys, "after the check").await;
}

/// What would not recover is not proved.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_would_not_recover_is_not_proved() {
    let world = World::start().await;
    let (wallet, former) = world.backed_up_wallet().await;
    let newest = world.back_up(&wallet.user, &wallet.portal).await;
    let check = |cipher_text| wallet.portal.check_backup(CUSTOM, cipher_text);
    refused(
        check(&former).await,
        ErrorId::BackupShareMismatch,
        "checking a backup that was overtaken",
    );
    let password = Password::new("not how it was encrypted").expect("a password");
    let wrong = wallet
        .portal
        .check_backup(Backup::Password(password), &newest);
    refused(wrong.await, ErrorId::DecryptFailed, "another method");
    let parsed = portal_backup::CipherText::parse(&newest).expect("a cipher text");
    let ids = parsed.header().subject.backup_share_pair_ids;
    let name = portal_backup::KeyName::of_backup(&ids);
    let kept = wallet.user.storage.read(&name).await.expect("readable");
    wallet.user.storage.delete(&name).await.expect("deletable");
    refused(
        check(&newest).await,
        ErrorId::BackupKeyNotFound,
        "the key is gone",
    );
    let key = kept.expect("a key");
    wallet.user.storage.write(&name, &key).await.expect("room");
    granted(check(&newest).await, "with the key back in its place");
}

/// A receiver that knows no such call, and one that has lost its shares.
#[tokio::test(flavor = "multi_thread")]
async fn a_custodian_that_cannot_prove_is_told_apart() {
    let world = World::start().await;
    let (wallet, cipher_text) = world.backed_up_wallet().await;
    let receiver = Receiver::start(&world.custodian).await;
    receiver.does(Act::PassOn, Act::PassOn);
    world.send_webhooks_to(&receiver.url).await;
    let checked = wallet.portal.check_backup(CUSTOM, &cipher_text).await;
    let error = refused(
        checked,
        ErrorId::WebhookFailed,
        "a receiver of an older kind",
    );
    assert!(error.detail().contains("update it"), "{error}");
    let user = &wallet.user;
    let cipher_text = world.stored_cipher_text(user, BackupMethod::Custom).await;
    world.mend_webhook().await;
    granted(
        wallet.portal.check_backup(CUSTOM, &cipher_text).await,
        "with the real backend again",
    );
}
