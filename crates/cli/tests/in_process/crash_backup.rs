//! The lifecycle's crash points of Backup.

use std::sync::Arc;
use std::time::Duration;

use portal_backup::{BackupSubject, CipherText};
use portal_keychain::Keychain;
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, Generation, PerCurve};
use portal_sdk::{Backup, ErrorId, Password, Portal};
use portal_seal::SecretBytes;
use portal_server::{Limits, entropy};
use portal_store::OutboxStore as _;
use reqwest::Method;
use serde_json::json;

use crate::alive::assert_signs;
use crate::expect::{granted, refused, until};
use crate::proxy::{Deed, Place, Proxy};
use crate::receiver::slamming;
use crate::wallet::{CUSTOM, Wallet, backup_pairs, backup_statuses, state_of};
use crate::world::{World, builder_at};

const CONFIRM: &str = "patch /api/v3/clients/me/backup-share-pairs";
const PENDING: BackupStatus = BackupStatus::Pending;
const CUSTODIAN: BackupStatus = BackupStatus::StoredCustodianBackupShare;
const KEY: BackupStatus = BackupStatus::StoredClientBackupShareKey;
const COMPLETE: BackupStatus = BackupStatus::StoredClientBackupShare;
const OVERTAKEN: BackupStatus = BackupStatus::Superseded;

/// A world whose outbox is looked through all the time.
async fn busy_world(mode: BackupMode) -> World {
    let limits = Limits {
        outbox_interval: Duration::from_millis(50),
        ..Limits::default()
    };
    World::start_in(mode, limits).await
}

async fn idle_world(mode: BackupMode) -> World {
    World::start_in(mode, Limits::default()).await
}

