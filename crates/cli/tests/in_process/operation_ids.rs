//! E1: the same operation id finds what it made, and makes nothing twice.

use std::time::Duration;

use portal_api::session::{Operation, Outcome, PairIds};
use portal_lifecycle::ids::OperationId;
use portal_lifecycle::{BackupStatus, SigningStatus};
use portal_sdk::ErrorId;
use portal_server::Limits;
use reqwest::Method;

use crate::by_hand::{self, Pair, backup_of, confirmation, hear_done};
use crate::raw::Raw;
use crate::receiver::slamming;
use crate::wallet::{backup_statuses, signing_statuses, state_of};
use crate::world::{User, World};

/// A wallet that only this test holds.
async fn generated(world: &World, user: &User) -> (Pair, OperationId) {
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(Operation::Generate);
    let operation_id = start.operation_id;
    (by_hand::generate(&mut raw, start).await, operation_id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_operation_id_makes_one_pair() {
    let world = World::start().await;
    let user = world.user().await;
    let (pair, operation_id) = generated(&world, &user).await;
    let reader = world.fresh_device(&user).await;

    // Again, from any device.
    let again = async |operation| {
        let mut raw = Raw::open(world.url(), &user.token).await;
        let mut start = raw.start_frame(operation);
        start.operation_id = operation_id;
        raw.send_start(start).await;
        raw
    };
    let made = |status| Outcome::SigningPair {
        ids: pair.ids,
        status,
    };
    let mut raw = again(Operation::Generate).await;
    let found = hear_done(&mut raw).await;
    assert_eq!(found, made(SigningStatus::StoredDatabase));
    let proofs = pair.proofs(user.id, pair.ids);
    let body = confirmation(&pair.ids.into_array(), &proofs);
    let path = "/api/v3/clients/me/signing-share-pairs";
    let confirmed = world
        .call(Method::PATCH, path, &user.token, Some(body))
        .await;
    assert_eq!(confirmed.status, 204, "{confirmed:?}");
    let mut raw = again(Operation::Generate).await;
    let found = hear_done(&mut raw).await;
    assert_eq!(found, made(SigningStatus::StoredClient));

    // For something else.
    let refresh = Operation::Refresh {
        signing_share_pair_ids: pair.ids,
    };
    for operation in [refresh, backup_of(&pair)] {
        let when = format!("{operation:?}");
        let mut raw = again(operation).await;
        let problem = raw.hear_problem().await;
        let seen = (problem.id, problem.status);
        let expected = (ErrorId::IdempotentRequestMismatch, 409);
        assert_eq!(seen, expected, "{when}: {problem:?}");
    }
    let statuses = signing_statuses(&state_of(&reader).await);
    assert_eq!(statuses, [SigningStatus::StoredClient], "one pair");
    by_hand::assert_signs(&world, &user, &pair).await;
}

/// "Webhook sent, answer lost", and a backend that was down: the same id delivers again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_operation_id_delivers_a_backup_again() {
    // So that only the client's own repetition delivers.
    let world = World::start_with(Limits {
        outbox_interval: Duration::from_secs(3600),
        ..Limits::default()
    })
    .await;
    let user = world.user().await;
    let (pair, _) = generated(&world, &user).await;
    let proofs = pair.proofs(user.id, pair.ids);
    let body = confirmation(&pair.ids.into_array(), &proofs);
    let path = "/api/v3/clients/me/signing-share-pairs";
    let confirmed = world
        .call(Method::PATCH, path, &user.token, Some(body))
        .await;
    assert_eq!(confirmed.status, 204, "{confirmed:?}");

    world.send_webhooks_to(&slamming().await).await;
    let mut raw = Raw::open(world.url(), &user.token).await;
    let start = raw.start_frame(backup_of(&pair));
    let (new_pair, _shares) = by_hand::backup(&mut raw, start.clone(), &pair).await;
    let PairIds::Backup(ids) = new_pair else {
        panic!("expected a backup pair, seen {new_pair:?}");
    };
    assert_eq!(raw.hear_problem().await.id, ErrorId::WebhookFailed, "down");
    let reader = world.fresh_device(&user).await;
    let statuses = backup_statuses(&state_of(&reader).await);
    assert_eq!(statuses, [BackupStatus::Pending]);

    let again = async || {
        let mut raw = Raw::open(world.url(), &user.token).await;
        raw.send_start(start.clone()).await;
        raw
    };
    let problem = again().await.hear_problem().await;
    assert_eq!(problem.id, ErrorId::WebhookFailed, "still down");
    world.mend_webhook().await;
    let status = BackupStatus::StoredCustodianBackupShare;
    for _ in 0..2 {
        let mut raw = again().await;
        assert_eq!(
            hear_done(&mut raw).await,
            Outcome::BackupPair {
                ids,
                status,
                proofs: None
            }
        );
    }
    let statuses = backup_statuses(&state_of(&reader).await);
    assert_eq!(statuses, [status], "one pair");
    by_hand::assert_signs(&world, &user, &pair).await;
}
