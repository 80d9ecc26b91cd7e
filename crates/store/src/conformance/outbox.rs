//! Custodian shares on their way.

use portal_lifecycle::ids::{BackupSharePairId, EnvironmentId};
use portal_lifecycle::{BackupMethod, Event, OperationKind, PerCurve};

use super::Backend;
use super::fixture::{Life, blinds_of, fresh, kms, now, origin, shares_of};
use crate::{CommitError, Delivery, OutboxDepth, OutboxStore as _, Secrets, Store, StoreError};

/// Due at the latest after this.
const LONG_MS: u64 = 1_000_000;

async fn due_pairs(
    store: &impl Store,
    environment: EnvironmentId,
    after_ms: u64,
    take: u32,
) -> Vec<PerCurve<BackupSharePairId>> {
    // Claimed for no time: it is due again at once.
    let at = now().plus_ms(after_ms);
    let due = store.claim_deliveries(environment, at, at, take).await;
    let due = due.expect("read").into_iter();
    due.map(|delivery| delivery.ids).collect()
}

/// A delivery carries what the webhook call needs, with the shares in clear.
pub async fn a_delivery_comes_back_in_full(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::Passkey).await;
    let expected = Delivery {
        client_id: life.client,
        environment_id: life.environment,
        ids,
        wallet_ids: life.wallet.ids,
        generation: life.wallet.generation,
        method: BackupMethod::Passkey,
        shares: shares_of(ids.map(|id| id.0)),
        blinds: Some(blinds_of(ids)),
        attempts: 0,
        trace_id: Some(origin().trace_id),
    };
    let one = store.delivery(life.client, ids).await.expect("read");
    assert_eq!(one.as_ref(), Some(&expected));
    let due = store
        .claim_deliveries(life.environment, now().plus_ms(LONG_MS), now(), 10)
        .await;
    assert_eq!(due.expect("read"), [expected]);
}

/// Another client, another pair, or half of it, finds nothing.
pub async fn a_delivery_is_found_by_its_client_and_pair_only(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut life, other) = (Life::new(&store).await, Life::new(&store).await);
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    let unknown = BackupSharePairId(fresh());
    for (client, ids) in [
        (other.client, ids),
        (life.client, PerCurve::new(ids.secp256k1, unknown)),
        (life.client, PerCurve::new(unknown, ids.ed25519)),
        (life.client, PerCurve::new(ids.ed25519, ids.secp256k1)),
    ] {
        let found = store.delivery(client, ids).await.expect("read");
        assert_eq!(found, None);
        // Nor can it be moved or erased under wrong names.
        let far = now().plus_ms(LONG_MS);
        let failed = store.delivery_failed(client, ids, far).await;
        failed.expect("nothing to do");
    }
    let mut stranger = other;
    stranger
        .keep(stranger.wallet.clone(), Secrets::EraseOutbox { ids })
        .await;
    let kept = store.delivery(life.client, ids).await.expect("read");
    assert_eq!(kept.map(|delivery| delivery.attempts), Some(0));
}

/// What has been due longest comes first; what is not due does not come.
pub async fn due_deliveries_come_in_order(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let mut pairs = Vec::new();
    for due_after_ms in [3_000, 1_000, 2_000] {
        pairs.push((due_after_ms, life.make_backup(BackupMethod::GDrive).await));
    }
    pairs.sort_by_key(|(due_after_ms, _)| *due_after_ms);
    let ordered: Vec<_> = pairs.iter().map(|(_, ids)| *ids).collect();
    for (after_ms, take, expected) in [
        (999, 10, 0),
        (1_000, 10, 1),
        (2_500, 10, 2),
        (LONG_MS, 10, 3),
        (LONG_MS, 2, 2),
        (LONG_MS, 0, 0),
    ] {
        // A claim has moved them.
        for (due_after_ms, ids) in &pairs {
            let due_at = now().plus_ms(*due_after_ms);
            let moved = store.delivery_failed(life.client, *ids, due_at).await;
            moved.expect("moved");
        }
        let due = due_pairs(&store, life.environment, after_ms, take).await;
        let expected = ordered.get(..expected);
        assert_eq!(Some(due.as_slice()), expected, "{take} after {after_ms} ms");
    }
}

