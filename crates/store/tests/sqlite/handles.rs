//! Two handles on one file, as two processes would have them.

use portal_lifecycle::{Curve, OperationKind};
use portal_store::conformance::{Backend as _, Life, kms, new_custodian, share_of};
use portal_store::{
    AuditRecord, CommitError, CustodianStore as _, Secrets, SqlStore, WalletStore as _,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;

use super::SqliteBackend;

#[tokio::test]
async fn two_handles_see_each_other() {
    let backend = SqliteBackend::new();
    let (one, other) = (backend.open(kms()).await, backend.open(kms()).await);
    let mut life = Life::new(&one).await;
    let ids = life.sign_up(OperationKind::Generate).await;
    let seen = other.wallet(life.client).await.unwrap().unwrap();
    assert_eq!(
        (&seen.wallet, Some(seen.version)),
        (&life.wallet, life.version)
    );
    let pair = ids.ed25519;
    let share = other.signing_share(life.client, Curve::Ed25519, pair).await;
    assert_eq!(share.unwrap(), Some(share_of(pair.0)));
    // `portal custodian create` beside the running server.
    let new = new_custodian();
    other.create_custodian(new.clone()).await.unwrap();
    assert!(one.custodian_by_key(new.api_key).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_commits_exactly_one_wins() {
    let backend = SqliteBackend::new();
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let mut life = Life::new(&handles[0]).await;
    for round in 0..20 {
        let mut racers = JoinSet::new();
        for racer in 0..4_usize {
            let store = handles[racer % 2].clone();
            let mut commit = life.commit_of(&life.wallet, Secrets::Unchanged);
            commit.audit = Some(AuditRecord {
                action: "race",
                subject: format!("round {round}, racer {racer}"),
                digest: [0; 32],
                trace_id: portal_lifecycle::ids::TraceId(life.client.0),
            });
            racers.spawn(async move { store.commit_wallet(commit).await });
        }
        let mut winners = Vec::new();
        for result in racers.join_all().await {
            match result {
                Ok(version) => winners.push(version),
                Err(CommitError::Conflict) => {}
                Err(other) => panic!("expected a version or a conflict, got {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        life.version = winners.pop();
        life.check().await;
    }
    let log = backend.audit_log(life.client).await;
    assert_eq!(log.len(), 20, "each winner, and no loser, left its line");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    // A file that is a write-ahead log's already sends all of them into the migration at once.
    for turned_before in [false, true, false, true, false, true] {
        let backend = SqliteBackend::new();
        if turned_before {
            let options = SqliteConnectOptions::new()
                .filename(backend.path())
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            options.connect().await.unwrap().close().await.unwrap();
        }
        let mut openers = JoinSet::new();
        for _ in 0..6 {
            let path = backend.path();
            openers.spawn(async move { SqlStore::sqlite(&path, kms()).await });
        }
        for opened in openers.join_all().await {
            opened
                .unwrap()
                .create_custodian(new_custodian())
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_other_wallets_wait_for_each_other() {
    let backend = SqliteBackend::new();
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let mut lives = JoinSet::new();
    for number in 0..8 {
        let store = handles[number % 2].clone();
        lives.spawn(async move {
            let mut life = Life::new(&store).await;
            life.sign_up(OperationKind::Generate).await;
            life.sign_up(OperationKind::Refresh).await;
        });
    }
    lives.join_all().await;
}