/// A crash point heals in every mode.
macro_rules! in_both_modes {
    ($(#[$doc:meta])* async fn $name:ident($world:ident: $start:ident) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn heals($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn plain() {
                heals($start(BackupMode::Plain).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sealed() {
                heals($start(BackupMode::Sealed).await).await;
            }
        }
    };
}

async fn cut_off(proxy: &Proxy, wallet: &Wallet) -> Portal {
    let phone = Arc::clone(&wallet.phone) as Arc<dyn Keychain>;
    let portal = builder_at(&proxy.url, &wallet.user, phone).build().await;
    granted(portal, "starting the SDK")
}

in_both_modes! {
    /// "Customer backend down": the old backup is in force, and delivery is tried again (E15).
    async fn an_undelivered_share_waits_in_the_outbox_until_it_is_acknowledged(world: busy_world) {
        let (wallet, _) = world.backed_up_wallet().await;
        let portal = &wallet.portal;
        world.send_webhooks_to(&slamming().await).await;
        let down = ErrorId::WebhookFailed;
        let failed = refused(portal.backup_wallet(CUSTOM).await, down, "down");
        assert!(failed.is_retryable(), "expected retryable, seen {failed:?}");

        let (ids, _) = backup_pairs(&state_of(portal).await)[1];
        let delivery = async || {
            let found = world.store().delivery(wallet.user.id, ids).await;
            found.expect("the outbox is readable")
        };
        assert!(delivery().await.is_some(), "expected it in the outbox");
        // A failure later it is still there, and counted.
        world.clock.put_forward(Duration::from_secs(2));
        until("another attempt", async || {
            delivery().await.filter(|waiting| waiting.attempts > 1)
        })
        .await;
        let statuses = backup_statuses(&state_of(portal).await);
        assert_eq!(statuses, [COMPLETE, PENDING], "the old one is in force");
        assert_signs(portal, &wallet.keys, "while the backend is down").await;

        world.mend_webhook().await;
        world.clock.put_forward(Duration::from_secs(11));
        until("the delivery", async || {
            let (_, status) = backup_pairs(&state_of(portal).await)[1];
            (status != PENDING).then_some(())
        })
        .await;
        let statuses = backup_statuses(&state_of(portal).await);
        assert_eq!(statuses, [COMPLETE, CUSTODIAN], "acknowledged");
        assert!(delivery().await.is_none(), "expected an erased outbox (I6)");
        world.assert_recovers(&wallet, "by the old backup").await;
    }
}

in_both_modes! {
    /// A backup made while an older share still waits overtakes it.
    async fn a_failed_backup_does_not_hinder_the_next(world: idle_world) {
        let wallet = world.wallet().await;
        world.send_webhooks_to(&slamming().await).await;
        let down = ErrorId::WebhookFailed;
        refused(wallet.portal.backup_wallet(CUSTOM).await, down, "down");
        world.mend_webhook().await;
        world.back_up(&wallet.user, &wallet.portal).await;
        world.assert_recovers(&wallet, "by the second backup").await;
    }
}

in_both_modes! {
    /// "Cipher text stored, confirm lost": any device confirms again, by what is stored.
    async fn another_device_confirms_what_the_first_could_not(world: idle_world) {
        let wallet = world.wallet().await;
        for place in [Place::Request(CONFIRM), Place::AnswerTo(CONFIRM)] {
            let proxy = Proxy::start(world.url()).await;
            let phone = cut_off(&proxy, &wallet).await;
            let made = granted(phone.backup_wallet(CUSTOM).await, "backing up");
            world
                .store_cipher_text(&wallet.user, &made.cipher_text)
                .await;
            proxy.set(place, Deed::Break);
            refused(made.confirm().await, ErrorId::Unavailable, "lost");
            assert!(proxy.has_sprung());
            let (_, status) = *backup_pairs(&state_of(&phone).await)
                .last()
                .expect("a pair");
            let expected = if place == Place::Request(CONFIRM) {
                KEY
            } else {
                COMPLETE
            };
            assert_eq!(status, expected, "{place:?}");

            let tablet = world.fresh_device(&wallet.user).await;
            let text = world
                .stored_cipher_text(&wallet.user, BackupMethod::Custom)
                .await;
            for _ in 0..2 {
                let confirmed = tablet.api().stored_client_backup_share(&text).await;
                granted(confirmed, "confirming on another device");
            }
            let (_, status) = *backup_pairs(&state_of(&phone).await)
                .last()
                .expect("a pair");
            assert_eq!(status, COMPLETE, "{place:?}: confirmed");
        }
        let statuses = backup_statuses(&state_of(&wallet.portal).await);
        assert_eq!(statuses, [OVERTAKEN, COMPLETE]);
        world
            .assert_recovers(&wallet, "by what was confirmed")
            .await;
    }
}

in_both_modes! {
    /// "Key in user storage, cipher text not": told nothing of it, the app has no cipher text.
    async fn a_key_that_was_stored_and_not_told_leaves_the_old_backup(world: idle_world) {
        let (wallet, _) = world.backed_up_wallet().await;
        let proxy = Proxy::start(world.url()).await;
        let phone = cut_off(&proxy, &wallet).await;
        proxy.set(Place::Request(CONFIRM), Deed::Break);
        let lost = phone.backup_wallet(CUSTOM).await;
        refused(lost, ErrorId::Unavailable, "lost");
        let statuses = backup_statuses(&state_of(&phone).await);
        assert_eq!(statuses, [COMPLETE, CUSTODIAN]);
        world.assert_recovers(&wallet, "by the old backup").await;
    }
}

in_both_modes! {
    /// E17: a backup that was overtaken is not completed any more, nor recovered from.
    async fn an_overtaken_backup_is_refused(world: idle_world) {
        let wallet = world.wallet().await;
        let portal = &wallet.portal;
        let first = granted(portal.backup_wallet(CUSTOM).await, "backing up");
        let second = granted(portal.backup_wallet(CUSTOM).await, "backing up");
        world
            .store_cipher_text(&wallet.user, &second.cipher_text)
            .await;
        granted(second.confirm().await, "confirming the second");
        let overtaken = ErrorId::BackupShareMismatch;
        refused(first.confirm().await, overtaken, "confirming the first");
        granted(second.confirm().await, "confirming the second again");

        let tablet = world.fresh_device(&wallet.user).await;
        tablet.take_recovery_ticket(world.open_recovery(&wallet.user).await);
        let text = &first.cipher_text;
        refused(
            tablet.recover_wallet(CUSTOM, text).await,
            overtaken,
            "recover",
        );
        let third = world.back_up(&wallet.user, portal).await;
        let text = &second.cipher_text;
        refused(
            tablet.recover_wallet(CUSTOM, text).await,
            overtaken,
            "recover",
        );
        granted(tablet.recover_wallet(CUSTOM, &third).await, "recovering");
        assert_signs(&tablet, &wallet.keys, "by the third backup").await;
    }
}

in_both_modes! {
    /// Whoever has the lost phone began a backup there: completed after the recovery, it would take
    /// the place of the one that the user recovered from, and only the thief could open it.
    async fn a_backup_begun_before_a_recovery_is_not_completed_after_it(world: idle_world) {
        let (wallet, _) = world.backed_up_wallet().await;
        let begun = granted(wallet.portal.backup_wallet(CUSTOM).await, "begun");
        let tablet = world.assert_recovers(&wallet, "by the old backup").await;
        let statuses = backup_statuses(&state_of(&tablet).await);
        assert_eq!(statuses, [COMPLETE, BackupStatus::Abandoned]);
        let over = ErrorId::BackupShareMismatch;
        refused(begun.confirm().await, over, "on the old phone");
        let text = begun.cipher_text.as_str();
        let confirmed = tablet.api().stored_client_backup_share(text).await;
        refused(confirmed, over, "on the new device");
        world
            .assert_recovers(&wallet, "by the old backup still")
            .await;
    }
}

in_both_modes! {
    /// 425, and the SDK waits a little: the custodian's acknowledgement may be on its way.
    async fn a_confirmation_before_the_acknowledgement_is_too_early(world: busy_world) {
        let (wallet, _) = world.backed_up_wallet().await;
        let portal = &wallet.portal;
        world.send_webhooks_to(&slamming().await).await;
        let password = || Password::new("a password").expect("not empty");
        let failed = portal.backup_wallet(Backup::Password(password())).await;
        refused(failed, ErrorId::WebhookFailed, "down");
        let state = state_of(portal).await;
        let (ids, status) = backup_pairs(&state)[1];
        assert_eq!(status, PENDING);

        let path = "/api/v3/clients/me/backup-share-pairs";
        let bodies = [
            json!({
                "backupSharePairIds": ids.into_array(),
                "status": "STORED_CLIENT_BACKUP_SHARE",
                "cipherTextDigest": "A".repeat(43),
            }),
            json!({
                "backupSharePairIds": ids.into_array(),
                "status": "STORED_CLIENT_BACKUP_SHARE_KEY",
            }),
        ];
        for body in bodies {
            let token = &wallet.user.token;
            let early = world.call(Method::PATCH, path, token, Some(body)).await;
            early.is_problem(425, "OPERATION_IN_PROGRESS", "PENDING");
        }

        // An app that held a cipher text of this backup: made here, since the SDK gave none out.
        let wallet_ids = PerCurve::new(state.wallets[0].id, state.wallets[1].id);
        let subject = BackupSubject {
            client_id: wallet.user.id,
            wallet_ids,
            backup_share_pair_ids: ids,
            generation: Generation(1),
        };
        let shares = PerCurve::new(1, 2).map(|byte| SecretBytes::new(vec![byte; 32]));
        let rng = &mut entropy::rng();
        let text = CipherText::encrypt_with_password(&password(), subject, &shares, rng);
        let text = text.expect("a cipher text").to_string();
        let early = portal.api().stored_client_backup_share(&text).await;
        refused(early, ErrorId::OperationInProgress, "PENDING all the while");

        world.mend_webhook().await;
        world.clock.put_forward(Duration::from_secs(60));
        let confirmed = portal.api().stored_client_backup_share(&text).await;
        granted(confirmed, "delivered while the SDK waits");
        let statuses = backup_statuses(&state_of(portal).await);
        assert_eq!(statuses, [OVERTAKEN, COMPLETE]);
        world.back_up(&wallet.user, portal).await;
        world
            .assert_recovers(&wallet, "by a backup of the SDK's")
            .await;
    }
}
