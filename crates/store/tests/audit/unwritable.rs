//! What cannot be told is not done.

use portal_lifecycle::{Epoch, OperationKind};
use portal_store::conformance::{Life, kms, new_client, new_custodian, now, origin, signature};
use portal_store::{
    ClientStore as _, CustodianStore as _, Maintenance as _, NewSession, WalletStore as _,
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
