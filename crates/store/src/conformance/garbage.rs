//! E9, E10, E18: what was collected.

use portal_lifecycle::{BackupMethod, BackupStatus, Curve, Event, OperationKind};

use super::Backend;
use super::fixture::{Life, kms, origin};
use crate::{Notice, OutboxStore as _, Store};

pub(super) const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// A wallet with a superseded signing pair and backup, and a backup that cannot be completed.
async fn aged<S: Store>(store: &S) -> Life<'_, S> {
    let mut life = Life::new(store).await;
    life.sign_up(OperationKind::Generate).await;
    life.make_backup(BackupMethod::GDrive).await;
    life.back_up(BackupMethod::GDrive).await;
    life.back_up(BackupMethod::GDrive).await;
    life.back_up(BackupMethod::GDrive).await;
    let ids = life.sign_up(OperationKind::Refresh).await;
    let pair = ids.ed25519;
    let curve = Curve::Ed25519;
    life.happen(Event::Sign { curve, pair }).await;
    life.prove_backup_and_wait(31 * DAY_MS).await;
    life
}

/// Shares are erased, the outbox forgets, and each purged backup pair has a notice of its own.
pub async fn what_was_collected_is_gone_and_the_custodian_is_told(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = aged(&store).await;
    let superseded = life.wallet.signing_pairs[0].ids;
    let stopped = life.wallet.backup_pairs[0].ids;
    let former = [1, 2].map(|at| life.wallet.backup_pairs[at].ids);
    life.happen(Event::Collect).await;
    for curve in Curve::ALL {
        assert_eq!(life.signing_share(curve, superseded).await, None);
        let current = life.wallet.signing_pairs[1].ids;
        assert!(life.signing_share(curve, current).await.is_some());
    }
    let gone = store.delivery(life.client, stopped).await.expect("read");
    assert_eq!(gone, None, "the outbox still has a share");
    let notices = store
        .claim_notices(life.environment, life.now, life.now, 10)
        .await;
    let mut told: Vec<_> = notices
        .expect("read")
        .into_iter()
        .map(|notice| (notice.ids, notice.status))
        .collect();
    told.sort_by_key(|(ids, _)| ids.secp256k1);
    // Not of the one that was abandoned: it may wait in a copy of this database.
    let expected = former.map(|ids| (ids, BackupStatus::Purged));
    assert_eq!(told, expected);
}

/// As with deliveries: claimed once, tried again later, forgotten when heard.
pub async fn a_notice_is_claimed_put_off_and_forgotten(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = aged(&store).await;
    life.happen(Event::Collect).await;
    let (now, until) = (life.now, life.now.plus_ms(10));
    let claimed = async |at| {
        store
            .claim_notices(life.environment, at, until, 1)
            .await
            .expect("a claim")
    };
    let early = store
        .claim_notices(life.environment, super::now(), until, 10)
        .await;
    assert_eq!(early.expect("a claim"), [], "not due yet");
    let first = claimed(now).await;
    let second = claimed(now).await;
    let [one, other] = [first, second].concat().try_into().expect("one each");
    let expected = Notice {
        client_id: life.client,
        environment_id: life.environment,
        attempts: 0,
        ids: one.ids,
        status: one.status,
        trace_id: Some(origin().trace_id),
    };
    assert_eq!(one, expected);
    assert_ne!(one.ids, other.ids);
    assert_eq!(claimed(now).await, [], "both are claimed");
    store.notice_heard(&one).await.expect("forgotten");
    let later = until.plus_ms(1_000);
    store.notice_failed(&other, later).await.expect("put off");
    assert_eq!(claimed(until).await, []);
    let again = claimed(later).await;
    assert_eq!(
        again,
        [Notice {
            attempts: 1,
            ..other
        }]
    );
}
