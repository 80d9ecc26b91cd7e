//! Two handles on one file, as two processes would have them.

use portal_lifecycle::{Curve, OperationKind};
use portal_store::conformance::{Backend as _, Life, kms, new_custodian, origin, share_of};
use portal_store::{CustodianStore as _, SqlStore, WalletStore as _};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;

use super::SqliteBackend;
use crate::races;

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
    other.create_custodian(new.clone(), origin()).await.unwrap();
    assert!(one.custodian_by_key(new.api_key).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_commits_exactly_one_wins() {
    races::of_racing_commits_exactly_one_wins(&SqliteBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_lines_each_has_its_place() {
    races::of_racing_lines_each_has_its_place(&SqliteBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_first_commits_exactly_one_wins() {
    races::of_racing_first_commits_exactly_one_wins(&SqliteBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_claims_one_gets_each_delivery() {
    races::of_racing_claims_one_gets_each_delivery(&SqliteBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_requests_one_is_acted_on() {
    races::of_racing_requests_one_is_acted_on(&SqliteBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_keys_one_is_the_databases() {
    races::of_racing_keys_one_is_the_databases(&SqliteBackend::new()).await;
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
                .create_custodian(new_custodian(), origin())
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
