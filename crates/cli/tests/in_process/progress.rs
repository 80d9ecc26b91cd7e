//! The steps that an operation tells, in the order that is part of the contract.

use std::sync::{Arc, Mutex};

use portal_keychain::MemoryKeychain;
use portal_lifecycle::{BackupMethod, ErrorId};
use portal_sdk::{Backup, Password, Portal, Progress};

use crate::expect::{granted, refused};
use crate::wallet::CUSTOM;
use crate::world::{User, World};

/// What was told since it was last asked.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Progress>>>);

impl Told {
    async fn by(&self, world: &World, user: &User) -> Portal {
        let told = Arc::clone(&self.0);
        let keychain = Arc::new(MemoryKeychain::new());
        let builder = world.builder(user, keychain).on_progress(move |progress| {
            told.lock().expect("no panic").push(progress);
        });
        granted(builder.build().await, "starting the SDK")
    }

    #[track_caller]
    fn is(&self, expected: &[&str], when: &str) {
        let told = std::mem::take(&mut *self.0.lock().expect("no panic"));
        let seen: Vec<_> = told.iter().map(|told| told.status.to_string()).collect();
        assert_eq!(seen, expected, "{when}");
        for told in told {
            let is_last = told.status.to_string() == "Done";
            assert_eq!(told.done, is_last, "{when}: {told:?}");
        }
    }
}

const GENERATE: &[&str] = &["Generating share", "Parsing share", "Storing share", "Done"];
const BACKUP: &[&str] = &[
    "Reading share",
    "Generating share",
    "Parsing share",
    "Encrypting share",
    "Storing share",
    "Done",
];
const RECOVER: &[&str] = &[
    "Reading share",
    "Decrypting share",
    "Generating share",
    "Parsing share",
    "Storing share",
    "Done",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_tells_its_steps_in_order() {
    let world = World::start().await;
    let user = world.user().await;
    let told = Told::default();
    let phone = told.by(&world, &user).await;
    told.is(&[], "starting");
    granted(phone.create_wallet().await, "creating");
    told.is(GENERATE, "creating");
    refused(
        phone.create_wallet().await,
        ErrorId::WalletAlreadyExists,
        "again",
    );
    told.is(&[], "refused before anything was begun");

    let made = granted(phone.backup_wallet(CUSTOM).await, "backing up");
    told.is(BACKUP, "backing up by a stored key");
    granted(made.confirm().await, "confirming");
    told.is(&[], "confirming");
    let password = || Backup::Password(Password::new("a password").expect("not empty"));
    let made = granted(phone.backup_wallet(password()).await, "backing up");
    told.is(BACKUP, "backing up by a password");
    granted(made.confirm().await, "confirming");

    let tablet = told.by(&world, &user).await;
    let text = made.cipher_text;
    granted(tablet.recover_wallet(password(), &text).await, "recovering");
    told.is(RECOVER, "recovering");
    granted(tablet.refresh_wallet().await, "refreshing");
    let refresh = [
        "Reading share",
        "Generating share",
        "Parsing share",
        "Storing share",
        "Done",
    ];
    told.is(&refresh, "refreshing");
}

/// "Done" comes only after the last durable write, so a failure never tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_stops_the_telling() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let told = Told::default();
    let tablet = told.by(&world, &wallet.user).await;
    let wrong = Backup::Stored(BackupMethod::GDrive);
    let failed = tablet.recover_wallet(wrong, &text).await;
    refused(failed, ErrorId::BackupStorageUnavailable, "no such storage");
    told.is(&["Reading share", "Decrypting share"], "no such storage");

    world
        .send_webhooks_to(&crate::receiver::slamming().await)
        .await;
    let failed = tablet.recover_wallet(CUSTOM, &text).await;
    refused(failed, ErrorId::WebhookFailed, "no webhook");
    told.is(
        &["Reading share", "Decrypting share", "Generating share"],
        "no webhook",
    );
    wallet.assert_phone_signs(&world, "the phone").await;
    world.mend_webhook().await;
    world.assert_recovers(&wallet, "mended").await;
}
