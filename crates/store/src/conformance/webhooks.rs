//! Webhooks of environments, and the log of calls.

use portal_api::webhook::{WebhookKind, WebhookOutcome};
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, TraceId, WebhookDeliveryId,
};

use super::fixture::{fresh, kms, new_custodian, webhook_secret};
use super::{Backend, now, origin};
use crate::{
    CommitError, CustodianStore as _, FormerSecret, NewCustodian, Store, StoreError,
    WebhookAttempt, WebhookConfig, WebhookStore as _, WebhookVersion,
};

/// A webhook comes back as it was put, and each environment has its own.
pub async fn a_webhook_is_replaced_and_comes_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let with = new_custodian();
    let without = NewCustodian {
        webhook: None,
        ..new_custodian()
    };
    for new in [&with, &without] {
        store
            .create_custodian(new.clone(), origin())
            .await
            .expect("made");
        let webhook = store.webhook(new.environment_id).await.expect("read");
        assert_eq!(webhook, new.webhook);
    }
    for (environment, version) in [
        (with.environment_id, WebhookVersion(2)),
        (without.environment_id, WebhookVersion::FIRST),
    ] {
        let other = other_webhook(version);
        store
            .put_webhook(environment, other.clone(), origin(), now())
            .await
            .expect("put");
        let webhook = store.webhook(environment).await.expect("read");
        assert_eq!(webhook, Some(other));
    }
    let unknown = EnvironmentId(fresh());
    let refused = store
        .put_webhook(
            unknown,
            other_webhook(WebhookVersion::FIRST),
            origin(),
            now(),
        )
        .await;
    assert!(
        matches!(
            refused,
            Err(CommitError::Store(StoreError::NoSuchRow { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(store.webhook(unknown).await.expect("read"), None);
}

/// Of two who replace one webhook, the later hears that it was replaced, and changes nothing.
pub async fn a_replaced_webhook_is_not_replaced_again(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let new = new_custodian();
    store
        .create_custodian(new.clone(), origin())
        .await
        .expect("made");
    for version in [0, 1, 3] {
        let put = other_webhook(WebhookVersion(version));
        let refused = store
            .put_webhook(new.environment_id, put, origin(), now())
            .await;
        assert!(
            matches!(refused, Err(CommitError::Conflict)),
            "version {version}: {refused:?}"
        );
    }
    let webhook = store.webhook(new.environment_id).await.expect("read");
    assert_eq!(webhook, new.webhook);
}

/// A former secret signs until it ends, and is erased after that.
pub async fn a_former_secret_ends_and_is_erased(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let new = new_custodian();
    store
        .create_custodian(new.clone(), origin())
        .await
        .expect("made");
    let put = other_webhook(WebhookVersion(2));
    let former = put.former.clone().expect("a former secret");
    let environment = new.environment_id;
    store
        .put_webhook(environment, put.clone(), origin(), now())
        .await
        .expect("put");
    let before = Timestamp::from_ms(former.expires_at.as_ms() - 1);
    assert_eq!(
        put.secrets_at(before).collect::<Vec<_>>(),
        [&put.secret, &former.secret]
    );
    assert_eq!(
        put.secrets_at(former.expires_at).collect::<Vec<_>>(),
        [&put.secret]
    );
    for (at, left) in [(before, Some(former.clone())), (former.expires_at, None)] {
        store.prune_webhooks(at, at, 10).await.expect("pruned");
        let webhook = store.webhook(environment).await.expect("read");
        let webhook = webhook.expect("a webhook");
        assert_eq!(webhook.former, left);
        assert_eq!(webhook.secret, put.secret, "the present one stays");
    }
}

/// Calls come back newest first, page by page, and only to the environment that they are of.
pub async fn the_log_of_calls_is_read_backwards(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mine, other) = (environment(&store).await, environment(&store).await);
    let mut calls: Vec<_> = (0..7).map(|number| call(mine, number)).collect();
    for call in &calls {
        store
            .record_webhook_attempt(call.clone())
            .await
            .expect("noted");
    }
    let theirs = call(other, 3);
    store
        .record_webhook_attempt(theirs.clone())
        .await
        .expect("noted");
    calls.reverse();
    let mut read = Vec::new();
    let mut before = None;
    loop {
        let page = store.webhook_attempts(mine, before, 3).await.expect("read");
        assert_eq!(page.total, 7);
        let Some(last) = page.entries.last() else {
            break;
        };
        before = Some(last.id);
        read.extend(page.entries);
    }
    assert_eq!(read, calls);
    let page = store.webhook_attempts(other, None, 3).await.expect("read");
    assert_eq!((page.entries, page.total), (vec![theirs], 1));
    let unknown = call(EnvironmentId(fresh()), 0);
    let refused = store.record_webhook_attempt(unknown).await;
    assert!(
        matches!(refused, Err(StoreError::NoSuchRow { .. })),
        "{refused:?}"
    );
}

/// What is old is forgotten, and what is too much of one environment; another's stays.
pub async fn the_log_of_calls_is_pruned(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mine, other) = (environment(&store).await, environment(&store).await);
    let calls: Vec<_> = (0..7).map(|number| call(mine, number)).collect();
    for call in calls.iter().chain([&call(other, 3)]) {
        store
            .record_webhook_attempt(call.clone())
            .await
            .expect("noted");
    }
    let left = async |environment| {
        let page = store.webhook_attempts(environment, None, 100).await;
        let entries = page.expect("read").entries;
        entries.into_iter().map(|call| call.id).collect::<Vec<_>>()
    };
    let ids = |from: usize| -> Vec<_> { calls[from..].iter().rev().map(|call| call.id).collect() };
    for (oldest, keep, from, others) in [(0, 7, 0, 1), (2, 7, 2, 1), (2, 3, 4, 1), (4, 3, 4, 0)] {
        let oldest = now().plus_ms(oldest);
        store
            .prune_webhooks(now(), oldest, keep)
            .await
            .expect("pruned");
        assert_eq!(
            left(mine).await,
            ids(from),
            "since {oldest:?}, {keep} at most"
        );
        assert_eq!(left(other).await.len(), others);
    }
}

async fn environment(store: &impl Store) -> EnvironmentId {
    let new = new_custodian();
    let environment = new.environment_id;
    store.create_custodian(new, origin()).await.expect("made");
    environment
}

fn other_webhook(version: WebhookVersion) -> WebhookConfig {
    WebhookConfig {
        version,
        base_url: "https://other.example".to_owned(),
        secret: webhook_secret(b"another secret"),
        former: Some(FormerSecret {
            secret: webhook_secret(b"the secret before it"),
            expires_at: now().plus_ms(1_000),
        }),
    }
}

/// The call of that number, of that many milliseconds after the beginning, each of another kind.
fn call(environment_id: EnvironmentId, number: u64) -> WebhookAttempt {
    let at = now().plus_ms(number);
    let index = usize::try_from(number).expect("a small number");
    let is_even = number.is_multiple_of(2);
    let mut random = [0; 10];
    random.copy_from_slice(&fresh().as_bytes()[6..]);
    WebhookAttempt {
        id: WebhookDeliveryId::make(at, random),
        environment_id,
        kind: WebhookKind::ALL[index % WebhookKind::ALL.len()],
        webhook_id: format!("store_{number}"),
        client_id: is_even.then(|| ClientId(fresh())),
        backup_share_pair_id: is_even.then(|| BackupSharePairId(fresh())),
        outcome: WebhookOutcome::ALL[index % WebhookOutcome::ALL.len()],
        status_code: is_even.then_some(200),
        latency_ms: u32::try_from(number).expect("a small number"),
        trace_id: TraceId(fresh()),
        created_at: at,
    }
}