/// One environment's deliveries are claimed without touching another's, and those that have waited
/// longest are told of first.
pub async fn deliveries_are_claimed_by_environment(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut waiting = Vec::new();
    for due_after_ms in [2_000, 1_000] {
        let mut life = Life::new(&store).await;
        life.sign_up(OperationKind::Generate).await;
        let ids = life.make_backup(BackupMethod::GDrive).await;
        let due_at = now().plus_ms(due_after_ms);
        let moved = store.delivery_failed(life.client, ids, due_at).await;
        moved.expect("moved");
        waiting.push((life.environment, ids));
    }
    waiting.reverse();
    for (after_ms, expected) in [(999, 0), (1_000, 1), (2_000, 2)] {
        let due = store.due_environments(now().plus_ms(after_ms)).await;
        let expected = waiting.iter().take(expected);
        let expected: Vec<_> = expected.map(|(environment, _)| *environment).collect();
        assert_eq!(due.expect("read"), expected, "after {after_ms} ms");
    }
    for (environment, ids) in &waiting {
        let due = due_pairs(&store, *environment, LONG_MS, 10).await;
        assert_eq!(due, [*ids]);
    }
}

/// Each failure is counted and puts the delivery off.
pub async fn a_failed_delivery_comes_later(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    for attempts in 1..=3 {
        let next_due_ms = 10_000 * u64::from(attempts);
        let next_due_at = now().plus_ms(next_due_ms);
        let failed = store.delivery_failed(life.client, ids, next_due_at).await;
        failed.expect("noted");
        assert_eq!(
            due_pairs(&store, life.environment, next_due_ms - 1, 10).await,
            []
        );
        assert_eq!(
            due_pairs(&store, life.environment, next_due_ms, 10).await,
            [ids]
        );
        let delivery = store.delivery(life.client, ids).await.expect("read");
        assert_eq!(delivery.map(|delivery| delivery.attempts), Some(attempts));
    }
    life.check().await;
}

/// Invariant I6: the acknowledgement empties the outbox; said again, it changes nothing.
pub async fn an_acknowledged_delivery_is_gone(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    let other = life.make_backup(BackupMethod::GDrive).await;
    for _ in 0..2 {
        life.happen(Event::CustodianAcknowledged { ids }).await;
        let gone = store.delivery(life.client, ids).await.expect("read");
        assert_eq!(gone, None);
        assert_eq!(
            due_pairs(&store, life.environment, LONG_MS, 10).await,
            [other]
        );
    }
    let late = store.delivery_failed(life.client, ids, now()).await;
    late.expect("a failure that comes late changes nothing");
    assert_eq!(
        due_pairs(&store, life.environment, LONG_MS, 10).await,
        [other]
    );
}

/// Only a pair of this wallet has a delivery.
pub async fn a_share_is_not_delivered_for_an_unknown_pair(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = PerCurve::new(BackupSharePairId(fresh()), BackupSharePairId(fresh()));
    let shares = shares_of(ids.map(|id| id.0));
    let due_at = now();
    let secrets = Secrets::Enqueue {
        ids,
        shares,
        blinds: None,
        due_at,
    };
    let result = life.try_keep(&life.wallet, secrets).await;
    let no_such_row = matches!(
        result,
        Err(CommitError::Store(StoreError::NoSuchRow { .. }))
    );
    assert!(no_such_row, "{result:?}");
    life.check().await;
    assert_eq!(due_pairs(&store, life.environment, LONG_MS, 10).await, []);
}

/// What one node has claimed another does not get, until the claim ends.
pub async fn a_claim_is_exclusive_and_ends(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    let (due, until) = (now().plus_ms(LONG_MS), now().plus_ms(LONG_MS + 10));
    let claim = |at| store.claim_deliveries(life.environment, at, until, 10);
    let first = claim(due).await.expect("a claim");
    assert_eq!(first.len(), 1, "{ids:?} is due");
    let second = claim(due).await.expect("a claim");
    assert_eq!(second, [], "claimed already");
    let later = claim(until).await.expect("a claim");
    assert_eq!(later, first, "the first node has died");
}

/// For an operator's eye: how long the outbox has not been emptied.
pub async fn the_oldest_delivery_is_told(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    assert_eq!(store.oldest_delivery().await.expect("read"), None);
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    let first = life.now;
    life.make_backup(BackupMethod::GDrive).await;
    assert_eq!(store.oldest_delivery().await.expect("read"), Some(first));
    life.happen(Event::CustodianAcknowledged { ids }).await;
    assert!(store.oldest_delivery().await.expect("read") > Some(first));
}

/// What was acknowledged is not counted any more.
pub async fn the_outbox_is_counted(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let depth = async || store.outbox_depth().await.expect("read");
    assert_eq!(depth().await, OutboxDepth::default());
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let ids = life.make_backup(BackupMethod::GDrive).await;
    life.make_backup(BackupMethod::GDrive).await;
    let (deliveries, notices) = (2, 0);
    let expected = OutboxDepth {
        deliveries,
        notices,
    };
    assert_eq!(depth().await, expected);
    life.happen(Event::CustodianAcknowledged { ids }).await;
    assert_eq!(depth().await.deliveries, 1);
}
