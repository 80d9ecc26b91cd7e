//! Cipher texts that are cut, altered, or of another; passwords and keys that are wrong.

use std::sync::Arc;

use portal_keychain::MemoryKeychain;
use portal_lifecycle::BackupMethod;
use portal_sdk::{Backup, ErrorId, MemoryStorage, Password, Portal};

use crate::alive::assert_signs;
use crate::expect::{granted, refused};
use crate::wallet::CUSTOM;
use crate::world::World;

fn password(text: &str) -> Backup {
    Backup::Password(Password::new(text).expect("not empty"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_opens_nothing_and_costs_nothing() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let right = "correct horse battery staple";
    let made = wallet.portal.backup_wallet(password(right)).await;
    let made = granted(made, "backing up");
    world
        .store_cipher_text(&wallet.user, &made.cipher_text)
        .await;
    granted(made.confirm().await, "confirming");
    let text = made.cipher_text.as_str();

    let tablet = world.fresh_device(&wallet.user).await;
    for wrong in [
        "correct horse battery stapl",
        "Correct horse battery staple",
    ] {
        let recovered = tablet.recover_wallet(password(wrong), text).await;
        let error = refused(recovered, ErrorId::DecryptFailed, wrong);
        assert!(!error.is_retryable(), "{error:?}");
        assert!(!error.detail().contains(wrong), "{error:?}");
    }
    let by_key = tablet.recover_wallet(CUSTOM, text).await;
    refused(by_key, ErrorId::PasswordRequired, "a key for a password");
    let without = tablet
        .recover_wallet(Backup::Stored(BackupMethod::Password), text)
        .await;
    refused(without, ErrorId::PasswordRequired, "no password");
    wallet
        .assert_phone_signs(&world, "after the wrong passwords")
        .await;

    granted(
        tablet.recover_wallet(password(right), text).await,
        "the right one",
    );
    assert_signs(&tablet, &wallet.keys, "recovered").await;
}

/// A text is authentic or nothing. What is no cipher text any more is told apart from one
/// that does not open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cipher_text_that_was_cut_or_altered_opens_nothing() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let tablet = world.fresh_device(&wallet.user).await;
    let (bound, sealed) = text.rsplit_once('.').expect("three parts");
    let (opens_not, unreadable) = (ErrorId::DecryptFailed, ErrorId::CipherTextUnsupported);
    // Four letters of base64 are three bytes: cut there, what is left can be read.
    let whole = sealed.len() / 4 * 4;
    let middle = sealed.len() / 2;
    let other = if sealed.as_bytes()[middle] == b'A' {
        'B'
    } else {
        'A'
    };
    let altered = format!("{}{other}{}", &sealed[..middle], &sealed[middle + 1..]);
    let cases = [
        (format!("{bound}.{}", &sealed[..whole - 4]), opens_not),
        (format!("{bound}.{}", &sealed[..whole / 8 * 4]), opens_not),
        (format!("{bound}.{}", &sealed[..4]), opens_not),
        (format!("{bound}."), opens_not),
        (format!("{bound}.{altered}"), opens_not),
        // No base64 has one letter more than a multiple of four.
        (format!("{bound}.{}", &sealed[..whole - 3]), unreadable),
        (bound.to_owned(), unreadable),
        (text[..bound.len() / 2].to_owned(), unreadable),
        (text[..20].to_owned(), unreadable),
        (String::new(), unreadable),
        ("my cipher text".to_owned(), unreadable),
        (text.replacen("v1", "v2", 1), unreadable),
        (text.repeat(20), unreadable),
    ];
    for (spoilt, expected) in cases {
        let recovered = tablet.recover_wallet(CUSTOM, &spoilt).await;
        let when = format!("{} bytes of {}: {spoilt:.60}…", spoilt.len(), text.len());
        refused(recovered, expected, &when);
    }
    wallet
        .assert_phone_signs(&world, "after the spoilt texts")
        .await;
    world.assert_recovers(&wallet, "by the whole text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_users_cipher_text_is_told_as_such() {
    let world = World::start().await;
    let (mine, _) = world.backed_up_wallet().await;
    let (theirs, their_text) = world.backed_up_wallet().await;
    let tablet = world.fresh_device(&mine.user).await;
    let other = ErrorId::BackupShareMismatch;
    let recovered = tablet.recover_wallet(CUSTOM, &their_text).await;
    refused(recovered, other, "another user's");
    // By hand in the header: the seal is bound to it.
    let claimed = with_client(
        &their_text,
        &theirs.user.id.to_string(),
        &mine.user.id.to_string(),
    );
    let keychain = Arc::new(MemoryKeychain::new());
    let their_storage = Arc::clone(&theirs.user.storage);
    let thief = Portal::builder(world.url(), &mine.user.token, keychain)
        .backup_storage(BackupMethod::Custom, their_storage);
    let thief = granted(thief.build().await, "starting the SDK");
    let recovered = thief.recover_wallet(CUSTOM, &claimed).await;
    refused(
        recovered,
        ErrorId::DecryptFailed,
        "another user's, relabelled",
    );
    let confirmed = tablet.api().stored_client_backup_share(&their_text).await;
    refused(confirmed, ErrorId::NotFound, "confirming another user's");
    mine.assert_phone_signs(&world, "mine").await;
    world.assert_recovers(&mine, "mine").await;
    world.assert_recovers(&theirs, "theirs").await;
}

/// The same text with another client's id in its header.
fn with_client(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split('.');
    let mut part = || parts.next().expect("three parts");
    let (prefix, header, sealed) = (part(), part(), part());
    let header = portal_api::Base64Bytes::parse(header).expect("base64").0;
    let header = String::from_utf8(header).expect("JSON");
    assert!(header.contains(from), "expected {from} in {header}");
    let header = portal_api::Base64Bytes(header.replace(from, to).into_bytes());
    format!("{prefix}.{header}.{sealed}")
}

/// The user's storage without the key, or without the storage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_there_is_told_as_such() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let with = async |method, storage| {
        let keychain = Arc::new(MemoryKeychain::new());
        let portal = Portal::builder(world.url(), &wallet.user.token, keychain)
            .backup_storage(method, storage);
        granted(portal.build().await, "starting the SDK")
    };
    let empty = Arc::new(MemoryStorage::new());
    let portal = with(BackupMethod::Custom, Arc::clone(&empty) as _).await;
    let recovered = portal.recover_wallet(CUSTOM, &text).await;
    refused(recovered, ErrorId::BackupKeyNotFound, "an empty storage");
    let portal = with(BackupMethod::ICloud, empty as _).await;
    let recovered = portal.recover_wallet(CUSTOM, &text).await;
    refused(recovered, ErrorId::BackupStorageUnavailable, "no storage");
    let recovered = portal.recover_wallet(password("a password"), &text).await;
    refused(recovered, ErrorId::DecryptFailed, "a password for a key");
    world
        .assert_recovers(&wallet, "with the user's storage")
        .await;
}
