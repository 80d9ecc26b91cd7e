//! What cannot be told is not done.

use portal_lifecycle::{Effect, Epoch, Event, OperationKind};
use portal_store::conformance::{Life, kms, new_client, new_custodian, now, origin, signature};
use portal_store::{
    ClientStore as _, CustodianStore as _, Maintenance as _, NewSession, Secrets, WalletStore as _,
    WebhookConfig, WebhookStore as _,
};

use super::Tampered;
use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

async fn nothing_happens_without_its_line<B: Tampered>(backend: &B) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let webhook = store.webhook(life.environment).await.unwrap();
    let webhook = webhook.unwrap();
    let (custodian, client) = (new_custodian(), new_client(life.environment));
    let session = NewSession {
        token: new_client(life.environment).session.token,
        ..client.session
    };
    let away = "ALTER TABLE audit_events RENAME TO away".to_owned();
    backend.tamper(&[away]).await;

    let act = signature();
    let version = life.version.unwrap();
    let line = store
        .audit(life.client, version, origin(), act, None, now())
        .await;
    assert!(line.is_err(), "a signature");
    let made = store.create_custodian(custodian.clone(), origin()).await;
    assert!(made.is_err(), "a custodian");
    assert!(
        store.create_client(client.clone(), origin()).await.is_err(),
        "a client"
    );
    let made = store.create_session(life.client, session, origin()).await;
    assert!(made.is_err(), "a session");
    let other = WebhookConfig {
        version: webhook.version.next(),
        base_url: "https://other.example".to_owned(),
        ..webhook.clone()
    };
    let put = store
        .put_webhook(life.environment, other, origin(), now())
        .await;
    assert!(put.is_err(), "a webhook");
    let policy = Some("policy");
    let put = store.put_signing_policy(life.environment, None, policy, origin(), now());
    assert!(put.await.is_err(), "a signing policy");
    let (next, secrets) = portal_store::conformance::with_new_pair(&life);
    assert!(life.try_keep(&next, secrets).await.is_err(), "a pair");
    assert!(
        store.raise_epoch(now(), origin()).await.is_err(),
        "an epoch"
    );

    life.check().await;
    assert_eq!(store.epoch().await.unwrap(), Epoch::FIRST);
    let kept = store.webhook(life.environment).await.unwrap();
    assert_eq!(kept, Some(webhook));
    let policies = store.signing_policies(life.environment, None).await;
    assert_eq!(policies.unwrap().environment, None);
    let known = store.custodian_by_key(custodian.api_key).await.unwrap();
    assert_eq!(known, None);
    for token in [client.api_key, client.session.token, session.token] {
        let known = store.client_by_credential(token, now(), now()).await;
        assert_eq!(known.unwrap(), None);
    }
}

#[tokio::test]
async fn nothing_happens_without_its_line_on_sqlite() {
    nothing_happens_without_its_line(&SqliteBackend::new()).await;
}

#[tokio::test]
async fn nothing_happens_without_its_line_on_postgres() {
    nothing_happens_without_its_line(&PostgresBackend::new()).await;
}

/// A purge that breaks off leaves both halves; the next run finishes.
async fn a_purge_is_whole_or_not_at_all<B: Tampered>(backend: &B) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    let active = life.back_up_managed("the active").await;
    life.prove_backup_and_wait(31 * 24 * 3_600 * 1_000).await;
    let collected = life.wallet.apply(Event::Collect, life.now).unwrap();
    let Effect::Collect(garbage) = collected.effect else {
        panic!("expected a collection, got {:?}", collected.effect);
    };
    let due_at = life.now;
    let collect = || Secrets::Collect {
        garbage: garbage.clone(),
        due_at,
    };

    // The line comes last.
    let away = "ALTER TABLE audit_events RENAME TO away".to_owned();
    backend.run(&[away]).await;
    let broken = life.try_keep(&collected.wallet, collect()).await;
    assert!(broken.is_err(), "{broken:?}");
    life.check().await;
    assert!(life.has_both_halves(former).await);

    let back = "ALTER TABLE away RENAME TO audit_events".to_owned();
    backend.run(&[back]).await;
    life.keep(collected.wallet, collect()).await;
    assert!(!life.has_both_halves(former).await);
    assert!(life.has_both_halves(active).await);
    let last = life.audit_log().await.pop();
    let last = last.map(|line| line.act);
    assert_eq!(last.as_deref(), Some("BACKUP_PAIR_PURGED"));
}

#[tokio::test]
async fn a_purge_is_whole_or_not_at_all_on_sqlite() {
    a_purge_is_whole_or_not_at_all(&SqliteBackend::new()).await;
}

#[tokio::test]
async fn a_purge_is_whole_or_not_at_all_on_postgres() {
    a_purge_is_whole_or_not_at_all(&PostgresBackend::new()).await;
}
